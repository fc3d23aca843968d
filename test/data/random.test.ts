// Random streams: known answers of Threefry, and the moments and ranges of what is drawn from it.
import { expect, test } from 'vitest'
import { foldKey, randomKey, randomStream, shuffledOrder, threefry } from '../../src/data/random.ts'

// From the known-answer file of Random123, threefry2x32 with 20 rounds.
test.each([
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
    [0x13198a2e, 0x03707344],
    [0x243f6a88, 0x85a308d3],
    [0xc4923a9c, 0x483df7a0],
  ],
] as const)('threefry with key %j and counter %j', (key, counter, expected) => {
  expect(threefry(key, counter)).toEqual(expected)
})

test('a stream is the sequence of blocks of its key, and restarts', () => {
  const random = randomStream([7, 9])
  const drawn = [random.uint32(), random.uint32(), random.uint32()]
  expect(drawn).toEqual([...threefry([7, 9], [0, 0]), threefry([7, 9], [1, 0])[0]])
  random.normal()
  random.restart([7, 9])
  expect(random.uint32()).toBe(drawn[0])
})

test('moments of uniform and normal draws', () => {
  const random = randomStream(randomKey(1))
  const count = 100_000
  const moments = (draw: () => number) => {
    let [sum, squares] = [0, 0]
    for (let i = 0; i < count; i++) {
      const x = draw()
      sum += x
      squares += x * x
    }
    return [sum / count, squares / count - (sum / count) ** 2]
  }
  // Tolerances are about five standard errors.
  const [uniformMean, uniformVariance] = moments(() => random.uniform(2, 4))
  expect(Math.abs(uniformMean - 3)).toBeLessThan(0.01)
  expect(Math.abs(uniformVariance - 1 / 3)).toBeLessThan(0.006)
  const [normalMean, normalVariance] = moments(() => random.normal(-1, 2))
  expect(Math.abs(normalMean + 1)).toBeLessThan(0.032)
  expect(Math.abs(normalVariance - 4)).toBeLessThan(0.09)
})

test('whole numbers are in range and even', () => {
  const random = randomStream(randomKey(2))
  const counts = new Array<number>(7).fill(0)
  for (let i = 0; i < 70_000; i++) counts[random.integer(7)]++
  for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500)
})

test('keys of different seeds and paths differ, also past 32 bits', () => {
  const keys = [
    randomKey(0),
    randomKey(1),
    randomKey(2 ** 32),
    randomKey(-1),
    foldKey(randomKey(0), 1),
    foldKey(randomKey(0), 2 ** 32 + 1),
    foldKey(randomKey(0), 1, 0),
    foldKey(randomKey(0), 0, 1),
  ]
  expect(new Set(keys.map(String)).size).toBe(keys.length)
})

test('a shuffled order is a permutation, the same for the same key', () => {
  const order = shuffledOrder(randomKey(3), new Uint32Array(1000))
  expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i))
  expect(shuffledOrder(randomKey(3), new Uint32Array(1000))).toEqual(order)
  expect(shuffledOrder(randomKey(4), new Uint32Array(1000))).not.toEqual(order)
  expect([...shuffledOrder(randomKey(0), new Uint32Array(8))]).toEqual([3, 7, 5, 0, 2, 4, 6, 1])
})

test('every permutation of three comes equally often', () => {
  const counts = new Map<string, number>()
  for (let seed = 0; seed < 6000; seed++) {
    const order = shuffledOrder(randomKey(seed), new Uint32Array(3)).join()
    counts.set(order, (counts.get(order) ?? 0) + 1)
  }
  expect(counts.size).toBe(6)
  for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(150)
})
