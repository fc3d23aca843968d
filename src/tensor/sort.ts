// Sorting, ranking and choosing along an axis.

import { build } from '../graph/build.ts'
import { checkProbability } from '../graph/check.ts'
import { isFloat } from '../graph/dtype.ts'
import { misfit } from '../graph/refuse.ts'
import { argsort as argsortRoutine } from '../graph/routines/sort.ts'
import { normalizeAxis, type Range, show } from '../graph/shape.ts'
import { alongLast } from './cumulative.ts'
import { type Tensor, wrap } from './tensor.ts'

export interface SortOptions {
  /** The last one unless told. */
  readonly axis?: number
  /** Largest first; false unless told. */
  readonly descending?: boolean
}

/** The positions of the elements in sorted order, int32; equal elements keep their order, NaN counts as the largest. */
export function argsort(x: Tensor, options: SortOptions = {}): Tensor {
  const { axis = -1, descending = false } = options
  const at = normalizeAxis(axis, x.rank, 'argsort')
  return alongLast(x, at, (last) =>
    wrap(build.node('routine', [last.node], { routine: argsortRoutine, parameters: [descending ? 1 : 0] })),
  )
}

/** The elements in sorted order along an axis; gradients go back to where they came from. */
export function sort(x: Tensor, options: SortOptions = {}): Tensor {
  return x.takeAlong(argsort(x, options), options.axis ?? -1)
}

/**
 * The k largest elements along an axis, largest first, and their positions, int32. With `smallest`, the smallest. Throws
 * when the axis has fewer than k.
 */
export function topK(
  x: Tensor,
  k: number,
  options: { readonly axis?: number; readonly smallest?: boolean } = {},
): { values: Tensor; indices: Tensor } {
  const { axis = -1, smallest = false } = options
  const at = normalizeAxis(axis, x.rank, 'topK')
  const extent = x.shape[at] as number
  if (!Number.isInteger(k) || k < 0 || k > extent)
    throw misfit(
      `topK: k is ${k}, it must be a whole number from 0 to ${extent}, the extent of axis ${axis} of ${show(x.shape)}`,
    )
  const order = argsort(x, { axis: at, descending: !smallest })
  const indices = order.slice(...x.shape.map((_, a): Range => (a === at ? [0, k] : [])))
  return { values: x.takeAlong(indices, at), indices }
}

export interface QuantileOptions {
  /** All elements unless told. */
  readonly axis?: number
  /** Whether the axis stays, with extent 1; false unless told. */
  readonly keepAxes?: boolean
}

/**
 * The value below which the share q of the elements lies, along an axis or of all: between two elements by linear
 * interpolation, as NumPy's default. NaN where there is a NaN. Integers are taken as float32. Throws on a q outside [0, 1]
 * and on an axis without elements.
 *
 *     quantile(tensor([1, 2, 3, 4]), 0.25) // 1.75
 */
export function quantile(x: Tensor, q: number, { axis, keepAxes = false }: QuantileOptions = {}): Tensor {
  checkProbability('quantile', q, 'q')
  if (axis === undefined) {
    const all = quantile(x.reshape([-1]), q, { axis: 0 })
    return keepAxes ? all.reshape(x.shape.map(() => 1)) : all
  }
  const at = normalizeAxis(axis, x.rank, 'quantile')
  const extent = x.shape[at] as number
  if (extent === 0)
    throw misfit(`quantile: axis ${axis} of ${show(x.shape)} has no elements: there is no value to give`)
  const sorted = sort(isFloat(x.dtype) ? x : x.cast('float32'), { axis: at })
  const element = (i: number): Tensor => sorted.slice(...x.shape.map((_, a): Range => (a === at ? [i, i + 1] : [])))
  const place = q * (extent - 1)
  const [below, share] = [Math.floor(place), place % 1]
  const value =
    share === 0
      ? element(below)
      : element(below)
          .mul(1 - share)
          .add(element(below + 1).mul(share))
  const last = element(extent - 1)
  const found = last.isNaN().where(last, value)
  return keepAxes ? found : found.squeeze(at)
}

/** The middle element, or the mean of the two middle ones, along an axis or of all; NaN where there is a NaN. */
export function median(x: Tensor, options: QuantileOptions = {}): Tensor {
  return quantile(x, 0.5, options)
}
