// The table of all operations: total, so that an operation without a record does not compile.

import type { OpTable } from '../node.ts'
import { contractOps } from './contract.ts'
import { controlOps } from './control.ts'
import { indexingOps } from './indexing.ts'
import { leafOps } from './leaf.ts'
import { movementOps } from './movement.ts'
import { binaryOps, otherPointwiseOps, unaryOps } from './pointwise.ts'
import { reduceOps } from './reduce.ts'
import { routineOps } from './routine.ts'

export const ops: OpTable = {
  ...leafOps,
  ...unaryOps,
  ...binaryOps,
  ...otherPointwiseOps,
  ...movementOps,
  ...reduceOps,
  ...contractOps,
  ...indexingOps,
  ...routineOps,
  ...controlOps,
}
