/** The value of a node by the records of its operations, whatever backend is in use. */

import { evaluateGraph } from '../../src/backend/reference/index.ts'
import type { DataArray } from '../../src/graph/dtype.ts'
import type { Node } from '../../src/graph/node.ts'
import { Tensor } from '../../src/tensor/index.ts'

export function evaluateByRecords(output: Node): DataArray {
  const [value] = evaluateGraph([output], (node) =>
    node.op === 'leaf' ? { ...node, data: new Tensor(node).dataSync() } : undefined,
  )
  return value.data
}
