/** Sorting and running values, against plain loops and JavaScript's own stable sort. */

import { describe, expect, it } from 'vitest'
import {
  argsort,
  compile,
  cummax,
  cummin,
  cumprod,
  cumsum,
  grad,
  linearRecurrence,
  logcumsumexp,
  median,
  quantile,
  random,
  sort,
  type Tensor,
  tensor,
  topK,
} from '../../src/tensor/index.ts'
import { forEachBackend } from '../support/backends.ts'
import { randomOf } from '../support/random.ts'

/** Positions in ascending order by comparison; NaN last, equal elements in order. */
function order(x: ArrayLike<number>, descending = false): number[] {
  const rank = (v: number): number => (Number.isNaN(v) ? Infinity : v)
  const compare = (a: number, b: number): number => {
    if (Number.isNaN(x[a]) !== Number.isNaN(x[b])) return Number.isNaN(x[a]) ? 1 : -1
    return rank(x[a]) < rank(x[b]) ? -1 : rank(x[a]) > rank(x[b]) ? 1 : 0
  }
  return Array.from(x, (_, i) => i).sort((a, b) => (descending ? compare(b, a) : compare(a, b)))
}

forEachBackend(() => {
  describe('quantile', () => {
    const x = tensor([
      [3, 1, 4, 1.5],
      [9, -2, 6, 5],
    ])
    // From NumPy: np.quantile(x, q, axis).
    it('interpolates linearly, along an axis or over all', () => {
      expect([0, 0.1, 0.5, 1].map((q) => quantile(x, q).itemSync())).toEqual(
        [-2, 0.1, 3.5, 9].map((v) => expect.closeTo(v, 6)),
      )
      expect(quantile(x, 0.25, { axis: 1 }).arraySync()).toEqual([1.375, 3.25])
      expect(quantile(x, 0.25, { axis: 0, keepAxes: true }).arraySync()).toEqual([[4.5, -1.25, 4.5, 2.375]])
      expect(median(x, { axis: 1 }).arraySync()).toEqual([2.25, 5.5])
      expect(median(tensor([2, 7, 1], { dtype: 'int32' })).itemSync()).toBe(2)
    })
    it('is NaN where there is a NaN, and infinite between infinities', () => {
      expect(
        median(
          tensor([
            [NaN, 1, 2],
            [1, Infinity, Infinity],
          ]),
          { axis: 1 },
        ).arraySync(),
      ).toEqual([NaN, Infinity])
      expect(quantile(tensor([Infinity, Infinity]), 0.3).itemSync()).toBe(Infinity)
    })
    it('gives the gradient to the elements it lies between', () => {
      const y = tensor([4, 1, 3, 2])
      expect([...grad(quantile(y, 0.25), y).dataSync()]).toEqual([0, 0.25, 0, 0.75])
    })
  })

  describe('argsort', () => {
    const special = [3, -0, 0, NaN, -Infinity, 1e-45, -1e-45, Infinity, 3, -1e38, NaN, 0]
    it.each(['float32', 'float64', 'int32', 'uint8', 'bool'] as const)('orders %s as a comparison does', (dtype) => {
      const next = randomOf(3)
      const draw = { bool: () => next() * 2, uint8: () => next() * 256 }
      const value = draw[dtype as 'bool' | 'uint8'] ?? (() => (next() - 0.5) * 2e9)
      for (const n of [0, 1, 2, 63, 64, 65, 1000, 5000]) {
        const values = Array.from({ length: n }, value)
        const x = tensor(dtype.startsWith('float') ? [...special, ...values, ...special] : values.map(Math.trunc), {
          dtype,
        })
        const stored = x.dataSync()
        for (const descending of [false, true]) {
          expect([...argsort(x, { descending }).dataSync()], `n = ${n}`).toEqual(order(stored, descending))
        }
      }
    })
    it('works along any axis, on views, and inside a compiled function', () => {
      const x: Tensor = random.normal([3, 5, 4], { key: random.key(1) })
      const f = compile((t: Tensor) => sort(t.transpose(0, 2).flip(1), { axis: 1 }))
      const rows = (t: Tensor): number[][] =>
        (t.transpose(1, -1).reshape([-1, t.shape[1]]).arraySync() as number[][]).map((row) =>
          [...row].sort((a, b) => a - b),
        )
      const sorted = f(x)
      expect(sorted.shape).toEqual([4, 5, 3])
      expect(sorted.transpose(1, -1).reshape([-1, 5]).arraySync()).toEqual(rows(x.transpose(0, 2)))
    })
    it('gives gradients back to where the elements came from', () => {
      const x = tensor([3, 1, 2])
      expect(
        grad(
          sort(x)
            .mul(tensor([10, 20, 30]))
            .sum(),
          x,
        ).arraySync(),
      ).toEqual([30, 10, 20])
    })
  })

  it('topK: the largest and the smallest, with positions', () => {
    const x = tensor([
      [3, 9, 1, 9],
      [5, 4, 8, 7],
    ])
    const { values, indices } = topK(x, 2)
    expect([values.arraySync(), indices.arraySync()]).toEqual([
      [
        [9, 9],
        [8, 7],
      ],
      [
        [1, 3],
        [2, 3],
      ],
    ])
    expect(topK(x, 1, { axis: 0, smallest: true }).values.arraySync()).toEqual([[3, 4, 1, 7]])
    expect(topK(x, 0).values.shape).toEqual([2, 0])
    expect(() => topK(x, 5)).toThrow(
      'topK: k is 5, it must be a whole number from 0 to 4, the extent of axis -1 of [2, 4]',
    )
  })

  describe('running values', () => {
    it('cumsum of whole numbers is exact and wraps', () => {
      expect(cumsum(tensor([1, 2, 3], { dtype: 'int32' })).arraySync()).toEqual([1, 3, 6])
      expect(cumsum(tensor([2 ** 31 - 1, 1], { dtype: 'int32' })).arraySync()).toEqual([2 ** 31 - 1, -(2 ** 31)])
      expect(cumsum(tensor([true, false, true])).arraySync()).toEqual([1, 1, 2])
      expect(cumsum(tensor([1, 2, 3]), 0, { reverse: true }).arraySync()).toEqual([6, 5, 3])
      expect(cumsum(tensor([[], []]), 1).shape).toEqual([2, 0])
    })
    it.each([
      ['no zero', [2, 3, 4]],
      ['one zero', [2, 0, 4]],
      ['two zeros', [0, 3, 0]],
      ['a zero at the end', [2, 3, 0]],
    ] as const)('cumprod with %s has its true gradient', (_, values) => {
      for (const reverse of [false, true]) {
        const x = tensor([...values], { dtype: 'float64' })
        const [a, b, c] = reverse ? [...values].reverse() : values
        const y = cumprod(x, 0, { reverse })
        const weights = tensor([1, 10, 100], { dtype: 'float64' })
        const flipped = reverse ? weights.flip() : weights
        const expected = [1 + 10 * b + 100 * b * c, 10 * a + 100 * a * c, 100 * a * b]
        const found = grad(y.mul(flipped).sum(), x).arraySync() as number[]
        expect(reverse ? found.reverse() : found).toEqual(expected)
      }
    })
    it('cummax and cummin keep the latest of equals, and NaN', () => {
      const x = tensor([1, 3, 3, 2, NaN, 4])
      expect(cummax(x).values.arraySync()).toEqual([1, 3, 3, 3, NaN, NaN])
      expect(cummax(x).indices.arraySync()).toEqual([0, 1, 2, 2, 4, 4])
      expect(cummin(tensor([[3, 1, 2]]), 1).values.arraySync()).toEqual([[3, 1, 1]])
      expect(cummin(tensor([200, 3, 250], { dtype: 'uint8' })).values.arraySync()).toEqual([200, 3, 3])
    })
    it('logcumsumexp neither overflows nor loses the rest', () => {
      const x = tensor([-Infinity, 1000, 1000, -1000, 2000], { dtype: 'float64' })
      const y = logcumsumexp(x).arraySync() as number[]
      const expected = [-Infinity, 1000, 1000 + Math.LN2, 1000 + Math.LN2, 2000]
      y.forEach((v, i) => {
        expect(v).toBeCloseTo(expected[i], 12)
      })
      const g = grad(logcumsumexp(tensor([1e4, -1e4, 0])).sum(), tensor([1]))
      expect(g.arraySync()).toEqual([0])
      const first = tensor([-Infinity, -Infinity, 0, 1])
      // What is impossible so far changes nothing that follows, as in a Markov chain that starts in one state.
      const weights = grad(logcumsumexp(first).slice([2, 4]).sum(), first).arraySync() as number[]
      expect(weights.slice(0, 2)).toEqual([0, 0])
      expect(weights[2]).toBeCloseTo(1 + 1 / (1 + Math.E), 6)
      const z = tensor([1e4, -1e4, 1e4])
      expect(grad(logcumsumexp(z).at(2), z).arraySync()).toEqual([0.5, 0, 0.5])
    })
    it('linearRecurrence: discounted returns', () => {
      const rewards = tensor([1, 2, 3], { dtype: 'float64' })
      const discounts = tensor([0.5, 0.5, 0.5], { dtype: 'float64' })
      const returns = linearRecurrence(discounts, rewards, 0, { reverse: true })
      expect(returns.arraySync()).toEqual([1 + 0.5 * (2 + 0.5 * 3), 2 + 0.5 * 3, 3])
      expect(grad(returns.at(0), discounts).arraySync()).toEqual([3.5, 1.5, 0])
      expect(() => linearRecurrence(tensor([1, 2]), tensor([1, 2, 3]))).toThrow('factors [2] and terms [3] differ')
    })
  })

  describe('random.permutation', () => {
    it('holds each number once, and every order is equally likely', () => {
      const counts = new Map<string, number>()
      const trials = 3000
      for (let i = 0; i < trials; i++) {
        const p = random
          .permutation(3, { key: random.fold(random.key(1), i) })
          .dataSync()
          .join()
        counts.set(p, (counts.get(p) ?? 0) + 1)
      }
      expect(counts.size).toBe(6)
      const expected = trials / 6
      const statistic = [...counts.values()].reduce((sum, c) => sum + (c - expected) ** 2 / expected, 0)
      // 99.9 % of χ² with 5 degrees of freedom lie below 20.5.
      expect(statistic).toBeLessThan(20.5)
      const long = [...random.permutation(997, { key: random.key(2) }).dataSync()]
      expect(long.sort((a, b) => a - b)).toEqual(Array.from({ length: 997 }, (_, i) => i))
    })
    it('of a tensor orders its rows', () => {
      const x = tensor([
        [1, 2],
        [3, 4],
        [5, 6],
      ])
      const rows = random.permutation(x, { key: random.key(5) }).arraySync() as number[][]
      expect(rows.map((r) => r[1] - r[0])).toEqual([1, 1, 1])
      expect(rows.map((r) => r[0]).sort()).toEqual([1, 3, 5])
      expect(() => random.permutation(-1)).toThrow('random.permutation: of -1')
    })
  })
})
