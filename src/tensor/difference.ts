// Differences and sums of neighbours: discrete derivatives and integrals.

import { checkWhole } from '../graph/check.ts'
import { normalizeAxis, type Range } from '../graph/shape.ts'
import type { Tensor } from './tensor.ts'

/** Each element less the one before it along an axis, `times` times over; the axis is `times` shorter, as NumPy's `diff`. */
export function diff(x: Tensor, times = 1, axis = -1): Tensor {
  checkWhole('diff', { times }, 0)
  const at = normalizeAxis(axis, x.rank, 'diff')
  return times === 0 ? x : diff(next(x, at).sub(previous(x, at)), times - 1, at)
}

/** The integral by the trapezoidal rule along an axis, of values `spacing` apart (1 unless told). */
export function trapezoid(y: Tensor, spacing = 1, axis = -1): Tensor {
  const at = normalizeAxis(axis, y.rank, 'trapezoid')
  return next(y, at)
    .add(previous(y, at))
    .mul(spacing / 2)
    .sum(at)
}

const next = (x: Tensor, axis: number): Tensor => part(x, axis, [Math.min(1, x.shape[axis]), null])
const previous = (x: Tensor, axis: number): Tensor => part(x, axis, [0, Math.max(0, x.shape[axis] - 1)])
const part = (x: Tensor, axis: number, range: Range): Tensor =>
  x.slice(...x.shape.map((_, a): Range => (a === axis ? range : [])))
