/** Random numbers that are a pure function of a key and a counter (Threefry-2x32), so that any draw can be made again. */

import { threefry as encrypt } from '../scalar/threefry.ts'

/** Two 32-bit words that name one stream of random numbers. */
export type RandomKey = readonly [number, number]

/** A sequence of random numbers; the same key gives the same sequence on every machine. */
export interface RandomStream {
  /** An integer in [0, 2^32). */
  uint32(): number
  /** A number in [low, high), with 32 random bits; [0, 1) unless told. */
  uniform(low?: number, high?: number): number
  /** An integer in [0, bound), without bias; `bound` is in [1, 2^32]. */
  integer(bound: number): number
  /** A draw from the normal distribution (Box–Muller). */
  normal(mean?: number, standardDeviation?: number): number
  /** Starts again at the first number of `key`'s stream, without allocating. */
  restart(key: RandomKey): void
}

/** The key of a seed (any safe integer); throws on anything else. */
export function randomKey(seed: number): RandomKey {
  if (!Number.isSafeInteger(seed)) throw new Error(`seed: expected a whole number, found ${seed}`)
  return [seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0]
}

/** The key reached from `key` by a path of whole numbers, such as (epoch, example): each path has a stream of its own. */
export function foldKey(key: RandomKey, ...path: readonly number[]): RandomKey {
  let folded = key
  for (const step of path) {
    if (!Number.isSafeInteger(step)) throw new Error(`foldKey: expected whole numbers, found ${step}`)
    folded = threefry(folded, [step >>> 0, Math.floor(step / 2 ** 32) >>> 0])
  }
  return folded
}

/** The stream of random numbers that belongs to a key: `randomStream(foldKey(randomKey(7), epoch)).uniform()`. */
export function randomStream(key: RandomKey): RandomStream {
  return new ThreefryStream(key)
}

/** Fills `order` with a random permutation of 0 … n−1 (Fisher–Yates) and returns it. */
export function shuffledOrder(key: RandomKey, order: Uint32Array): Uint32Array {
  const random = randomStream(key)
  for (let i = 0; i < order.length; i++) order[i] = i
  for (let i = order.length - 1; i > 0; i--) {
    const j = random.integer(i + 1)
    const swapped = order[i]
    order[i] = order[j]
    order[j] = swapped
  }
  return order
}

/** Both words of the block of a key and a counter. */
export function threefry(key: RandomKey, counter: RandomKey): RandomKey {
  const words = new Uint32Array(2)
  encrypt(key[0], key[1], counter[0], counter[1], words)
  return [words[0], words[1]]
}

class ThreefryStream implements RandomStream {
  #key0 = 0
  #key1 = 0
  #block = 0
  #words = new Uint32Array(2)
  #secondWord = false
  #spareNormal = Number.NaN

  constructor(key: RandomKey) {
    this.restart(key)
  }

  restart(key: RandomKey): void {
    this.#key0 = key[0]
    this.#key1 = key[1]
    this.#block = 0
    this.#secondWord = false
    this.#spareNormal = Number.NaN
  }

  uint32(): number {
    if (this.#secondWord) {
      this.#secondWord = false
      return this.#words[1]
    }
    encrypt(this.#key0, this.#key1, this.#block >>> 0, Math.floor(this.#block / 2 ** 32) >>> 0, this.#words)
    this.#block++
    this.#secondWord = true
    return this.#words[0]
  }

  uniform(low = 0, high = 1): number {
    return low + (high - low) * (this.uint32() / 2 ** 32)
  }

  integer(bound: number): number {
    // Words past the last whole multiple of `bound` would favour small results: draw again.
    const limit = 2 ** 32 - (2 ** 32 % bound)
    let word = this.uint32()
    while (word >= limit) word = this.uint32()
    return word % bound
  }

  normal(mean = 0, standardDeviation = 1): number {
    let draw = this.#spareNormal
    if (Number.isNaN(draw)) {
      const radius = Math.sqrt(-2 * Math.log((this.uint32() + 1) / 2 ** 32))
      const angle = 2 * Math.PI * this.uniform()
      draw = radius * Math.cos(angle)
      this.#spareNormal = radius * Math.sin(angle)
    } else this.#spareNormal = Number.NaN
    return mean + standardDeviation * draw
  }
}
