// Several axes as one.

import { normalizeAxes } from '../../graph/shape.ts'
import type { Tensor } from '../../tensor/index.ts'

/** Keeps the axes before `startAxis`, and after `endAxis`, and makes one of those between. */
export const flatten = (x: Tensor, startAxis = 1, endAxis = -1): Tensor => {
  normalizeAxes([startAxis], x.rank, 'flatten')
  return x.flatten(startAxis, endAxis)
}
