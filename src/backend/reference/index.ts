// The reference backend: plain TypeScript that evaluates graph nodes by their meanings, slow and obvious; the living definition.

import { allocate, type DataArray, type DType, dtypes } from '../../graph/dtype.ts'
import {
  type ControlName,
  isControl,
  isOp,
  type NdArray,
  type Node,
  type PointwiseName,
  type PointwiseRecord,
} from '../../graph/node.ts'
import { ops } from '../../graph/ops/index.ts'
import { sizeOf } from '../../graph/shape.ts'
import { topologicalOrder } from '../../graph/walk.ts'
import { evaluator } from '../../scalar/evaluate.ts'
import { argument } from '../../scalar/expr.ts'
import type { GraphBackend, Storage } from '../backend.ts'
import { type ControlMeaning, controlMeanings, type Meaning, meanings, type StructuralName } from './meanings.ts'

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
      const known = (node: Node): NdArray | undefined => {
        const stored = isOp(node, 'leaf') ? leaf(node) : undefined
        return stored && { ...node, data: read(stored, node.dtype, sizeOf(node.shape)) }
      }
      return evaluateGraph(outputs, known).map(({ data }) => {
        const copy = data.slice()
        return { bytes: copy.byteLength, data: copy } as ReferenceStorage
      })
    },
  }
}

function read(storage: Storage, dtype: DType, length: number): DataArray {
  const data = dataOf(storage)
  return data instanceof dtypes[dtype].array ? data : new dtypes[dtype].array(data.buffer, data.byteOffset, length)
}

/** The values of nodes, down to those whose value is `known`. */
export function evaluateGraph(outputs: readonly Node[], known: (node: Node) => NdArray | undefined): NdArray[] {
  const values = new Map<Node, NdArray>()
  const results = new Map<Node, readonly NdArray[]>()
  const ends = (node: Node): boolean => {
    const value = values.get(node) ?? known(node)
    if (value) values.set(node, value)
    return value !== undefined
  }
  for (const node of topologicalOrder(outputs, ends)) {
    if (values.has(node)) continue
    const inputs = node.inputs.map((x) => values.get(x) as NdArray)
    if (isControl(node)) results.set(node, evaluateControl(node, inputs))
    else if (isOp(node, 'part')) values.set(node, results.get(node.inputs[0])?.[node.attributes.index] as NdArray)
    else values.set(node, { shape: node.shape, dtype: node.dtype, data: evaluateNode(node, inputs) })
  }
  return outputs.map((o) => values.get(o) as NdArray)
}

/** The results of one operation that holds subgraphs. */
function evaluateControl(node: Node<ControlName>, inputs: readonly NdArray[]): readonly NdArray[] {
  const meaning = controlMeanings[node.op] as ControlMeaning<ControlName>
  return meaning(inputs, node, ({ parameters, outputs }, args) => {
    const given = new Map(parameters.map((p, i) => [p, args[i] as NdArray] as const))
    return evaluateGraph(outputs, (x) => given.get(x))
  })
}

/** The value of one node from the values of its inputs. */
export function evaluateNode(node: Node, inputs: readonly NdArray[]): DataArray {
  const { op } = node
  if (op in meanings)
    return (meanings[op as StructuralName] as Meaning<StructuralName>)(inputs, node as Node<StructuralName>)
  const { scalar } = ops[op] as PointwiseRecord<PointwiseName>
  const symbols = inputs.map((x, i) => argument(dtypes[x.dtype].scalar, i))
  const f = evaluator(scalar(symbols, node as Node<PointwiseName>))
  const out = allocate(node.dtype, sizeOf(node.shape))
  const args = new Array<number>(inputs.length).fill(0)
  for (let i = 0; i < out.length; i++) {
    for (let k = 0; k < inputs.length; k++) args[k] = (inputs[k] as NdArray).data[i] as number
    out[i] = f(args)
  }
  return out
}
