/** The value of a node by the records of its operations, whatever backend is in use. */

import { evaluateNode } from '../../src/backend/reference/index.ts'
import type { DataArray } from '../../src/graph/dtype.ts'
import type { NdArray, Node } from '../../src/graph/node.ts'
import { topologicalOrder } from '../../src/graph/walk.ts'
import { Tensor } from '../../src/tensor/index.ts'

export function evaluateByRecords(output: Node): DataArray {
  const values = new Map<Node, NdArray>()
  for (const node of topologicalOrder([output])) {
    const inputs = node.inputs.map((x) => values.get(x) as NdArray)
    const data = node.op === 'leaf' ? new Tensor(node).dataSync() : evaluateNode(node, inputs)
    values.set(node, { shape: node.shape, dtype: node.dtype, data })
  }
  return (values.get(output) as NdArray).data
}
