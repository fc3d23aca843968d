/** Random numbers: the published generator bit for bit, streams apart, and the distributions they are named after. */

import { describe, expect, it } from 'vitest'
import { build } from '../../src/graph/build.ts'
import { math } from '../../src/scalar/math.ts'
import { compile, configure, random, Tensor, tensor } from '../../src/tensor/index.ts'
import { forEachEngine } from '../support/backends.ts'

forEachEngine(() => {
  const values = (x: Tensor): number[] => [...x.dataSync()]

  // From the kat_vectors of the Random123 distribution: threefry2x32 with 20 rounds; counter, key, result.
  it.each([
    [
      [0, 0],
      [0, 0],
      [0x6b200159, 0x99ba4efe],
    ],
    [
      [0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x1cb996fc, 0xbb002be7],
    ],
    [
      [0x243f6a88, 0x85a308d3],
      [0x13198a2e, 0x03707344],
      [0xc4923a9c, 0x483df7a0],
    ],
  ])('Threefry of counter %j and key %j', (counter, key, expected) => {
    const inputs = [...key, ...counter].map((word) => tensor(Int32Array.of(word)).node)
    const words = ([0, 1] as const).map((word) => new Tensor(build.node('threefry', inputs, { word })).itemSync() >>> 0)
    expect(words).toEqual(expected)
  })

  describe('streams', () => {
    it('repeat for the same key, differ for others', () => {
      const draw = (k: random.Key): number[] => values(random.randomBits([8], k))
      const first = draw(random.key(1))
      expect(draw(random.key(1))).toEqual(first)
      const others = [2, -1, 1 + 2 ** 32].map((seed) => draw(random.key(seed)))
      const folded = [0, 1, -1].map((n) => draw(random.fold(random.key(1), n)))
      expect(new Set([first, ...others, ...folded].flat()).size).toBe(8 * 7)
    })
    it('an element depends on its place alone, not on the shape', () => {
      const k = random.key(3)
      expect(values(random.uniform([3, 4], { key: k }))).toEqual(values(random.uniform([12], { key: k })))
      expect(values(random.uniform([5], { key: k }))).toEqual(values(random.uniform([12], { key: k })).slice(0, 5))
    })
    it('without a key follow the seed', () => {
      const draw = (seed: number): number[] => {
        configure({ seed })
        return [...values(random.uniform([3])), ...values(random.normal([3]))]
      }
      const first = draw(11)
      expect(new Set(first).size).toBe(6)
      expect(draw(11)).toEqual(first)
      expect(draw(12)).not.toEqual(first)
    })
    it('split: keys of independent streams, values like any other', () => {
      const keys = random.split(random.key(1), 3)
      expect([keys.dtype, keys.shape]).toEqual(['int32', [3, 2]])
      const draws = [0, 1, 2].map((i) => values(random.randomBits([8], keys.at(i))))
      expect(new Set([...draws.flat(), ...values(random.randomBits([8], random.key(1)))]).size).toBe(32)
    })
    it('a key can be an argument of a compiled function, and folded by a tensor', () => {
      const draw = (k: random.Key, step: Tensor): Tensor => random.uniform([4], { key: random.fold(k, step) })
      const compiled = compile(draw)
      for (const step of [0, 5]) {
        const expected = values(random.uniform([4], { key: random.fold(random.key(3), step) }))
        expect(values(compiled(random.key(3), tensor(step, { dtype: 'int32' })))).toEqual(expected)
      }
    })
    it.each([
      [() => random.key(0.5), 'random.key: the seed is 0.5, it must be an integer'],
      [
        () => random.uniform([2], { key: tensor([1, 2]) }),
        'random: a key is int32 [2], as random.key(seed) gives; this is float32 [2]',
      ],
      [
        () => random.uniform([2], { key: random.split(random.key(1)) }),
        'this is int32 [2, 2]: for one of several keys use keys.at(i)',
      ],
      [() => random.split(random.key(1), 0), 'random.split: count is 0, it must be a whole number'],
      [() => random.uniform([2], { low: 1, high: 0 }), 'random.uniform: [1, 0) is no finite interval'],
      [() => random.uniform([2], { high: Infinity }), 'random.uniform: [0, Infinity) is no finite interval'],
      [() => random.normal([2], { std: -1 }), 'random.normal: std is -1, it must be finite and at least 0'],
      [() => random.bernoulli([2], 1.5), 'random.bernoulli: the probability is 1.5, it must lie in [0, 1]'],
      [() => random.integers([2], 3, 3), 'random.integers: [3, 3) must be a range of int32 with low < high'],
      [() => random.categorical(tensor(1)), 'random.categorical: the logits are a scalar'],
      [() => random.categorical(tensor([[]])), 'random.categorical: logits [1, 0] have no categories along axis -1'],
      [
        () => random.truncatedNormal([2], { low: 1, high: 1 }),
        'random.truncatedNormal: low is 1 and high 1: low must be less',
      ],
      [() => random.truncatedNormal([2], { low: 5, high: 6 }), 'lies 5 standard deviations from the mean 0: at most 4'],
    ])('refuse %s', (draw, message) => {
      expect(draw).toThrow(message)
    })
    it('refuse a seed that is no integer', () => {
      expect(() => configure({ seed: 0.5 })).toThrow('configure: the seed is 0.5, it must be an integer')
      expect(() => configure({ seed: NaN })).toThrow('configure: the seed is NaN')
    })
  })

  describe('distributions', () => {
    const n = 20000
    const moments = (x: readonly number[]): { mean: number; variance: number; skew: number; kurtosis: number } => {
      const mean = x.reduce((a, b) => a + b, 0) / x.length
      const central = (p: number): number => x.reduce((a, b) => a + (b - mean) ** p, 0) / x.length
      const variance = central(2)
      return { mean, variance, skew: central(3) / variance ** 1.5, kurtosis: central(4) / variance ** 2 }
    }
    /** Σ (seen − expected)² / expected over equally likely cells. */
    const chiSquared = (cells: readonly number[], count: number): number => {
      const seen = new Array<number>(count).fill(0)
      for (const c of cells) seen[c]++
      const expected = cells.length / count
      return seen.reduce((sum, s) => sum + (s - expected) ** 2 / expected, 0)
    }

    it('uniform: moments, cells, neighbours, and its ends', () => {
      const x = values(random.uniform([n], { key: random.key(42) }))
      expect(Math.min(...x)).toBeGreaterThanOrEqual(0)
      expect(Math.max(...x)).toBeLessThan(1)
      const { mean, variance } = moments(x)
      // Four standard errors.
      expect(Math.abs(mean - 0.5)).toBeLessThan(4 * Math.sqrt(1 / 12 / n))
      expect(Math.abs(variance - 1 / 12)).toBeLessThan(4 * Math.sqrt(1 / 180 / n))
      // 99.9 % of χ² with 63 degrees of freedom lie below 103.4.
      expect(
        chiSquared(
          x.map((v) => Math.floor(v * 64)),
          64,
        ),
      ).toBeLessThan(103.4)
      const neighbours = x.slice(1).map((v, i) => Math.floor(v * 8) * 8 + Math.floor(x[i] * 8))
      expect(chiSquared(neighbours, 64)).toBeLessThan(103.4)
    })
    it('uniform on a range never reaches its upper end', () => {
      const x = values(random.uniform([n], { low: 1, high: 1.000001, key: random.key(1) }))
      expect(Math.min(...x)).toBeGreaterThanOrEqual(1)
      expect(Math.max(...x)).toBeLessThan(1.000001)
      const y = values(random.uniform([n], { low: -3, high: 5, key: random.key(2) }))
      expect(Math.abs(moments(y).mean - 1)).toBeLessThan(4 * Math.sqrt(64 / 12 / n))
    })
    it('normal: four moments, and finite everywhere', () => {
      const x = values(random.normal([n], { key: random.key(7) }))
      expect(x.every(Number.isFinite)).toBe(true)
      const { mean, variance, skew, kurtosis } = moments(x)
      expect(Math.abs(mean)).toBeLessThan(4 / Math.sqrt(n))
      expect(Math.abs(variance - 1)).toBeLessThan(4 * Math.sqrt(2 / n))
      expect(Math.abs(skew)).toBeLessThan(4 * Math.sqrt(6 / n))
      expect(Math.abs(kurtosis - 3)).toBeLessThan(4 * Math.sqrt(24 / n))
      const shifted = moments(values(random.normal([n], { mean: 10, std: 0.5, key: random.key(8) })))
      expect(Math.abs(shifted.mean - 10)).toBeLessThan((4 * 0.5) / Math.sqrt(n))
      expect(Math.abs(shifted.variance - 0.25)).toBeLessThan(4 * 0.25 * Math.sqrt(2 / n))
    })
    it('bernoulli: its frequency, and its ends', () => {
      const x = random.bernoulli([n], 0.3, { key: random.key(9) })
      expect(x.dtype).toBe('bool')
      expect(Math.abs(x.cast('float32').mean().itemSync() - 0.3)).toBeLessThan(4 * Math.sqrt(0.21 / n))
      expect(random.bernoulli([100], 0).any().itemSync()).toBe(0)
      expect(random.bernoulli([100], 1).all().itemSync()).toBe(1)
    })
    /** Kolmogorov and Smirnov's largest distance between the empirical and the claimed distribution, times √n. */
    const distance = (sample: readonly number[], cumulative: (x: number) => number): number => {
      const sorted = [...sample].sort((a, b) => a - b)
      const gaps = sorted.map((x, i) => Math.max((i + 1) / n - cumulative(x), cumulative(x) - i / n))
      return Math.sqrt(n) * Math.max(...gaps)
    }
    /** Passed by 99.9 % of samples that follow the distribution. */
    const limit = 1.95
    const phi = (z: number): number => (1 + math.erf(z * Math.SQRT1_2)) / 2

    const truncated = (low: number, high: number) => (x: number) => (phi(x) - phi(low)) / (phi(high) - phi(low))
    it.each([
      ['uniform', (o: random.FloatOptions) => random.uniform([n], o), (x: number) => x],
      ['normal', (o: random.FloatOptions) => random.normal([n], o), phi],
      ['gumbel', (o: random.FloatOptions) => random.gumbel([n], o), (x: number) => Math.exp(-Math.exp(-x))],
      ['exponential', (o: random.FloatOptions) => random.exponential([n], o), (x: number) => 1 - Math.exp(-x)],
      ['truncatedNormal', (o: random.FloatOptions) => random.truncatedNormal([n], o), truncated(-2, 2)],
      [
        'truncatedNormal of one side',
        (o: random.FloatOptions) => random.truncatedNormal([n], { ...o, low: 0.5, high: Infinity }),
        truncated(0.5, Infinity),
      ],
    ] as const)('%s follows its distribution function, in both precisions', (_, draw, cumulative) => {
      for (const dtype of ['float32', 'float64'] as const) {
        const x = draw({ key: random.key(12), dtype })
        expect(x.dtype).toBe(dtype)
        const sample = values(x)
        expect(sample.every(Number.isFinite)).toBe(true)
        expect(distance(sample, cumulative)).toBeLessThan(limit)
      }
    })
    it('truncatedNormal stays within its bounds and scales', () => {
      const x = values(random.truncatedNormal([n], { mean: 5, std: 2, low: 4, high: 4.5, key: random.key(3) }))
      expect(Math.min(...x)).toBeGreaterThanOrEqual(4)
      expect(Math.max(...x)).toBeLessThanOrEqual(4.5)
      expect(distance(x, (v) => truncated(-0.5, -0.25)((v - 5) / 2))).toBeLessThan(limit)
    })
    it('float64 has more digits than float32', () => {
      const x = values(random.uniform([1000], { dtype: 'float64', key: random.key(4) }))
      expect(x.filter((v) => (v * 2 ** 40) % 1 !== 0).length).toBeGreaterThan(900)
    })
    it('integers: every value equally often, and their range', () => {
      const x = values(random.integers([n], -3, 4, { key: random.key(6) }))
      // 99.9 % of χ² with 6 degrees of freedom lie below 22.5.
      expect(
        chiSquared(
          x.map((v) => v + 3),
          7,
        ),
      ).toBeLessThan(22.5)
      const all = random.integers([100], -(2 ** 31), 2 ** 31, { key: random.key(7) })
      expect(all.dtype).toBe('int32')
      expect(values(all).some((v) => v < -(2 ** 30)) && values(all).some((v) => v > 2 ** 30)).toBe(true)
    })
    it('categorical: frequencies of the softmax (Gumbel-max, R76)', () => {
      const draws = 100_000
      const probabilities = [0.1, 0.2, 0.3, 0.4]
      const logits = tensor(probabilities.map((p) => Math.log(p) + 3))
      const x = values(random.categorical(logits, { shape: [draws], key: random.key(10) }))
      const statistic = probabilities.reduce((sum, p, i) => {
        const seen = x.filter((v) => v === i).length
        return sum + (seen - draws * p) ** 2 / (draws * p)
      }, 0)
      // 99.9 % of χ² with 3 degrees of freedom lie below 16.3.
      expect(statistic).toBeLessThan(16.3)
    })
    it('categorical along any axis; an impossible category is never drawn', () => {
      const logits = tensor([
        [0, -Infinity, 0],
        [-Infinity, 0, -Infinity],
      ])
      const rows = random.categorical(logits, { shape: [500], key: random.key(11) })
      expect(rows.shape).toEqual([500, 2])
      const drawn = values(rows)
      expect(new Set(drawn.filter((_, i) => i % 2 === 0))).toEqual(new Set([0, 2]))
      expect(new Set(drawn.filter((_, i) => i % 2 === 1))).toEqual(new Set([1]))
      expect(random.categorical(logits, { axis: 0, key: random.key(11) }).shape).toEqual([3])
    })
    it('bits: each of the 32 is 1 half of the time', () => {
      const x = values(random.randomBits([4096], random.key(5)))
      for (let bit = 0; bit < 32; bit++) {
        const ones = x.filter((v) => (v >>> bit) & 1).length
        expect(Math.abs(ones - 2048), `bit ${bit}`).toBeLessThan(4 * 32)
      }
    })
  })
})
