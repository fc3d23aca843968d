// The reference backend: plain TypeScript that evaluates graph nodes by their records, slow and obvious; the living definition.

import { allocate, type DataArray, type DType, dtypes } from '../../graph/dtype.ts'
import type { NdArray, Node, OpName, OpRecord } from '../../graph/node.ts'
import { ops } from '../../graph/ops/index.ts'
import { sizeOf } from '../../graph/shape.ts'
import { topologicalOrder } from '../../graph/walk.ts'
import { evaluator } from '../../scalar/evaluate.ts'
import { argument } from '../../scalar/expr.ts'
import type { GraphBackend, Storage } from '../backend.ts'

interface ReferenceStorage extends Storage {
  data: DataArray
}

const dataOf = (s: Storage): DataArray => (s as ReferenceStorage).data

export function createReferenceBackend(): GraphBackend {
  return {
    kind: 'graph',
    name: 'reference',
    threads: 1,
    threadNote: undefined,
    allocate: (bytes): ReferenceStorage => ({ bytes, data: new Uint8Array(bytes) }),
    release: () => {},
    upload: (storage, data) => {
      ;(storage as ReferenceStorage).data = data.slice()
    },
    download: (storage, dtype, length) => read(storage, dtype, length).slice(),
    copy: (from, to) => {
      ;(to as ReferenceStorage).data = dataOf(from).slice()
    },
    evaluate(outputs, leaf) {
      const values = new Map<Node, NdArray>()
      for (const node of topologicalOrder(outputs, (n) => n.op === 'leaf' || n.value !== undefined)) {
        const known = node.value as Storage | undefined
        const stored = known ?? (node.op === 'leaf' ? leaf(node as Node<'leaf'>) : undefined)
        const data = stored
          ? read(stored, node.dtype, sizeOf(node.shape))
          : evaluateNode(
              node,
              node.inputs.map((x) => values.get(x) as NdArray),
            )
        values.set(node, { shape: node.shape, dtype: node.dtype, data })
      }
      return outputs.map((o) => {
        const data = (values.get(o) as NdArray).data.slice()
        return { bytes: data.byteLength, data } as ReferenceStorage
      })
    },
  }
}

function read(storage: Storage, dtype: DType, length: number): DataArray {
  const data = dataOf(storage)
  return data instanceof dtypes[dtype].array ? data : new dtypes[dtype].array(data.buffer, data.byteOffset, length)
}

/** The value of one node from the values of its inputs. */
export function evaluateNode(node: Node, inputs: readonly NdArray[]): DataArray {
  const { meaning } = ops[node.op] as OpRecord<OpName>
  if (meaning.kind === 'leaf') throw new Error(`${node.op}: has no value of its own`)
  if (meaning.kind === 'structural') return meaning.evaluate(inputs, node)
  const f = evaluator(
    meaning.scalar(
      inputs.map((x, i) => argument(dtypes[x.dtype].scalar, i)),
      node,
    ),
  )
  const out = allocate(node.dtype, sizeOf(node.shape))
  const args = new Array<number>(inputs.length).fill(0)
  for (let i = 0; i < out.length; i++) {
    for (let k = 0; k < inputs.length; k++) args[k] = (inputs[k] as NdArray).data[i] as number
    out[i] = f(args)
  }
  return out
}
