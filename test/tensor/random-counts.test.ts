/** Poisson, gamma, beta and Laplace numbers follow the distributions they are named after. */
import { describe, expect, it } from 'vitest'
import { compile, configure, full, random, type Tensor, tensor } from '../../src/tensor/index.ts'
import { forEachEngine } from '../support/backends.ts'

const values = (x: Tensor): number[] => [...x.dataSync()]

/** The probabilities of 0, 1, 2 … events. */
const poissonOf = (rate: number, count: number): number[] => {
  let logTerm = -rate
  return Array.from({ length: count }, (_, k) => {
    const p = Math.exp(logTerm)
    logTerm += Math.log(rate / (k + 1))
    return p
  })
}

/** Kolmogorov and Smirnov's distance times √n; below 1.95 for 99.9 % of samples. */
const distance = (sample: readonly number[], cumulative: (x: number) => number): number => {
  const n = sample.length
  const gaps = [...sample]
    .sort((a, b) => a - b)
    .map((x, i) => Math.max((i + 1) / n - cumulative(x), cumulative(x) - i / n))
  return Math.sqrt(n) * Math.max(...gaps)
}

/** The integral of a density from 0, by Simpson's rule on a grid whose places are squares, normalised at `end`. */
const cumulativeOf = (density: (x: number) => number, end: number): ((x: number) => number) => {
  const cells = 4000
  const at = (i: number): number => end * (i / cells) ** 4
  const sums = [0]
  for (let i = 0; i < cells; i++) {
    const [a, b] = [at(i), at(i + 1)]
    const middle = (a + b) / 2
    sums.push(
      sums[i] + ((b - a) / 6) * ((i === 0 ? 0 : density(a)) + 4 * density(middle) + (i === cells - 1 ? 0 : density(b))),
    )
  }
  return (x) => sums[Math.min(cells, Math.round(cells * (Math.min(x, end) / end) ** 0.25))] / sums[cells]
}

forEachEngine((on) => {
  describe('poisson', () => {
    it.each([0.3, 4, 9.99, 10, 30, 400])('of rate %d: the frequencies of its counts (χ²)', (rate) => {
      configure(on)
      // The reference is slow, and computes the same.
      const n = on.backend === 'reference' ? 1000 : 20000
      const x = values(random.poisson([n], rate, { key: random.key(5), dtype: 'float64' }))
      expect(x.every((v) => Number.isInteger(v) && v >= 0)).toBe(true)
      // Neighbouring counts share a cell until at least 20 are expected in each.
      const cells: { expected: number; seen: number }[] = [{ expected: 0, seen: 0 }]
      const seen = new Map<number, number>()
      for (const v of x) seen.set(v, (seen.get(v) ?? 0) + 1)
      let rest = n
      for (const [k, p] of poissonOf(rate, Math.ceil(rate + 12 * Math.sqrt(rate) + 20)).entries()) {
        const cell = cells[cells.length - 1]
        cell.expected += n * p
        cell.seen += seen.get(k) ?? 0
        rest -= n * p
        if (cell.expected >= 20 && rest >= 20) cells.push({ expected: 0, seen: 0 })
      }
      expect(cells.reduce((sum, c) => sum + c.seen, 0)).toBe(n)
      const statistic = cells.reduce((sum, c) => sum + (c.seen - c.expected) ** 2 / c.expected, 0)
      const free = cells.length - 1
      // Wilson and Hilferty's 99.9 % of χ².
      expect(statistic).toBeLessThan(free * (1 - 2 / (9 * free) + 3.09 * Math.sqrt(2 / (9 * free))) ** 3)
    })
    it('of a rate for each element: means and variances are the rates', () => {
      configure(on)
      const [n, rates] = [on.backend === 'reference' ? 500 : 4000, [0, 0.5, 7, 12, 1000]]
      const x = random.poisson([n, 5], tensor(rates), { key: random.key(6), dtype: 'float64' })
      const [means, variances] = [values(x.mean(0)), values(x.var(0))]
      for (const [i, rate] of rates.entries()) {
        expect(Math.abs(means[i] - rate)).toBeLessThanOrEqual(4 * Math.sqrt(rate / n))
        expect(Math.abs(variances[i] - rate)).toBeLessThanOrEqual(4 * Math.sqrt((rate + 2 * rate ** 2) / n))
      }
    })
    it('edges: nothing at 0, ∞ at ∞, NaN where there is no rate, any shape; another draw in every run', () => {
      configure(on)
      expect(values(random.poisson([3], 0))).toEqual([0, 0, 0])
      expect(values(random.poisson([3], tensor([-1, Number.NaN, Infinity])))).toEqual([
        Number.NaN,
        Number.NaN,
        Infinity,
      ])
      expect(random.poisson([0, 2], 3).shape).toEqual([0, 2])
      expect(random.poisson([], 3).itemSync() % 1).toBe(0)
      const draw = compile(() => random.poisson([50], full([50], 20)))
      expect(values(draw())).not.toEqual(values(draw()))
      expect(() => random.poisson([2], -1)).toThrow('random.poisson: rate is -1, it must be finite and at least 0')
    })
  })

  it.each([0.3, 1, 2.5, 40])('gamma of parameter %d follows its distribution', (a) => {
    configure(on)
    const sample = values(random.gamma([4000], a, { key: random.key(8), dtype: 'float64' }))
    const density = (x: number): number => x ** (a - 1) * Math.exp(-x + a)
    expect(distance(sample, cumulativeOf(density, a + 40 * Math.sqrt(a) + 40))).toBeLessThan(2)
  })
  it.each([
    [0.4, 0.4],
    [2, 5],
  ])('beta of parameters %d and %d follows its distribution', (a, b) => {
    configure(on)
    const sample = values(random.beta([4000], a, b, { key: random.key(9), dtype: 'float64' }))
    // By halves, since the density may be infinite at both ends.
    const [low, high] = [
      (x: number) => x ** (a - 1) * (1 - x) ** (b - 1),
      (x: number) => x ** (b - 1) * (1 - x) ** (a - 1),
    ]
    const [below, above] = [cumulativeOf(low, 0.5), cumulativeOf(high, 0.5)]
    const under = sample.filter((x) => x < 0.5)
    expect(distance(under, below)).toBeLessThan(2)
    expect(
      distance(
        sample.filter((x) => x >= 0.5).map((x) => 1 - x),
        above,
      ),
    ).toBeLessThan(2)
  })
  it('laplace follows its distribution, in both precisions', () => {
    configure(on)
    for (const dtype of ['float32', 'float64'] as const) {
      const sample = values(random.laplace([8000], { key: random.key(10), dtype }))
      expect(distance(sample, (x) => (x < 0 ? Math.exp(x) / 2 : 1 - Math.exp(-x) / 2))).toBeLessThan(1.95)
    }
  })
})
