// Sorting the last axis: the order of its elements, by a stable radix sort.

import type { DataArray, DType } from '../dtype.ts'
import { misfit } from '../refuse.ts'
import { routine } from '../routine.ts'
import { show } from '../shape.ts'

/**
 * x [..., n] to int32 [..., n]: the positions of the elements in ascending order (parameter 0) or descending order (1). Equal
 * elements keep their order, NaN counts as the largest.
 */
export const argsort = routine({
  name: 'argsort',
  infer: ([x]) => {
    if (x.shape.length === 0) throw misfit(`argsort: a scalar ${show(x.shape)} has no axis to sort`)
    return { shape: x.shape, dtype: 'int32' }
  },
  run: ([x], { shape, data: order }, [descending]) => {
    const n = shape[shape.length - 1]
    const sorter = new RadixSorter(n, x.dtype === 'float64' ? 2 : 1)
    for (let at = 0; at < order.length; at += n) {
      writeKeys(x.data.subarray(at, at + n), x.dtype, descending === 1, sorter.keys)
      sorter.sort(order.subarray(at, at + n))
    }
  },
  vjp: 'none',
})

/** Unsigned words, least significant first, whose order is that of the values. */
function writeKeys(x: DataArray, dtype: DType, descending: boolean, keys: readonly Uint32Array[]): void {
  const flip = descending ? 0xffffffff : 0
  const [low, high] = keys
  if (dtype === 'float64') {
    const value = new Float64Array(1)
    const words = new Uint32Array(value.buffer)
    for (let i = 0; i < x.length; i++) {
      value[0] = canonical(x[i])
      const mask = words[1] >>> 31 ? 0xffffffff : 0
      low[i] = words[0] ^ mask ^ flip
      high[i] = words[1] ^ (mask | 0x80000000) ^ flip
    }
    return
  }
  if (dtype === 'float32') {
    const value = new Float32Array(1)
    const word = new Uint32Array(value.buffer)
    for (let i = 0; i < x.length; i++) {
      value[0] = canonical(x[i])
      low[i] = word[0] ^ (word[0] >>> 31 ? 0xffffffff : 0x80000000) ^ flip
    }
    return
  }
  for (let i = 0; i < x.length; i++) low[i] = x[i] ^ 0x80000000 ^ flip
}

/** One zero, and one NaN, which is positive. */
const canonical = (x: number): number => (Number.isNaN(x) ? NaN : x + 0)

const digitBits = 11
const digits = 1 << digitBits
/** Shorter rows are sorted by insertion. */
const shortRow = 64

class RadixSorter {
  /** To be filled before each sort. */
  readonly keys: readonly Uint32Array[]
  private readonly other: Int32Array
  private readonly counts = new Int32Array(digits)

  constructor(n: number, words: number) {
    this.keys = Array.from({ length: words }, () => new Uint32Array(n))
    this.other = new Int32Array(n)
  }

  /** Writes the order of the keys. */
  sort(order: DataArray): void {
    for (let i = 0; i < order.length; i++) order[i] = i
    if (order.length <= shortRow) {
      this.insert(order)
      return
    }
    for (const key of this.keys) {
      for (let shift = 0; shift < 32; shift += digitBits) {
        this.pass(order, this.other, key, shift)
        order.set(this.other)
      }
    }
  }

  private insert(order: DataArray): void {
    for (let i = 1; i < order.length; i++) {
      const moved = order[i]
      let at = i
      for (; at > 0 && this.isLess(moved, order[at - 1]); at--) order[at] = order[at - 1]
      order[at] = moved
    }
  }

  private isLess(a: number, b: number): boolean {
    for (let w = this.keys.length - 1; w >= 0; w--) {
      const [x, y] = [this.keys[w][a], this.keys[w][b]]
      if (x !== y) return x < y
    }
    return false
  }

  private pass(from: DataArray, to: Int32Array, key: Uint32Array, shift: number): void {
    const { counts } = this
    counts.fill(0)
    for (let i = 0; i < key.length; i++) counts[(key[i] >>> shift) & (digits - 1)]++
    for (let d = 0, sum = 0; d < digits; d++) {
      const count = counts[d]
      counts[d] = sum
      sum += count
    }
    for (let i = 0; i < from.length; i++) {
      const index = from[i]
      to[counts[(key[index] >>> shift) & (digits - 1)]++] = index
    }
  }
}
