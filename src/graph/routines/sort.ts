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
    // Many rows are short: nothing is made anew for each of them.
    const sorter = new RadixSorter(n, x.dtype, descending === 1)
    for (let at = 0; at < order.length; at += n) sorter.sort(x.data, order, at)
  },
  vjp: 'none',
})

/** One zero, and one NaN, which is positive. */
const canonical = (x: number): number => (Number.isNaN(x) ? NaN : x + 0)

const digitBits = 11
const digits = 1 << digitBits
/** Shorter rows are sorted by insertion. */
const shortRow = 64

class RadixSorter {
  private readonly n: number
  private readonly dtype: DType
  /** Bits that turn the order around. */
  private readonly flip: number
  /** Unsigned words of each value, least significant first, whose order is that of the values. */
  private readonly keys: readonly Uint32Array[]
  private readonly other: Int32Array
  private readonly counts = new Int32Array(digits)
  /** A number and its words. */
  private readonly double = new Float64Array(1)
  private readonly doubleWords = new Uint32Array(this.double.buffer)
  private readonly single = new Float32Array(1)
  private readonly singleWord = new Uint32Array(this.single.buffer)

  constructor(n: number, dtype: DType, descending: boolean) {
    this.n = n
    this.dtype = dtype
    this.flip = descending ? 0xffffffff : 0
    this.keys = Array.from({ length: dtype === 'float64' ? 2 : 1 }, () => new Uint32Array(n))
    this.other = new Int32Array(n)
  }

  /** Writes the order of the n values from `start` on to the same places of `orders`. */
  sort(values: DataArray, orders: DataArray, start: number): void {
    const { n, dtype } = this
    if (dtype === 'float64') this.writeDoubles(values, start)
    else if (dtype === 'float32') this.writeSingles(values, start)
    else this.writeWhole(values, start)
    if (n <= shortRow) {
      this.insert(orders, start)
      return
    }
    const order = orders.subarray(start, start + n)
    for (let i = 0; i < n; i++) order[i] = i
    for (const key of this.keys) {
      for (let shift = 0; shift < 32; shift += digitBits) {
        this.pass(order, this.other, key, shift)
        order.set(this.other)
      }
    }
  }

  private writeDoubles(x: DataArray, start: number): void {
    const { n, flip, double: value, doubleWords: words } = this
    const [low, high] = this.keys
    for (let i = 0; i < n; i++) {
      value[0] = canonical(x[start + i])
      const mask = words[1] >>> 31 ? 0xffffffff : 0
      low[i] = words[0] ^ mask ^ flip
      high[i] = words[1] ^ (mask | 0x80000000) ^ flip
    }
  }

  private writeSingles(x: DataArray, start: number): void {
    const { n, flip, single: value, singleWord: word } = this
    const [low] = this.keys
    for (let i = 0; i < n; i++) {
      value[0] = canonical(x[start + i])
      low[i] = word[0] ^ (word[0] >>> 31 ? 0xffffffff : 0x80000000) ^ flip
    }
  }

  private writeWhole(x: DataArray, start: number): void {
    const { n, flip } = this
    const [low] = this.keys
    for (let i = 0; i < n; i++) low[i] = x[start + i] ^ 0x80000000 ^ flip
  }

  private insert(order: DataArray, start: number): void {
    const [low, high = low] = this.keys
    for (let i = 0; i < this.n; i++) {
      const [least, most] = [low[i], high[i]]
      let at = start + i
      for (; at > start; at--) {
        const before = order[at - 1]
        if (high[before] < most || (high[before] === most && low[before] <= least)) break
        order[at] = before
      }
      order[at] = i
    }
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
