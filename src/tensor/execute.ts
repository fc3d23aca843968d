// From graph to values: prepares a graph for the backend in use, caches what was prepared, and evaluates lazily built values.

import type { Arrival, Storage } from '../backend/backend.ts'
import type { Demand } from '../engine/engine.ts'
import { build } from '../graph/build.ts'
import { allocate, type DataArray } from '../graph/dtype.ts'
import type { Graph } from '../graph/graph.ts'
import { extremumOf } from '../graph/movements.ts'
import { changed, isControl, isOp, type Node, type Subgraph } from '../graph/node.ts'
import { sizeOf } from '../graph/shape.ts'
import { subgraphOrder } from '../graph/subgraph.ts'
import { mapGraph, topologicalOrder } from '../graph/walk.ts'
import { joinScans } from '../transform/join-scans.ts'
import { beginUse, Held, isArrival, withRoom } from './held.ts'
import { HostData, sourceOf } from './leaf.ts'
import { span } from './record.ts'
import { backend, type Executable, engineHere, runtime } from './runtime.ts'
import { stabilized } from './stabilized.ts'

/** Prepares a graph for the backend in use. Nothing is rewritten across `assigned` values. */
export function prepare(built: Graph, name = 'evaluate', assigned: readonly Node[] = []): Executable {
  const on = backend()
  // Here, where the nodes are that bodies share: a graph that is posted to another thread has copies of them.
  const graph = { ...built, outputs: joinScans(stabilized(built.outputs, assigned)) }
  const { use } = runtime.residents
  if (on.kind === 'remote') return Object.assign(on.prepare(graph), { bytes: 0, used: use })
  const engine = engineHere()
  if (on.kind === 'kernels') runtime.recorder ??= engine.recordAsAsked(on)
  let demand: Demand = { bytes: 0, largest: 0 }
  const planned = (by: Demand): void => {
    demand = by
  }
  const loaded = span(`compile ${name}`, () =>
    withRoom(
      () => engine.prepare(graph, on, { name, span, planned }),
      () => demand.bytes,
      () =>
        `${name}: the program was not run: its intermediate values need ${gib(demand.bytes)} at once, the largest of them ${gib(demand.largest)}`,
    ),
  )
  return Object.assign(loaded, { bytes: demand.bytes, used: use })
}

const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(2)} GiB`

const isValue = (node: Node): boolean => node.value !== undefined || node.op === 'leaf'

/** Where a leaf or an evaluated node lies. */
export const storageOf = (node: Node): Storage =>
  node.value ? heldOf(node).storage() : sourceOf(node as Node<'leaf'>).storage()

const heldOf = (node: Node): Held => node.value as Held

export const noValueYet =
  'reading a value inside a compiled function, or inside cond, scan or whileLoop: it has none while the function is traced. Return the tensor and read it outside; to branch on it, use where or cond'

/** Evaluates nodes together, in one program; afterwards each has a value. */
export function evaluate(nodes: readonly Node[]): void {
  if (runtime.trace) throw new Error(noValueYet)
  const outputs = [...new Set(nodes)].filter((n) => !isValue(n))
  if (outputs.length === 0) return
  beginUse()
  for (const node of outputs) if (node.depth >= deepHistory) warnOfHistory(node)
  const { order, isGiven } = neededFor(outputs)
  const values = order.filter(isGiven)
  const key = structureKey(order, outputs, isGiven)
  let executable = runtime.executables.get(key)
  if (!executable) {
    const leaves: Node<'leaf'>[] = []
    const pure = mapGraph(
      outputs,
      (node, inputs) => {
        if (!isGiven(node)) return changed(node, { inputs })
        const leaf = build.leaf({}, node.shape, node.dtype)
        leaves.push(leaf)
        return leaf
      },
      isGiven,
    )
    executable = prepare({ leaves, outputs: pure.outputs, aliases: outputs.map(() => -1) })
    keep(key, executable)
  }
  executable.used = runtime.residents.use
  const bindings = values.map(storageOf)
  const results = outputs.map((node) => new Held(node))
  for (const result of results) bindings.push(result.storage())
  executable.run(bindings)
  outputs.forEach((node, i) => {
    node.value = results[i]
    if (node.op === 'stopGradient') Object.assign(node, withoutHistory)
  })
}

/**
 * The nodes that outputs need, and which of them are given: values, but for extrema of what is not given itself. That is computed again, with
 * the extremum, as others ask which of its elements equal it (`extremumOf`).
 */
function neededFor(outputs: readonly Node[]): { order: Node[]; isGiven: (node: Node) => boolean } {
  const order = topologicalOrder(outputs, isValue)
  const extrema = order.filter((node) => isValue(node) && extremumOf(node) !== undefined)
  if (extrema.length === 0) return { order, isGiven: isValue }
  const known = new Set(order)
  const isAgain = (taken: Node | undefined): boolean => taken !== undefined && !isValue(taken) && known.has(taken)
  const again = new Set(extrema.filter((node) => isAgain(extremumOf(node))))
  const isGiven = (node: Node): boolean => isValue(node) && !again.has(node)
  return { order: topologicalOrder(outputs, isGiven), isGiven }
}

/** No gradient looks behind a stop that has its value: what it was computed from need not be kept. */
const withoutHistory: Pick<Node, 'inputs' | 'depth'> = { inputs: [], depth: 0 }

/** Cached programs: how many, and how many bytes their intermediate values may take together. */
const mostPrograms = 256
const mostProgramBytes = 2 ** 29

/** Remembers a program and forgets those that were used longest ago, if there are too many. */
function keep(key: string, executable: Executable): void {
  const { executables } = runtime
  executables.set(key, executable)
  let bytes = 0
  for (const e of executables.values()) bytes += e.bytes
  if (executables.size <= mostPrograms && bytes <= mostProgramBytes) return
  const oldest = [...executables].sort(([, a], [, b]) => a.used - b.used)
  while (oldest.length > 1 && (executables.size > (3 * mostPrograms) / 4 || bytes > mostProgramBytes)) {
    const [old, dropped] = oldest.shift() as [string, Executable]
    if (dropped === executable) continue
    bytes -= dropped.bytes
    executables.delete(old)
    dropped.release()
  }
}

const deepHistory = 10_000

function warnOfHistory({ depth }: Node): void {
  if (runtime.warnedOfHistory) return
  runtime.warnedOfHistory = true
  console.warn(
    `tenon: a value is the last of ${depth} operations in a row, all of which are kept for its gradient: cut the history with detach(), compute in noGrad, or assign to a variable`,
  )
}

/** The numbers of a node, evaluated if need be; a copy. Throws where they come from another thread and have not arrived. */
export function readData(node: Node): DataArray {
  const read = requestData(node)
  const data = isArrival(read) ? read.now() : read
  if (data) return data
  throw new Error(
    'reading at once: in a page the engine works in a worker, and its numbers have yet to arrive. Use `await` with data(), item() or array(); or call configure({ worker: false }) and `await engineInfo()` before anything is computed, so that it works on the page itself, which then stands still meanwhile',
  )
}

/** The same, now or when it has arrived. */
export function readLater(node: Node): DataArray | Promise<DataArray> {
  const read = requestData(node)
  return isArrival(read) ? read.later() : read
}

function requestData(node: Node): DataArray | Arrival {
  if (node.value === undefined && isOp(node, 'leaf')) return sourceOf(node).read()
  evaluate([node])
  const held = heldOf(node)
  const read = held.read()
  // Small values are as good on the host; loops that read losses leave nothing behind.
  if (held.bytes <= smallValue && !isArrival(read)) held.spill()
  return read
}

const smallValue = 1024

/** Gives a value's memory back, unless a variable holds it too. */
export function disposeValue(node: Node): void {
  if (node.value) heldOf(node).dispose()
  else if (isOp(node, 'leaf')) sourceOf(node).dispose?.()
}

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
  isGiven: (node: Node) => boolean = isValue,
  parameters: ReadonlyMap<Node, number> = new Map(),
): string {
  const number = new Map<Node, number>()
  let key = ''
  order.forEach((node, i) => {
    number.set(node, i)
    key += `${node.dtype}[${node.shape.join()}]`
    if (parameters.has(node)) key += `p${parameters.get(node)};`
    else if (isGiven(node)) key += '$;'
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
  const key = `{${structureKey(subgraphOrder(graph), graph.outputs, isValue, numbers)}}`
  subgraphKeys.set(graph, key)
  return key
}

/** Subgraphs are immutable: their keys are remembered as long as they live. */
const subgraphKeys = new WeakMap<Subgraph, string>()
