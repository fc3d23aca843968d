/** Rows 10 to 33: units, their saturation, softmax and cross entropy, by closed forms. */

import { expect, it } from 'vitest'
import * as linalg from '../../src/linalg/index.ts'
import * as loss from '../../src/loss/index.ts'
import * as nn from '../../src/nn/index.ts'
import * as optim from '../../src/optim/index.ts'
import * as t from '../../src/tensor/index.ts'
import { grad, random, type Tensor, tensor, variable } from '../../src/tensor/index.ts'
import { brier, calibration, meanProbability, perplexity } from '../../src/train/index.ts'
import { forEachEngine } from '../support/backends.ts'
import { expectClose } from '../support/close.ts'

const f64 = (values: readonly number[], shape: readonly number[] = [values.length]): Tensor =>
  tensor(new Float64Array(values), { shape })
const draw = (seed: number, ...shape: number[]): Tensor =>
  random.normal(shape, { key: random.key(seed), dtype: 'float64' })
const int32 = (values: readonly number[]): Tensor => tensor(Int32Array.from(values))
/** All vertices of the cube, [2ⁿ, n]. */
const cube = (n: number): Tensor =>
  f64(Array.from({ length: 2 ** n }, (_, i) => Array.from({ length: n }, (_, k) => (i >> k) & 1)).flat(), [2 ** n, n])

forEachEngine(() => {
  it('R10: a neuron that leaks, integrates and fires spikes at 1 / (τ ln 2) = 72.135 Hz for twice its threshold', () => {
    const [tau, drive, threshold, turn] = [20e-3, 2, 1, 1e-4]
    const keeps = Math.exp(-turn / tau)
    const start = { v: f64([0]), spikes: f64([0]), last: f64([0]), time: f64([0]) }
    const [end] = t.scan(
      ({ v, spikes, last, time }) => {
        // What the artificial neuron drops: a state, time, and an output that is an event.
        const next = v.mul(keeps).add(drive * (1 - keeps))
        const fires = next.greaterEqual(threshold)
        const now = time.add(turn)
        return [
          {
            v: fires.where(0, next),
            spikes: spikes.add(fires.cast('float64')),
            last: fires.where(now, last),
            time: now,
          },
          undefined,
        ]
      },
      start,
      undefined,
      { length: 2000 },
    )
    const exact = 1 / (tau * Math.log(drive / (drive - threshold)))
    expect(exact).toBeCloseTo(72.135, 3)
    const rate = end.spikes.div(end.last).itemSync()
    expect(Math.abs(rate / exact - 1)).toBeLessThan(0.01)
  })

  it.each([
    [2, 14],
    [3, 104],
    [4, 1882],
  ])('R11: one threshold unit of %d inputs realises %d Boolean functions', (n, count) => {
    // Whole weights up to 3 are enough for four inputs (Muroga 1971).
    const weights = [...Array(7 ** n).keys()].map((i) =>
      Array.from({ length: n }, (_, k) => (Math.floor(i / 7 ** k) % 7) - 3),
    )
    const sums = cube(n).matmul(f64(weights.flat(), [weights.length, n]).transpose())
    const codes = t.arange(0, 2 ** n).cast('float64')
    const table = new Set<number>()
    for (let threshold = -3 * n - 0.5; threshold <= 3 * n + 0.5; threshold++) {
      const fires = sums.greater(threshold).cast('float64')
      for (const code of codes.mul(Math.LN2).exp().round().matmul(fires).dataSync()) table.add(code)
    }
    expect(table.size).toBe(count)
  })

  it('R12: a linear layer is affine; its gradients are g W, gᵀ x and Σ g', () => {
    const [x, w, b, g] = [draw(1, 6, 4), draw(2, 3, 4), draw(3, 3), draw(4, 6, 3)]
    const y = nn.functional.linear(x, w, b)
    expect(y.shape).toEqual([6, 3])
    const [dx, dw, db] = t.vjp([y], [g], [x, w, b])
    expectClose(y, x.matmul(w.transpose()).add(b), 0)
    expectClose(dx, g.matmul(w), 1e-15)
    expectClose(dw, g.transpose().matmul(x), 1e-15)
    expectClose(db, g.sum(0), 1e-15)
  })

  it('R13: a row of a batch is that row alone, and gradients of microbatches add up', () => {
    const [x, w, b] = [draw(1, 12, 5), draw(2, 3, 5), draw(3, 3)]
    const y = nn.functional.linear(x, w, b)
    // An ulp for each of the d products of a sum.
    for (const i of [0, 7, 11])
      expectClose(nn.functional.linear(x.slice([i, i + 1]), w, b), y.slice([i, i + 1]), 5 * 2 ** -52)
    const of = (rows: Tensor): Tensor => grad(nn.functional.linear(rows, w, b).tanh().sum(), w)
    const parts = [0, 3, 6, 9].map((i) => of(x.slice([i, i + 3]))).reduce((a, c) => a.add(c))
    expectClose(parts, of(x), 1e-12)
  })

  it('R14: a product in tiles is the three loops that define it; seven products by halves are fewer than eight', () => {
    const n = 64
    const [a, b] = [draw(3, n, n), draw(4, n, n)]
    const [left, right, found] = [a, b, a.matmul(b)].map((x) => x.dataSync())
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++) {
        let sum = 0
        for (let k = 0; k < n; k++) sum += left[i * n + k] * right[k * n + j]
        expect(Math.abs(found[i * n + j] - sum)).toBeLessThan(1e-12)
      }
    const products = (size: number, each: number): number => (size === 1 ? 1 : each * products(size / 2, each))
    expect([products(1024, 7), products(1024, 8)]).toEqual([282_475_249, 1_073_741_824])
  })

  it('R15: the derivative of the sigmoid at 0, 5 and 10', () => {
    const x = f64([0, 5, -5, 10, -10])
    const expected = [0.25, 6.648056670790155e-3, 6.648056670790155e-3, 4.5395807735951673e-5, 4.5395807735951673e-5]
    grad(x.sigmoid().sum(), x)
      .dataSync()
      .forEach((d, i) => {
        expect(d / (expected[i] as number)).toBeCloseTo(1, 9)
      })
  })

  it('R16: a model of its own data is calibrated: its expected calibration error goes to 0, not that of a bolder one', () => {
    const errorOf = (n: number, factor: number): number => {
      const logits = random.normal([n], { key: random.key(4) }).mul(1.5)
      const labels = random
        .uniform([n], { key: random.key(5) })
        .less(logits.sigmoid())
        .cast('int32')
      const metric = calibration(10)
      const sums = Float64Array.from(metric.count(logits.mul(factor), labels).dataSync())
      return metric.value(sums, n).error
    }
    const [few, some, many] = [200, 2000, 20_000].map((n) => errorOf(n, 1))
    expect(few).toBeGreaterThan(some)
    expect(some).toBeGreaterThan(many)
    expect(many).toBeLessThan(0.01)
    expect(errorOf(20_000, 3)).toBeGreaterThan(0.05)
    // Brier's score of a coin that is called a coin is ¼.
    expect(brier.value(Float64Array.from(brier.count(f64([0, 0]), int32([0, 1])).dataSync()), 2)).toBe(0.25)
  })

  it('R17: ten sigmoids multiply a gradient by 4⁻¹⁰ at most, and one is exactly 1 beyond 17.4 or 37.5', () => {
    const x = t.linspace(-8, 8, 1001).cast('float64')
    // Each layer is fed its own zero, where it is steepest.
    const deep = Array.from({ length: 10 }).reduce((y: Tensor) => y.sub(y.detach()).sigmoid(), x)
    for (const d of grad(deep.sum(), x).dataSync()) expect(d).toBeCloseTo(9.5367431640625e-7, 18)
    const stacked = Array.from({ length: 10 }).reduce((y: Tensor) => y.sigmoid(), x)
    expect(grad(stacked.sum(), x).max().itemSync()).toBeLessThanOrEqual(9.54e-7)
    expect(tensor([17.4, 16.5]).sigmoid().equal(1).arraySync()).toEqual([true, false])
    expect(f64([37.5, 36.7]).sigmoid().equal(1).arraySync()).toEqual([true, false])
  })

  it('R18: GELU(1) of both forms, SELU’s two constants', () => {
    const one = f64([1])
    expect(t.gelu(one).itemSync()).toBeCloseTo(0.8413447460685429, 9)
    expect(t.gelu(one, 'tanh').itemSync()).toBeCloseTo(0.841191990607477, 9)
    expect(t.selu(one).itemSync()).toBeCloseTo(1.0507009873554805, 12)
    expect(t.selu(f64([-700])).itemSync()).toBeCloseTo(-1.0507009873554805 * 1.6732632423543772, 12)
  })

  it('R19: two linear layers are one, and stay at ln 2 on XOR', () => {
    const draw = (i: number, ...shape: number[]): Tensor =>
      random.normal(shape, { key: random.key(i), dtype: 'float64' })
    const [x, w1, b1, w2, b2] = [draw(0, 9, 5), draw(1, 5, 3), draw(2, 3), draw(3, 3, 4), draw(4, 4)]
    const two = x.matmul(w1).add(b1).matmul(w2).add(b2)
    expectClose(two, x.matmul(w1.matmul(w2)).add(b1.matmul(w2).add(b2)), 1e-12)
    // The loss is convex in the joint weights, so where its gradient is zero is its least value.
    const w = f64([0, 0, 0])
    const logits = cube(2)
      .matmul(w.slice([0, 2]))
      .add(w.at(2))
    const l = loss.sigmoidBinaryCrossEntropy(logits, f64([0, 1, 1, 0]))
    expect(l.itemSync()).toBeCloseTo(Math.LN2, 12)
    expectClose(grad(l, w), [0, 0, 0], 1e-15)
  })

  it.each([
    [2, Math.LN2],
    [10, Math.LN10],
    [27, 3.295837],
    [65, 4.174387],
    [50257, 10.824905],
  ])('R20: %d classes start at a loss of %d', (classes, start) => {
    const l = loss.softmaxCrossEntropy(t.zeros([1, classes], 'float64'), tensor([1], { dtype: 'int32' }))
    expect(l.itemSync()).toBeCloseTo(start, 6)
  })

  it('R21: the exponential of minus the sum of losses is the product of the right probabilities', () => {
    const logits = random.normal([6, 4], { key: random.key(7), dtype: 'float64' })
    const labels = tensor([0, 1, 2, 3, 0, 1], { dtype: 'int32' })
    const chosen = logits.softmax().takeAlong(labels.unsqueeze(1), 1)
    const sum = loss.softmaxCrossEntropy(logits, labels, { reduction: 'sum' })
    expect(sum.neg().exp().itemSync()).toBeCloseTo(chosen.prod().itemSync(), 12)
    const { count, value } = meanProbability(loss.softmaxCrossEntropy)
    const mean = value(Float64Array.of(count(logits, labels).itemSync()), 6)
    expect(mean).toBeCloseTo(chosen.prod().itemSync() ** (1 / 6), 12)
    expect(perplexity(loss.softmaxCrossEntropy).value(Float64Array.of(6 * Math.log(65)), 6)).toBeCloseTo(65, 10)
  })

  it('R22: cross entropy of logits is finite where that of probabilities is not', () => {
    const z = f64([1000, -1000, -40, 2])
    const l = loss.sigmoidBinaryCrossEntropy(z, f64([0, 1, 0, 1]), { reduction: 'none' })
    expectClose(l, [1000, 1000, 4.248354255291589e-18, 0.1269280110429726], 1e-12)
    expect((l.dataSync()[2] as number) / 4.248354255291589e-18).toBeCloseTo(1, 9)
    expectClose(grad(l.sum(), z).slice([0, 2]), [1, -1], 1e-15)
  })

  it('R23: the mean of the gradients of equal batches is the gradient of all', () => {
    const [x, w] = [
      random.normal([12, 3], { key: random.key(1), dtype: 'float64' }),
      random.normal([3], { key: random.key(2), dtype: 'float64' }),
    ]
    const of = (rows: Tensor): Tensor => grad(rows.matmul(w).sigmoid().square().mean(), w)
    const mean = [0, 1, 2].map((i) => of(x.slice([4 * i, 4 * i + 4]))).reduce((a, b) => a.add(b))
    expectClose(mean.div(3), of(x), 1e-12)
  })

  it('R24, R30: softmax regression on counts ends at their conditional entropy, from any start', async () => {
    // Three groups, told by a unit vector each: the best probabilities are the frequencies.
    const counts = [
      [5, 2, 1],
      [1, 6, 3],
      [2, 2, 8],
    ]
    const rows = counts.flatMap((row, group) =>
      row.flatMap((n, label) => Array.from({ length: n }, () => [group, label])),
    )
    const x = t.oneHot(int32(rows.map(([group]) => group)), 3).cast('float64')
    const labels = int32(rows.map(([, label]) => label))
    const entropy = -counts
      .flatMap((row) => row.map((n) => n * Math.log(n / row.reduce((a, b) => a + b))))
      .reduce((a, b) => a + b / rows.length, 0)
    for (const start of [f64(new Array<number>(9).fill(0), [3, 3]), draw(3, 3, 3).mul(2)]) {
      const w = variable(start)
      const optimizer = optim.lbfgs({ iterations: 40 })
      const l = (): Tensor => loss.softmaxCrossEntropy(x.matmul(w), labels)
      await optimizer.step([w], l)
      expect(l().itemSync()).toBeCloseTo(entropy, 9)
    }
    // Of two classes it is logistic regression of the difference.
    const [z, yes] = [draw(5, 8, 2), int32([0, 1, 1, 0, 1, 0, 0, 1])]
    const two = loss.softmaxCrossEntropy(z, yes)
    const one = loss.sigmoidBinaryCrossEntropy(z.at(1, 1).sub(z.at(0, 1)), yes.cast('float64'))
    expect(two.itemSync()).toBeCloseTo(one.itemSync(), 14)
  })

  it('R25: softmax of (0, 1, 2), and its vector-Jacobian product with (1, 2, 3)', () => {
    const z = f64([0, 1, 2])
    expectClose(z.softmax(), [0.09003057317038046, 0.24472847105479767, 0.6652409557748219], 1e-12)
    const [dz] = t.vjp([z.softmax()], [f64([1, 2, 3])], [z])
    expectClose(dz, [-0.141817, -0.14077, 0.282587], 5e-7)
    expect(dz.sum().itemSync()).toBeCloseTo(0, 15)
  })

  it('R26: of two classes softmax is the sigmoid of the difference', () => {
    const z = t.linspace(-30, 30, 61).cast('float64')
    expectClose(
      t
        .stack([z, t.zerosLike(z)], 1)
        .softmax()
        .slice(null, [0, 1])
        .flatten(),
      z.sigmoid(),
      1e-15,
    )
  })

  it('R27: log-sum-exp lies between the maximum and ln k above it', () => {
    expect(f64([1000, 1000, 999]).logSumExp().itemSync()).toBeCloseTo(1000.8619948040582, 9)
    const z = random.normal([50, 7], { key: random.key(3), dtype: 'float64' })
    for (const temperature of [1, 0.1, 1e-3]) {
      const gap = z.div(temperature).logSumExp(1).mul(temperature).sub(z.amax(1))
      expect(gap.min().itemSync()).toBeGreaterThanOrEqual(-1e-12)
      expect(gap.max().itemSync()).toBeLessThanOrEqual(temperature * Math.log(7) + 1e-12)
    }
    expectClose(grad(z.logSumExp(1).sum(), z), z.softmax(), 1e-12)
  })

  it('R28: the derivative of softmax has norm ½ at most, and none at a vertex', () => {
    const normOf = (z: Tensor): number => linalg.matrixNorm(t.jacobian((x: Tensor) => x.softmax())(z), 2).itemSync()
    for (const seed of [1, 2, 3]) expect(normOf(draw(seed, 5).mul(seed))).toBeLessThanOrEqual(0.5)
    expect(normOf(f64([3, 3, -1000]))).toBeCloseTo(0.5, 14)
    expect(normOf(f64([40, 0, -40]))).toBeLessThan(1e-16)
    const far = tensor([1e4, 0, -1e4])
    const s = far.softmax()
    expect([...s.dataSync()]).toEqual([1, 0, 0])
    const [dz] = t.vjp([s], [tensor([1, -2, 3])], [far])
    expect([...dz.abs().dataSync()]).toEqual([0, 0, 0])
  })

  it('R29: softmax and cross entropy together', () => {
    const z = f64([1, 2, 3], [1, 3])
    const l = loss.softmaxCrossEntropy(z, tensor([0], { dtype: 'int32' }))
    expect(l.itemSync()).toBeCloseTo(2.4076059644443806, 12)
    expectClose(grad(l, z).flatten(), [-0.9099694268296196, 0.24472847105479767, 0.6652409557748219], 1e-12)
  })

  it('R31: a policy gives log-probability, entropy and draws; what is forbidden is never drawn', () => {
    const logits = f64([0, Math.log(3), -Infinity, 1, 1, 1], [2, 3])
    const policy = nn.functional.categorical(logits)
    const actions = tensor(Int32Array.of(1, 0))
    const expected = [Math.log(3 / 4), -Math.log(3)]
    policy
      .logProbability(actions)
      .dataSync()
      .forEach((value, i) => {
        expect(value).toBeCloseTo(expected[i], 12)
      })
    const entropies = [-Math.log(1 / 4) / 4 - (3 / 4) * Math.log(3 / 4), Math.log(3)]
    policy.entropy.dataSync().forEach((value, i) => {
      expect(value).toBeCloseTo(entropies[i], 12)
    })
    expect([...policy.mode.dataSync()]).toEqual([1, 0])
    expect(
      grad(policy.entropy.sum().add(policy.logProbability(actions).sum()), logits)
        .isFinite()
        .all()
        .itemSync(),
    ).toBe(1)
    const many = nn.functional.categorical(logits.slice([0, 1]).broadcastTo([2000, 3]))
    const drawn = [...many.sample({ key: random.key(1) }).dataSync()]
    expect(drawn.every((action) => action < 2)).toBe(true)
    expect(Math.abs(drawn.filter((action) => action === 1).length / 2000 - 3 / 4)).toBeLessThan(0.04)
  })

  it('R31: a softmax policy: ∂E[r]/∂z = p·(r − ⟨p, r⟩), and what REINFORCE draws is near it', () => {
    const [z, r] = [f64([0.3, -0.5, 1]), f64([1, 3, -2])]
    const p = z.softmax()
    const exact = p.mul(r.sub(p.dot(r)))
    expectClose(grad(z.softmax().dot(r), z), exact, 1e-12)
    const n = 2000
    const actions = random.categorical(z, { shape: [n], key: random.key(5) })
    const samples = t.oneHot(actions, 3).cast('float64').sub(p).mul(r.take(actions).unsqueeze(1))
    const error = samples
      .mean(0)
      .sub(exact)
      .abs()
      .div(samples.std(0).div(Math.sqrt(n)))
    expect(error.max().itemSync()).toBeLessThan(3)
  })

  it('R32: sparsemax is the projection to the simplex', () => {
    const rows = [
      [1, 0.8, 0.1],
      [0.5, 0.3, 0.1],
      [2, 1, 0],
    ]
    const expected = [0.6, 0.4, 0, 0.2 + 1 / 3, 1 / 3, 0.4 / 3, 1, 0, 0]
    expectClose(t.sparsemax(f64(rows.flat(), [3, 3])).flatten(), expected, 1e-12)
    expectClose(t.sparsemax(f64([0.1, 1.1, 0.2, 0.3])), [0, 0.9, 0, 0.1], 1e-12)
    const z = t.linspace(-2, 2, 41).cast('float64')
    const two = t
      .sparsemax(t.stack([z, t.zerosLike(z)], 1))
      .slice(null, [0, 1])
      .flatten()
    expectClose(two, z.add(1).div(2).clamp(0, 1), 1e-12)
  })
})
