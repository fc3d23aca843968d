// regionBound(widths, inputs): how many linear regions a ReLU network of these widths can have.

import { checkWhole } from '../graph/check.ts'
import type { Dims } from '../graph/shape.ts'

/**
 * How many linear regions a ReLU network of layers of the given widths can have at least, at its best (Montúfar et al.
 * 2014); for one layer it is also the most that it can have (Zaslavsky 1975): Σ C(n, j) for j up to the number of inputs.
 *
 *     regionBound([8], 2) // 37 with eight units in one layer
 *     regionBound([4, 4], 2) // 44 in two
 */
export function regionBound(widths: Dims, inputs: number): number {
  for (const width of widths) checkWhole('regionBound', { width })
  checkWhole('regionBound', { inputs })
  if (widths.length === 0) return 1
  let arrangements = 0
  let choose = 1
  const last = widths[widths.length - 1]
  for (let j = 0; j <= Math.min(inputs, last); j++) {
    arrangements += choose
    choose = (choose * (last - j)) / (j + 1)
  }
  return widths.slice(0, -1).reduce((n, width) => n * Math.floor(width / inputs) ** inputs, arrangements)
}
