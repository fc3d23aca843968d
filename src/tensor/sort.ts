// Sorting, ranking and choosing along an axis.

import { build } from '../graph/build.ts'
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
    throw new RangeError(
      `topK: k is ${k}, it must be a whole number from 0 to ${extent}, the extent of axis ${axis} of ${show(x.shape)}`,
    )
  const order = argsort(x, { axis: at, descending: !smallest })
  const indices = order.slice(...x.shape.map((_, a): Range => (a === at ? [0, k] : [])))
  return { values: x.takeAlong(indices, at), indices }
}
