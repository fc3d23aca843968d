/** Rows 45 to 55, 69 to 75 and 84 to 87: kinks, depth, shared nodes, selection, dropout, normalisation. */

import { expect, it } from 'vitest'
import * as loss from '../../src/loss/index.ts'
import * as nn from '../../src/nn/index.ts'
import * as t from '../../src/tensor/index.ts'
import { grad, random, type Tensor, tensor, vjp } from '../../src/tensor/index.ts'
import { forEachBackend } from '../support/backends.ts'
import { expectClose } from '../support/close.ts'

const f64 = (values: readonly number[], shape: readonly number[] = [values.length]): Tensor =>
  tensor(new Float64Array(values), { shape })
const draw = (seed: number, ...shape: number[]): Tensor =>
  random.normal(shape, { key: random.key(seed), dtype: 'float64' })
const values = (x: Tensor): number[] => [...x.dataSync()]

forEachBackend(() => {
  it('R45, R49: derivatives where there are none: ReLU, abs, norm, maximum, clamp', () => {
    const of = (f: (x: Tensor) => Tensor, at: readonly number[]): number[] => {
      const x = f64(at)
      return values(grad(f(x).sum(), x)).map((d) => d + 0)
    }
    expect(of((x) => x.relu(), [-1, 0, -0, 1])).toEqual([0, 0, 0, 1])
    expect(of((x) => x.abs(), [-1, 0, 1])).toEqual([-1, 0, 1])
    expect(of((x) => t.norm(x), [0, 0, 0])).toEqual([0, 0, 0])
    expect(of((x) => x.max(0), [1, 3, 3])).toEqual([0, 1, 0])
    expect(of((x) => x.clamp(-1, 1), [-2, -1, 0, 1, 2])).toEqual([0, 1, 1, 1, 0])
  })

  it('R46: |x| is relu(x) + relu(−x), with slope by slope the same derivative', () => {
    const x = f64([-2, -0.5, 0.5, 2])
    expectClose(x.relu().add(x.neg().relu()), x.abs(), 0)
    const [, tangent] = t.jvp((v: Tensor) => v.relu().add(v.neg().relu()), [x], [t.onesLike(x)])
    expect(values(tangent)).toEqual([-1, -1, 1, 1])
  })

  it('R47: each ReLU layer of variance c / fan-in multiplies the mean square by c / 2', () => {
    const kept = (x: Tensor): Tensor => f64([...x.dataSync()], x.shape)
    const [start, weights] = [draw(0, 16, 32), Array.from({ length: 30 }, (_, i) => kept(draw(i + 1, 32, 32)))]
    const squares = (c: number): number => {
      let x: Tensor = start
      for (const w of weights) x = x.matmul(w.mul(Math.sqrt(c / 32))).relu()
      return x.square().mean().itemSync()
    }
    const he = squares(2)
    expect(he).toBeGreaterThan(0.005)
    expect(he).toBeLessThan(50)
    // The same draws, scaled: the ratios are exact.
    expect(squares(1) / he / 2 ** -30).toBeCloseTo(1, 9)
    expect(squares(4) / he / 2 ** 30).toBeCloseTo(1, 9)
  })

  it('R48: a unit biased by −5 standard deviations is dead with probability Φ(5); those at −1e3 never fire', () => {
    expect(
      f64([5 / Math.SQRT2])
        .erf()
        .add(1)
        .div(2)
        .itemSync(),
    ).toBeCloseTo(0.9999997133484281, 12)
    const bias = Array.from({ length: 16 }, (_, i) => (i % 5 === 2 ? -1e3 : 0))
    const fires = draw(1, 200, 4)
      .matmul(draw(2, 4, 16))
      .add(f64(bias))
      .relu()
      .greater(0)
      .any(0)
    expect(fires.arraySync()).toEqual(bias.map((b) => b === 0))
  })

  it('R54: a node that is used twice gets the sum: x·x, x + x, and a diamond', () => {
    const x = f64([3])
    expect(grad(x.mul(x).sum(), x).itemSync()).toBe(6)
    expect(grad(x.add(x).sum(), x).itemSync()).toBe(2)
    const a = x.sin()
    expect(grad(a.exp().mul(a.square()).sum(), x).itemSync()).toBeCloseTo(
      Math.exp(Math.sin(3)) * (Math.sin(3) ** 2 + 2 * Math.sin(3)) * Math.cos(3),
      12,
    )
  })

  it('R55: weights that a network makes pass the gradient on; tied weights count once', async () => {
    const layer = nn.linear(3, 2)
    const generated = (code: Tensor, maker: Tensor, x: Tensor): Tensor =>
      layer
        .with({ weight: code.matmul(maker).reshape([2, 3]), bias: code.slice([0, 2]) })(x)
        .tanh()
    await t.checkGradient(generated, [draw(1, 4), draw(2, 4, 6), draw(3, 5, 3)])
    const table = nn.embedding(65, 384)
    const head = nn.linear(384, 65, { bias: false })
    const count = (module: { parameters(): readonly Tensor[] }): number =>
      module.parameters().reduce((n, p) => n + p.size, 0)
    const [weight] = table.parameters()
    const tied = nn.sequential(table, head.with({ weight }))
    expect(count(nn.sequential(table, head)) - count(tied)).toBe(65 * 384)
  })

  it('R67: a linear layer is a product and a sum', () => {
    const layer = nn.linear(4, 3, { dtype: 'float64' })
    const { weight, bias } = layer.namedParameters()
    const x = draw(1, 6, 4)
    expectClose(layer(x), x.matmul(weight.transpose()).add(bias), 1e-12)
  })

  it('R69: ReLU gates its gradient by the mask of its output', () => {
    const x = draw(1, 100)
    const g = draw(2, 100)
    const mask = x.greater(0)
    expect(values(vjp([x.relu()], [g], [x])[0])).toEqual(values(mask.where(g, 0)))
  })

  it('R70: softmax of equal numbers that overflow is a third each', () => {
    expectClose(tensor([1000, 1000, 1000]).softmax(), [1 / 3, 1 / 3, 1 / 3], 1e-7)
    expect(tensor([88.7, 88.8]).exp().isFinite().arraySync()).toEqual([true, false])
    expect(f64([709.7, 709.8]).exp().isFinite().arraySync()).toEqual([true, false])
  })

  it('R71: twice the error coming in gives exactly twice every gradient', () => {
    const z = draw(1, 4, 5)
    const l = loss.softmaxCrossEntropy(z, tensor([0, 1, 2, 3], { dtype: 'int32' }))
    const [once] = vjp([l], [tensor(1, { dtype: 'float64' })], [z])
    const [twice] = vjp([l], [tensor(2, { dtype: 'float64' })], [z])
    expect(values(twice)).toEqual(values(once).map((d) => 2 * d))
  })

  it('R74, R75: a maximum passes the gradient to one element; moving the others changes nothing', () => {
    const x = f64([0.3, 2, -1, 1.5])
    expect(values(grad(x.max(0), x)).filter((d) => d !== 0)).toEqual([1])
    expect(
      x
        .add(f64([1e-3, 0, 1e-3, 1e-3]))
        .max(0)
        .itemSync(),
    ).toBe(2)
    // Pooling gives ties to the first, the maximum of all shares them.
    const ties = f64([1, 1, 1, 1], [1, 1, 2, 2])
    expect(values(grad(nn.functional.maxPool(ties, { kernel: 2 }).sum(), ties))).toEqual([1, 0, 0, 0])
    expect(values(grad(ties.amax(), ties))).toEqual([0.25, 0.25, 0.25, 0.25])
  })

  it('R76: the score function’s mean is within 3 standard errors of the gradient', () => {
    const [z, f] = [f64([0.5, 0, -0.5]), f64([2, -1, 4])]
    const exact = grad(z.softmax().dot(f), z)
    const n = 2000
    const drawn = random.categorical(z.detach(), { shape: [n], key: random.key(8) })
    const scores = t.vmap((k: Tensor) => grad((v: Tensor) => v.logSoftmax().take(k, 0))(z).mul(f.take(k, 0)))(drawn)
    const error = scores
      .mean(0)
      .sub(exact)
      .abs()
      .div(scores.std(0).div(Math.sqrt(n)))
    expect(error.max().itemSync()).toBeLessThan(3)
  })

  it('R84: dropout by a half keeps the mean and has variance x²', () => {
    const x = f64([1, -2, 3])
    const rows = nn.functional.dropout(x.broadcastTo([5000, 3]), 0.5, random.key(3))
    expectClose(rows.mean(0), [1, -2, 3], 0.05)
    expectClose(rows.var(0), [1, 4, 9], 0.02)
    expect(new Set(values(rows.slice(null, [2, 3])))).toEqual(new Set([0, 6]))
  })

  it('R87: normalising a constant gives 0', () => {
    const x = t.full([4, 6], 3, 'float64')
    expect(Math.max(...values(nn.layerNorm(6, { affine: false })(x).abs()))).toBe(0)
    const batch = nn.batchNorm(6, { dtype: 'float64' })
    expect(Math.max(...values(t.withTraining(true, () => batch(x)).abs()))).toBe(0)
  })
})
