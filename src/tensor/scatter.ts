// Writing at places: values put, multiplied, compared or averaged where indices say, along an axis.

import { misfit, mistake } from '../graph/refuse.ts'
import { normalizeAxis, type Range, sameShape, show } from '../graph/shape.ts'
import { concat, full, ones, zeros } from './create.ts'
import { argsort } from './sort.ts'
import type { Tensor } from './tensor.ts'

export interface ScatterOptions {
  /** The first one unless told. */
  readonly axis?: number
  /**
   * What becomes of an element that indices name: the last value written there (`set`, unless told), its sum with all of them, the least or the
   * largest of it and them, or the mean of it and them.
   */
  readonly reduce?: 'set' | 'add' | 'min' | 'max' | 'mean'
  /** Whether the element itself counts too, as it does unless told; never for `set`. */
  readonly includeSelf?: boolean
}

/**
 * x with `source` written along an axis, one int32 index for each element of the source, as PyTorch's `scatter` and `scatter_reduce`; where an
 * index comes again, the last value stays with `set`. Indices and source are of one shape, which is that of x but for the axis. The gradient
 * goes to what stays, of `min` and `max` to the last of equal ones. Negative indices count from the end; the rest is moved to the nearest end.
 *
 *     scatter(zeros([4]), tensor([1, 3], { dtype: 'int32' }), tensor([5, 6])) // 0, 5, 0, 6
 */
export function scatter(x: Tensor, indices: Tensor, source: Tensor, options: ScatterOptions = {}): Tensor {
  const { axis = 0, reduce = 'set', includeSelf = reduce !== 'set' } = options
  const at = normalizeAxis(axis, x.rank, 'scatter')
  if (indices.dtype !== 'int32') throw mistake(`scatter: indices are ${indices.dtype}: they must be int32`)
  const fits = x.shape.every((extent, a) => a === at || source.shape[a] === extent)
  if (!sameShape(indices.shape, source.shape) || source.rank !== x.rank || !fits)
    throw misfit(
      `scatter: indices ${show(indices.shape)} and source ${show(source.shape)} for ${show(x.shape)} along axis ${at}: all must be equal but for that axis`,
    )
  const count = x.shape[at]
  const values = source.cast(x.dtype)
  if (reduce === 'add') return (includeSelf ? x : untouched(x, indices, at, 0)).scatterAdd(indices, values, at)
  if (reduce === 'mean') {
    const start = includeSelf ? x : untouched(x, indices, at, 0)
    const own = includeSelf ? ones(x.shape, x.dtype) : untouched(ones(x.shape, x.dtype), indices, at, 0)
    const amount = own.scatterAdd(indices, ones(values.shape, x.dtype), at)
    return start.scatterAdd(indices, values, at).div(amount)
  }
  if (reduce !== 'set' && reduce !== 'min' && reduce !== 'max')
    throw misfit(`scatter: unknown reduce '${String(reduce)}': use 'set', 'add', 'min', 'max' or 'mean'`)
  if (source.size === 0) return x
  const places = indices
    .less(0)
    .where(indices.add(count), indices)
    .clamp(0, count - 1)
  const winners = lastOfEach(places, values, at, reduce)
  const written = zeros(x.shape, x.dtype).scatterAdd(winners.places, winners.isLast.where(winners.values, 0), at)
  const isWritten = zeros(x.shape, 'int32').scatterAdd(winners.places, winners.isLast.cast('int32'), at).greater(0)
  const best = includeSelf && reduce !== 'set' ? (reduce === 'max' ? written.maximum(x) : written.minimum(x)) : written
  return isWritten.where(best, x)
}

/** x with a value in the places that indices name. */
function untouched(x: Tensor, indices: Tensor, axis: number, value: number): Tensor {
  const hits = zeros(x.shape, 'int32').scatterAdd(indices, ones(indices.shape, 'int32'), axis)
  return hits.greater(0).where(full(x.shape, value, x.dtype), x)
}

/** Sorted by place and among equal places so that the one to keep is the last; which those are. */
function lastOfEach(
  places: Tensor,
  values: Tensor,
  axis: number,
  keep: 'set' | 'min' | 'max',
): { places: Tensor; values: Tensor; isLast: Tensor } {
  const byValue = keep === 'set' ? undefined : argsort(values.detach(), { axis, descending: keep === 'min' })
  const [p, v] = byValue ? [places.takeAlong(byValue, axis), values.takeAlong(byValue, axis)] : [places, values]
  const byPlace = argsort(p, { axis })
  const sorted = p.takeAlong(byPlace, axis)
  const part = (range: Range): Tensor => sorted.slice(...sorted.shape.map((_, a): Range => (a === axis ? range : [])))
  const ends = part([1, null]).notEqual(part([0, sorted.shape[axis] - 1]))
  const last = ones(
    sorted.shape.map((extent, a) => (a === axis ? 1 : extent)),
    'bool',
  )
  return { places: sorted, values: v.takeAlong(byPlace, axis), isLast: concat([ends, last], axis) }
}
