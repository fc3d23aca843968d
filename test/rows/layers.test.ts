/** Rows 45 to 55, 65 to 81, 84 and 87: kinks, depth, shared nodes, selection, sequences, dropout, normalisation. */

import { expect, it } from 'vitest'
import { flopsOf } from '../../src/graph/flops.ts'
import { topologicalOrder } from '../../src/graph/walk.ts'
import { profile } from '../../src/inspect/index.ts'
import * as linalg from '../../src/linalg/index.ts'
import * as loss from '../../src/loss/index.ts'
import * as nn from '../../src/nn/index.ts'
import * as optim from '../../src/optim/index.ts'
import * as t from '../../src/tensor/index.ts'
import { grad, random, type Tensor, tensor, vjp } from '../../src/tensor/index.ts'
import { forEachEngine } from '../support/backends.ts'
import { expectClose } from '../support/close.ts'

const f64 = (values: readonly number[], shape: readonly number[] = [values.length]): Tensor =>
  tensor(new Float64Array(values), { shape })
const draw = (seed: number, ...shape: number[]): Tensor =>
  random.normal(shape, { key: random.key(seed), dtype: 'float64' })
const values = (x: Tensor): number[] => [...x.dataSync()]

forEachEngine(() => {
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

  it('R48: of n samples along different axes a random unit misses all with probability 2⁻ⁿ', () => {
    // All signs of six weights, without a bias: the samples are the first three axes.
    const signs = Array.from({ length: 64 }, (_, i) => Array.from({ length: 6 }, (_, k) => ((i >> k) & 1 ? 1 : -1)))
    const units = f64(signs.flat(), [64, 6])
    const fires = t.eye(3, 6, 'float64').matmul(units.transpose()).relu().greater(0).any(0)
    expect(values(fires.cast('float64')).filter((f) => f === 0)).toHaveLength(64 / 2 ** 3)
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
    await t.checkGradient(generated, [draw(1, 4), draw(2, 4, 6), draw(3, 5, 3)], { tolerance: 1e-7 })
    const table = nn.embedding(65, 384)
    const head = nn.linear(384, 65, { bias: false })
    const count = (module: { parameters(): readonly Tensor[] }): number =>
      module.parameters().reduce((n, p) => n + p.size, 0)
    const [weight] = table.parameters()
    const tied = nn.sequential(table, head.with({ weight }))
    expect(count(nn.sequential(table, head)) - count(tied)).toBe(65 * 384)
  })

  it('R65: the backward pass costs at most five times the forward pass', () => {
    const nets: readonly (readonly [nn.Module, readonly number[]])[] = [
      [nn.sequential(nn.linear(8, 16), nn.tanh(), nn.layerNorm(16), nn.linear(16, 4)) as nn.Module, [32, 8]],
      [nn.sequential(nn.conv2d(2, 4, 3), nn.relu(), nn.flatten(), nn.linear(144, 4)) as nn.Module, [2, 2, 8, 8]],
      [nn.attention(8, { heads: 2 }) as nn.Module, [2, 6, 8]],
    ]
    const cost = (...of: readonly Tensor[]): number =>
      topologicalOrder(
        of.map((y) => y.node),
        () => false,
      ).reduce((sum, node) => sum + flopsOf(node), 0)
    for (const [net, shape] of nets) {
      const x = random.normal(shape, { key: random.key(1) })
      const l = net(x).square().mean()
      const forward = cost(l)
      expect(cost(l, ...grad(l, [x, ...net.parameters()])) - forward, net.kind).toBeLessThanOrEqual(5 * forward)
    }
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

  it('R77: of two branches only the one that is chosen runs, forward and backward', () => {
    const [w, x, runs] = [draw(1, 7, 11), draw(2, 6, 7), t.variable(f64([0, 0]))]
    const count = (branch: 0 | 1): void => {
      runs.assign(runs.add(f64(branch === 0 ? [1, 0] : [0, 1])))
    }
    const step = t.compile((isCheap: Tensor) => {
      const y = t.cond(
        isCheap,
        () => {
          count(0)
          return x.mul(2).sum()
        },
        () => {
          count(1)
          return x.matmul(w).tanh().sum()
        },
      )
      return [y, grad(y, w)]
    })
    const taken = (isCheap: boolean): (() => void) => {
      const choice = tensor(isCheap)
      return () => {
        step(choice).map((y) => y.dataSync())
      }
    }
    for (const isCheap of [true, true, false, true]) taken(isCheap)()
    expect(values(runs)).toEqual([3, 1])
    if (t.backend().kind !== 'kernels') return
    // By the clock: kernels of a product's size, the forward one and that of the gradient.
    const products = (isCheap: boolean): number =>
      profile(taken(isCheap))
        .kernels.filter((k) => k.flops >= 2 * 6 * 7 * 11)
        .reduce((n, k) => n + k.runs, 0)
    expect(products(true)).toBe(0)
    expect(products(false)).toBeGreaterThanOrEqual(2)
  })

  it('R78: a soft gate learns which regime an input is of, a hard one gets no gradient and does not', () => {
    t.configure({ seed: 2 })
    const x = draw(1, 32)
    const isFirst = t.iota([32], 0).remainder(2).cast('float64')
    const inputs = t.stack([x, isFirst], 1)
    const targets = isFirst.equal(1).where(x, x.neg()).unsqueeze(1)
    const of = { dtype: 'float64' } as const
    const made = (): [nn.Module, nn.Module] => [nn.linear(2, 1, of) as nn.Module, nn.linear(2, 1, of) as nn.Module]
    const soft = nn.mixtureOfExperts(nn.linear(2, 2, of) as nn.Module, made())
    const optimizer = optim.adam({ learningRate: 0.05 })
    const step = t.compile(() => {
      const l = loss.mse(soft(inputs), targets)
      optimizer.step(soft.parameters(), grad(l, soft.parameters()))
      return l
    })
    expect(step.repeat(400).itemSync()).toBeLessThan(1e-3)

    const gate = soft.children.gate as nn.Module
    const outputs = t.concat(
      made().map((expert) => expert(inputs)),
      1,
    )
    const hard = t.oneHot(gate(inputs).argmax(-1), 2).cast('float64')
    const l = loss.mse(hard.mul(outputs).sum(1, true), targets)
    for (const g of grad(l, gate.parameters())) expect(values(g).every((d) => d === 0)).toBe(true)
    // A gate that sends all to one expert stays there, and the best that one line makes of both regimes is bad.
    const rows = t.concat([inputs, t.ones([32, 1], 'float64')], 1)
    const best = rows.matmul(linalg.leastSquares(rows, targets))
    expect(loss.mse(best, targets).itemSync()).toBeGreaterThan(0.3)
  })

  it('R79: attention over equal keys is the mean of values; a causal first query sees the first alone', () => {
    const [q, v] = [draw(1, 3, 4), draw(2, 3, 5)]
    const same = draw(3, 1, 4).broadcastTo([3, 4])
    const attend = nn.functional.scaledDotProductAttention
    expectClose(attend(q, same, v), v.mean(0, true).broadcastTo([3, 5]), 1e-14)
    expectClose(attend(q, draw(4, 3, 4), v, { causal: true }).at(0), v.at(0), 1e-15)
    expect(values(attend(q, same, v, { mask: t.zeros([3, 3], 'bool') }))).toEqual(new Array(15).fill(0))
  })

  it('R80: an LSTM is c ← f·c + i·g, h ← o·tanh c, by hand; behind a truncation no gradient comes', () => {
    const net = nn.lstm(3, 2, { dtype: 'float64' })
    const own = net.state()
    const x = draw(5, 4, 1, 3)
    let [h, c] = [f64([0, 0], [1, 2]), f64([0, 0], [1, 2])]
    const outputs: Tensor[] = []
    for (let time = 0; time < 4; time++) {
      const gates = nn.functional
        .linear(x.at(time), own.weight_ih_l0, own.bias_ih_l0)
        .add(nn.functional.linear(h, own.weight_hh_l0, own.bias_hh_l0))
      const [i, f, g, o] = t.split(gates, 2, 1)
      c = f.sigmoid().mul(c).add(i.sigmoid().mul(g.tanh()))
      h = o.sigmoid().mul(c.tanh())
      outputs.push(h)
    }
    expectClose(net(x), t.stack(outputs), 1e-14)
    const cut = net.run(x, undefined, { truncation: 2 }).output
    const dx = grad(cut.at(3).sum(), x)
    expect(values(dx.slice([0, 2]).abs().sum().unsqueeze(0))).toEqual([0])
    expect(dx.at(2).abs().sum().itemSync()).toBeGreaterThan(0)
  })

  it('R81: glue moves numbers and changes none; its gradient moves them back', () => {
    const x = draw(1, 4, 6)
    const order = tensor(Int32Array.of(2, 0, 3, 1))
    const back = tensor(Int32Array.of(1, 3, 0, 2))
    const trips: { readonly [name: string]: (x: Tensor) => Tensor } = {
      'concat of split': (y) => t.concat(t.split(y, 2, 1), 1),
      'stack of parts': (y) => t.stack([0, 1, 2, 3].map((i) => y.at(i))),
      'reshape and back': (y) => y.reshape([2, 12]).reshape([4, 6]),
      'transpose twice': (y) => y.transpose().transpose(),
      'slice of pad': (y) =>
        y
          .pad([
            [1, 2],
            [0, 3],
          ])
          .slice([1, 5], [0, 6]),
      'flip twice': (y) => y.flip([0, 1]).flip([0, 1]),
      'take and back': (y) => y.take(order).take(back),
      'scatter of take': (y) => t.zerosLike(y).scatterAdd(order.unsqueeze(1).broadcastTo([4, 6]), y.take(order), 0),
      'roll and back': (y) => t.roll(t.roll(y, 5, 1), -5, 1),
      'einsum of the identity': (y) => t.einsum('ij,jk->ik', y, t.eye(6, 6, 'float64')),
      'sum of a stretched copy': (y) => y.unsqueeze(0).broadcastTo([3, 4, 6]).slice([1, 2]).sum(0),
    }
    const g = draw(2, 4, 6)
    for (const [name, f] of Object.entries(trips)) {
      const y = f(x)
      expect(values(y), name).toEqual(values(x))
      expect(values(vjp([y], [g], [x])[0]), name).toEqual(values(g))
    }
  })

  it('R84: dropout by a half keeps the mean and has variance x²', () => {
    const x = f64([1, -2, 3])
    const rows = nn.functional.dropout(x.broadcastTo([5000, 3]), 0.5, random.key(3))
    expectClose(rows.mean(0), [1, -2, 3], 0.05)
    expectClose(rows.var(0), [1, 4, 9], 0.02)
    expect(new Set(values(rows.slice(null, [2, 3])))).toEqual(new Set([0, 6]))
  })

  it('R87: the gradient of a normalisation is γ/√(v + ε) · (g − mean g − x̂ · mean(g ⊙ x̂))', () => {
    const [x, gamma, g] = [draw(1, 5, 7), draw(2, 7), draw(3, 5, 7)]
    const y = nn.functional.layerNorm(x, [7], gamma)
    const centred = x.sub(x.mean(1, true))
    const scale = centred.square().mean(1, true).add(1e-5).rsqrt()
    const [hat, weighed] = [centred.mul(scale), g.mul(gamma)]
    const inner = weighed.sub(weighed.mean(1, true)).sub(hat.mul(weighed.mul(hat).mean(1, true)))
    expectClose(vjp([y], [g], [x])[0], scale.mul(inner), 1e-12)
  })

  it('R87: normalising a constant gives 0', () => {
    const x = t.full([4, 6], 3, 'float64')
    expect(Math.max(...values(nn.layerNorm(6, { affine: false })(x).abs()))).toBe(0)
    const batch = nn.batchNorm(6, { dtype: 'float64' })
    expect(Math.max(...values(t.withTraining(true, () => batch(x)).abs()))).toBe(0)
  })
})
