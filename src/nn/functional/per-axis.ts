// Options of windows and kernels that may differ by axis.

import { misfit } from '../../graph/refuse.ts'
import { type Dims, show } from '../../graph/shape.ts'

/** One number for all spatial axes, or one for each. */
export type PerAxis = number | Dims

/** A number for each axis. Throws when there are too many or too few. */
export const perAxis = (value: PerAxis, axes: number): Dims => {
  if (typeof value === 'number') return new Array<number>(axes).fill(value)
  if (value.length !== axes) throw misfit(`${show(value)} has ${value.length} numbers for ${axes} spatial axes`)
  return value
}
