// Leaves: values that come from outside the graph.

import type { OpTable } from '../node.ts'
import { noInputs } from './batch.ts'

export const leafOps: Pick<OpTable, 'leaf'> = {
  leaf: {
    infer: () => {
      throw new TypeError('leaf: made by build.leaf, which gives its shape')
    },
    vjp: () => [],
    batch: noInputs,
  },
}
