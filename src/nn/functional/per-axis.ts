// Options of windows and kernels that may differ by axis.

import { checkWhole } from '../../graph/check.ts'
import { misfit } from '../../graph/refuse.ts'
import { type Dims, show } from '../../graph/shape.ts'

/** One number for all spatial axes, or one for each. */
export type PerAxis = number | Dims

/** A number for each axis. Throws when there are too many or too few, or one is less than `least` or not whole. */
export function perAxis(value: PerAxis, axes: number, what = '', least = 1): Dims {
  const [where, name = 'extents'] = what.split(' ')
  const list = typeof value === 'number' ? new Array<number>(axes).fill(value) : value
  if (list.length !== axes)
    throw misfit(
      `${where ? `${where}: ${name} ` : ''}${show(list)} has ${list.length} numbers for ${axes} spatial axes`,
    )
  if (where) for (const number of list) checkWhole(where, { [name]: number }, least)
  return list
}
