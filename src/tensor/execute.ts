// From graph to values: prepares a graph for the backend in use, caches what was prepared, and evaluates lazily built values.

import type { Arrival, Storage } from '../backend/backend.ts'
import { build } from '../graph/build.ts'
import { allocate, type DataArray } from '../graph/dtype.ts'
import type { Graph } from '../graph/graph.ts'
import { isControl, isOp, type Node, type Subgraph } from '../graph/node.ts'
import { sizeOf } from '../graph/shape.ts'
import { subgraphOrder } from '../graph/subgraph.ts'
import { mapGraph, topologicalOrder } from '../graph/walk.ts'
import { allocateFor, bytesOf, HostData, sourceOf } from './leaf.ts'
import { prepare as prepareHere } from './prepare.ts'
import { nameProgram, recordAsAsked, span } from './record.ts'
import { backend, type Executable, runtime } from './runtime.ts'
import { stabilized } from './stabilized.ts'

/** Prepares a graph for the backend in use. Nothing is rewritten across `assigned` values. */
export function prepare(built: Graph, name = 'evaluate', assigned: readonly Node[] = []): Executable {
  const on = backend()
  const graph = { ...built, outputs: stabilized(built.outputs, assigned) }
  if (on.kind === 'remote') return on.prepare(graph)
  if (on.kind === 'kernels') recordAsAsked(on)
  return span(`compile ${name}`, () => prepareHere(graph, on, { span, made: (program) => nameProgram(program, name) }))
}

const isValue = (node: Node): boolean => node.value !== undefined || node.op === 'leaf'

/** Where a leaf or an evaluated node lies. */
export const storageOf = (node: Node): Storage =>
  (node.value as Storage | undefined) ?? sourceOf(node as Node<'leaf'>).storage()

/** Evaluates nodes together, in one program; afterwards each has a value. */
export function evaluate(nodes: readonly Node[]): void {
  if (runtime.trace) {
    throw new Error(
      'reading a value inside a compiled function, or inside cond, scan or whileLoop: it has none while the function is traced. Return the tensor and read it outside; to branch on it, use where or cond',
    )
  }
  const outputs = [...new Set(nodes)].filter((n) => !isValue(n))
  if (outputs.length === 0) return
  const order = topologicalOrder(outputs, isValue)
  const values = order.filter(isValue)
  const key = structureKey(order, outputs)
  let executable = runtime.executables.get(key)
  if (!executable) {
    const leaves: Node<'leaf'>[] = []
    const pure = mapGraph(
      outputs,
      (node, inputs) => {
        if (!isValue(node)) return inputs.every((x, i) => x === node.inputs[i]) ? node : { ...node, inputs }
        const leaf = build.leaf({}, node.shape, node.dtype)
        leaves.push(leaf)
        return leaf
      },
      isValue,
    )
    executable = prepare({ leaves, outputs: pure.outputs, aliases: outputs.map(() => -1) })
    runtime.executables.set(key, executable)
  }
  const bindings = values.map(storageOf)
  const results = outputs.map((node) => allocateFor(node, bytesOf(node.dtype, node.shape)))
  executable.run([...bindings, ...results])
  outputs.forEach((node, i) => {
    node.value = results[i]
  })
}

/** The numbers of a node, evaluated if need be; a copy. Throws where they come from another thread and have not arrived. */
export function readData(node: Node): DataArray {
  const read = requestData(node)
  const data = isArrival(read) ? read.now() : read
  if (data) return data
  throw new Error(
    'reading at once: in a page the engine works in a worker, and its numbers have yet to arrive. Use `await` with data(), item() or array(); or call configure({ worker: false }) before anything is computed, so that it works on the page itself, which then stands still meanwhile',
  )
}

/** The same, now or when it has arrived. */
export function readLater(node: Node): DataArray | Promise<DataArray> {
  const read = requestData(node)
  return isArrival(read) ? read.later() : read
}

function requestData(node: Node): DataArray | Arrival {
  if (node.value === undefined && isOp(node, 'leaf') && node.attributes.source instanceof HostData)
    return node.attributes.source.data.slice()
  evaluate([node])
  return backend().download(storageOf(node), node.dtype, sizeOf(node.shape))
}

const isArrival = (read: DataArray | Arrival): read is Arrival => 'later' in read

/** The numbers of a node that has them already, and can be read now; nothing is evaluated. */
export function knownData(node: Node): DataArray | undefined {
  if (isOp(node, 'constant')) return allocate(node.dtype, sizeOf(node.shape)).fill(node.attributes.value)
  if (runtime.trace || !isValue(node)) return undefined
  if (isOp(node, 'leaf') && node.attributes.source instanceof HostData) return node.attributes.source.data.slice()
  // Nothing is asked of another thread for it.
  if (backend().kind === 'remote') return undefined
  try {
    return readData(node)
  } catch {
    // A variable's old value, or an argument of a compiled function outside of it.
    return undefined
  }
}

/** Equal exactly for graphs of equal structure; leaves are told apart by their order alone. */
function structureKey(
  order: readonly Node[],
  outputs: readonly Node[],
  parameters: ReadonlyMap<Node, number> = new Map(),
): string {
  const number = new Map<Node, number>()
  let key = ''
  order.forEach((node, i) => {
    number.set(node, i)
    key += `${node.dtype}[${node.shape.join()}]`
    if (parameters.has(node)) key += `p${parameters.get(node)};`
    else if (isValue(node)) key += '$;'
    else
      key += `${node.op}(${node.inputs.map((x) => number.get(x)).join()})${node.op === 'custom' ? '' : attributesKey(node)};`
  })
  return `${key}>${outputs.map((n) => number.get(n)).join()}`
}

function attributesKey(node: Node): string {
  if (isOp(node, 'constant')) return Object.is(node.attributes.value, -0) ? '-0' : String(node.attributes.value)
  let key = ''
  for (const value of Object.values(node.attributes))
    key += `|${isControl(node) && typeof value === 'object' ? subgraphKey(value as Subgraph) : String(value)}`
  return key
}

function subgraphKey(graph: Subgraph): string {
  const known = subgraphKeys.get(graph)
  if (known) return known
  const numbers = new Map(graph.parameters.map((p, i) => [p, i] as const))
  const key = `{${structureKey(subgraphOrder(graph), graph.outputs, numbers)}}`
  subgraphKeys.set(graph, key)
  return key
}

/** Subgraphs are immutable: their keys are remembered as long as they live. */
const subgraphKeys = new WeakMap<Subgraph, string>()
