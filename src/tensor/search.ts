// Finding places: of values in sorted ones, of what a mask holds, of what differs. Where the number of results depends on values, these are read.

import { misfit } from '../graph/refuse.ts'
import { show } from '../graph/shape.ts'
import { tensor, zeros } from './create.ts'
import { withBroadcasting } from './runtime.ts'
import { floating, type Tensor } from './tensor.ts'

export interface SearchOptions {
  /** Among equal ones: before the first (`left`, unless told) or after the last (`right`). */
  readonly side?: 'left' | 'right'
}

/**
 * Where each value would be put into `sorted` [n], ascending and without NaN, to keep the order: int32 of the values' shape, from
 * 0 to n, as NumPy's `searchsorted`. By halving, so in log₂ n steps; NaN goes behind everything.
 *
 *     searchSorted(tensor([1, 3, 5]), tensor([0, 3, 9])) // 0, 1, 3
 */
export function searchSorted(sorted: Tensor, values: Tensor, { side = 'left' }: SearchOptions = {}): Tensor {
  if (sorted.rank !== 1)
    throw misfit(`searchSorted: the sorted values are ${show(sorted.shape)}: they must be a vector`)
  const count = sorted.size
  let place: Tensor = zeros(values.shape, 'int32')
  if (count === 0) return place
  for (let step = 2 ** Math.floor(Math.log2(count)); step >= 1; step /= 2) {
    const next = place.add(step)
    const before = sorted.take(next.minimum(count).sub(1))
    const isBefore = side === 'left' ? before.less(values) : before.lessEqual(values)
    const goes = next.lessEqual(count).and(isBefore.or(values.isNaN()))
    place = goes.where(next, place)
  }
  return place
}

/**
 * Piecewise-linear interpolation through the points (xs, ys), both [n], xs ascending; constant beyond the ends, as NumPy's `interp`.
 * Gradients go to `x` and `ys`.
 *
 *     interp(tensor([1.5]), tensor([1, 2]), tensor([10, 20])) // 15
 */
export function interp(x: Tensor, xs: Tensor, ys: Tensor): Tensor {
  if (xs.rank !== 1 || ys.rank !== 1 || xs.size !== ys.size || xs.size === 0)
    throw misfit(
      `interp: the points are ${show(xs.shape)} and ${show(ys.shape)}: they must be two vectors of one length, at least 1`,
    )
  const value = floating(x)
  const last = xs.size - 1
  const at = searchSorted(xs, value, { side: 'right' }).clamp(Math.min(1, last), last)
  const before = at.sub(1).clamp(0)
  const [left, low] = [xs.take(before), ys.take(before)]
  const gap = xs.take(at).sub(left)
  // Equal xs have nothing between them.
  const share = value.sub(left).div(gap.equal(0).where(1, gap))
  const inside = low.add(ys.take(at).sub(low).mul(share))
  return withBroadcasting('numpy', () => {
    const [isBelow, isAbove] = [value.lessEqual(xs.at(0)), value.greaterEqual(xs.at(last))]
    return isAbove.where(ys.at(last), isBelow.where(ys.at(0), inside))
  })
}

/**
 * The places at which x is not 0 (or true), in order: int32 [count, rank], as PyTorch's `nonzero`. Reads x, for its values decide how
 * many there are; so it cannot be part of a compiled function: use `where` or `maskedFill` there.
 *
 *     await nonzero(tensor([[0, 7], [5, 0]])) // [[0, 1], [1, 0]]
 */
export async function nonzero(x: Tensor): Promise<Tensor> {
  const data = await x.data()
  const found = placesOf(data, (v) => v !== 0)
  const places = new Int32Array(found.length * x.rank)
  found.forEach((flat, row) => {
    let rest = flat
    for (let axis = x.rank - 1; axis >= 0; axis--) {
      const extent = x.shape[axis]
      places[row * x.rank + axis] = rest % extent
      rest = Math.floor(rest / extent)
    }
  })
  return tensor(places, { shape: [found.length, x.rank] })
}

/**
 * The elements where the mask, bool of x's first axes, is true, as rows of the remaining axes: NumPy's `x[mask]`. Gradients go back to
 * where the elements came from. Reads the mask, as `nonzero` does.
 *
 *     await maskedSelect(x, x.greater(0)) // the positive elements, a vector
 */
export async function maskedSelect(x: Tensor, mask: Tensor): Promise<Tensor> {
  const inner = x.shape.slice(mask.rank)
  if (mask.dtype !== 'bool' || mask.rank === 0 || mask.shape.some((d, axis) => d !== x.shape[axis]))
    throw misfit(
      `maskedSelect: the mask is ${mask.dtype} ${show(mask.shape)}, the tensor ${show(x.shape)}: it must be bool, of the tensor's first axes`,
    )
  const found = placesOf(await mask.data(), (v) => v !== 0)
  return x.reshape([mask.size, ...inner]).take(tensor(Int32Array.from(found), { shape: [found.length] }))
}

export interface Distinct {
  /** Each value once, in ascending order; NaN, which equals nothing, as often as it comes. */
  readonly values: Tensor
  /** How often each comes, int32. */
  readonly counts: Tensor
  /** For each element of x the place of its value among `values`, int32 of x's shape. */
  readonly inverse: Tensor
  /** Where each value comes first in x, flattened, int32. */
  readonly first: Tensor
}

/**
 * The different values of x, with counts, as the array API's `unique_all`. Reads x, as `nonzero` does; no gradients.
 *
 *     const { values, counts } = await unique(labels)
 */
export async function unique(x: Tensor): Promise<Distinct> {
  const data = await x.data()
  const order = Int32Array.from(data.keys()).sort((a, b) => compare(data[a], data[b]) || a - b)
  const starts = placesOf(order, (at, i) => i === 0 || data[order[i - 1]] !== data[at])
  const ints = (values: ArrayLike<number>, shape: readonly number[] = [values.length]): Tensor =>
    tensor(Int32Array.from(values), { shape })
  const inverse = new Int32Array(data.length)
  starts.forEach((start, rank) => {
    for (const at of order.subarray(start, starts[rank + 1] ?? order.length)) inverse[at] = rank
  })
  const first = starts.map((start) => order[start])
  return {
    values: x.detach().flatten().take(ints(first)),
    counts: ints(starts.map((start, rank) => (starts[rank + 1] ?? order.length) - start)),
    inverse: ints(inverse, x.shape),
    first: ints(first),
  }
}

/** Ascending, NaN last. */
const compare = (a: number, b: number): number =>
  a < b ? -1 : a > b ? 1 : Number(Number.isNaN(a)) - Number(Number.isNaN(b))

/** The indices whose elements hold. */
function placesOf(data: ArrayLike<number>, holds: (value: number, index: number) => boolean): number[] {
  const found: number[] = []
  for (let i = 0; i < data.length; i++) if (holds(data[i], i)) found.push(i)
  return found
}
