// The operation that runs a routine: an algorithm which brings its own shape rule, meaning and derivative.

import type { OpTable } from '../node.ts'
import { unchanged } from './batch.ts'

export const routineOps: Pick<OpTable, 'routine'> = {
  routine: {
    infer: (inputs, { routine, parameters }) => routine.infer(inputs, parameters),
    vjp: (b, node, g) => {
      const { vjp } = node.attributes.routine
      return vjp === 'none' ? node.inputs.map(() => null) : vjp(b, node, g)
    },
    // Routines work on trailing axes and repeat themselves over leading ones.
    batch: unchanged,
  },
}
