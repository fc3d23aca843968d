/** Random numbers: the published generator bit for bit, streams apart, and the distributions they are named after. */

import { describe, expect, it } from 'vitest'
import { build } from '../../src/graph/build.ts'
import { configure, random, Tensor, tensor } from '../../src/tensor/index.ts'
import { forEachBackend } from '../support/backends.ts'

forEachBackend(() => {
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
    it('bits: each of the 32 is 1 half of the time', () => {
      const x = values(random.randomBits([4096], random.key(5)))
      for (let bit = 0; bit < 32; bit++) {
        const ones = x.filter((v) => (v >>> bit) & 1).length
        expect(Math.abs(ones - 2048), `bit ${bit}`).toBeLessThan(4 * 32)
      }
    })
  })
})
