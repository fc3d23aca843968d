// Differences and sums of neighbours: discrete derivatives and integrals.

import { checkFinite, checkWhole } from '../graph/check.ts'
import { misfit } from '../graph/refuse.ts'
import { normalizeAxis, type Range, show } from '../graph/shape.ts'
import { withBroadcasting } from './runtime.ts'
import type { Tensor } from './tensor.ts'

/** Each element less the one before it along an axis, `times` times over; the axis is `times` shorter, as NumPy's `diff`. */
export function diff(x: Tensor, times = 1, axis = -1): Tensor {
  checkWhole('diff', { times }, 0)
  const at = normalizeAxis(axis, x.rank, 'diff')
  return times === 0 ? x : diff(next(x, at).sub(previous(x, at)), times - 1, at)
}

/**
 * The integral by the trapezoidal rule along an axis, of values `spacing` apart (1 unless told), or at the places that a tensor
 * [values] gives.
 *
 *     trapezoid(tensor([1, 1, 3]), tensor([0, 2, 3])) // 2 + 2
 */
export function trapezoid(y: Tensor, spacing: number | Tensor = 1, axis = -1): Tensor {
  const at = normalizeAxis(axis, y.rank, 'trapezoid')
  const pairs = next(y, at).add(previous(y, at))
  if (typeof spacing === 'number') {
    checkFinite('trapezoid', { spacing })
    return pairs.mul(spacing / 2).sum(at)
  }
  const [count] = spacing.shape
  if (spacing.rank !== 1 || count !== y.shape[at])
    throw misfit(
      `trapezoid: values ${show(y.shape)} at places ${show(spacing.shape)}: expected [${y.shape[at]}], one for each along axis ${at}`,
    )
  const width = diff(spacing).reshape(pairs.shape.map((extent, a) => (a === at ? extent : 1)))
  return withBroadcasting('numpy', () => pairs.mul(width).div(2)).sum(at)
}

const next = (x: Tensor, axis: number): Tensor => part(x, axis, [Math.min(1, x.shape[axis]), null])
const previous = (x: Tensor, axis: number): Tensor => part(x, axis, [0, Math.max(0, x.shape[axis] - 1)])
const part = (x: Tensor, axis: number, range: Range): Tensor =>
  x.slice(...x.shape.map((_, a): Range => (a === axis ? range : [])))
