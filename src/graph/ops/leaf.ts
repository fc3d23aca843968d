// Leaves: values that come from outside the graph.

import type { OpTable } from '../node.ts'

export const leafOps: Pick<OpTable, 'leaf'> = {
  leaf: {
    infer: () => {
      throw new TypeError('leaf: made by build.leaf, which gives its shape')
    },
    vjp: () => [],
    meaning: { kind: 'leaf' },
  },
}
