// From graph to values: prepares a graph for the backend in use, caches what was prepared, and evaluates lazily built values.

import { platform } from '#platform'
import type { KernelBackend, Storage } from '../backend/backend.ts'
import { compileGraph, type Graph } from '../compile/index.ts'
import { describeGraph, describeKernels, describeMemory } from '../compile/print.ts'
import { build } from '../graph/build.ts'
import { allocate, type DataArray } from '../graph/dtype.ts'
import { isOp, type Node } from '../graph/node.ts'
import { sizeOf } from '../graph/shape.ts'
import { mapGraph, topologicalOrder } from '../graph/walk.ts'
import { liftConstants } from '../transform/lift.ts'
import { simplify } from '../transform/simplify.ts'
import { allocateFor, bytesOf, HostData, hostLeaf, sourceOf } from './leaf.ts'
import { nameProgram, recordAsAsked, span } from './record.ts'
import { backend, type Executable, runtime } from './runtime.ts'

/** Prepares a graph: kernel backends compile it, graph backends evaluate its nodes each time. */
export function prepare(graph: Graph, name = 'evaluate'): Executable {
  const on = backend()
  if (on.kind === 'kernels') {
    recordAsAsked(on)
    return span(`compile ${name}`, () => compiled(graph, on, name))
  }
  return {
    run(bindings, times = 1) {
      const position = new Map(graph.leaves.map((leaf, i) => [leaf, i] as const))
      for (let t = 0; t < times; t++) {
        const values = on.evaluate(graph.outputs, (leaf) => bindings[position.get(leaf) as number] as Storage)
        for (const [i, value] of values.entries()) on.copy(value, bindings[graph.leaves.length + i] as Storage)
      }
    },
  }
}

/** Simplifies and compiles; `TENON_DEBUG=graph,kernels,memory` prints each stage on standard error. */
function compiled(graph: Graph, on: KernelBackend, name: string): Executable {
  const simple = span('simplify', () => simplify(graph.outputs))
  const numbers = new Map<string, Node<'leaf'>>()
  const { outputs, leaves } = liftConstants(simple, (value, { dtype }) => {
    const key = `${dtype} ${value}`
    const leaf = numbers.get(key) ?? hostLeaf(allocate(dtype, 1).fill(value), [], dtype)
    numbers.set(key, leaf)
    return leaf
  })
  const program = span('group and lower', () =>
    compileGraph({ ...graph, leaves: [...graph.leaves, ...leaves], outputs }),
  )
  nameProgram(program, name)
  const wanted = platform.environment('TENON_DEBUG')?.split(',') ?? []
  const print = (stage: string, text: () => string): void => {
    if (wanted.includes(stage)) console.error(`--- ${stage}\n${text()}`)
  }
  print('graph', () => `${describeGraph(graph.outputs)}\n--- graph, simplified\n${describeGraph(simple)}`)
  print('kernels', () => describeKernels(program))
  print('memory', () => describeMemory(program))
  const loaded = span('emit and load', () => on.load(program))
  if (leaves.length === 0) return loaded

  // Between the caller's leaves and its outputs stand the numbers, which stay where they are.
  const own = leaves.map((leaf) => sourceOf(leaf).storage())
  const before = graph.leaves.length
  const full: Storage[] = []
  own.forEach((storage, i) => {
    full[before + i] = storage
  })
  return {
    run(bindings, times) {
      for (let i = 0; i < before; i++) full[i] = bindings[i]
      for (let i = before; i < bindings.length; i++) full[i + own.length] = bindings[i]
      loaded.run(full, times)
    },
  }
}

const isValue = (node: Node): boolean => node.value !== undefined || node.op === 'leaf'

/** Where a leaf or an evaluated node lies. */
const storageOf = (node: Node): Storage =>
  (node.value as Storage | undefined) ?? sourceOf(node as Node<'leaf'>).storage()

/** Evaluates nodes together, in one program; afterwards each has a value. */
export function evaluate(nodes: readonly Node[]): void {
  if (runtime.trace) {
    throw new Error(
      'reading a value inside a compiled function: it has none while the function is traced. Return the tensor and read it outside',
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

/** The numbers of a node, evaluated if need be; a copy. */
export function readData(node: Node): DataArray {
  if (node.value === undefined && isOp(node, 'leaf') && node.attributes.source instanceof HostData)
    return node.attributes.source.data.slice()
  evaluate([node])
  return backend().download(storageOf(node), node.dtype, sizeOf(node.shape))
}

/** The numbers of a node that has them already, and can be read now; nothing is evaluated. */
export function knownData(node: Node): DataArray | undefined {
  if (isOp(node, 'constant')) return allocate(node.dtype, sizeOf(node.shape)).fill(node.attributes.value)
  if (runtime.trace || !isValue(node)) return undefined
  try {
    return readData(node)
  } catch {
    // A variable's old value, or an argument of a compiled function outside of it.
    return undefined
  }
}

/** Equal exactly for graphs of equal structure; leaves are told apart by their order alone. */
function structureKey(order: readonly Node[], outputs: readonly Node[]): string {
  const number = new Map<Node, number>()
  let key = ''
  order.forEach((node, i) => {
    number.set(node, i)
    key += `${node.dtype}[${node.shape.join()}]`
    if (isValue(node)) key += '$;'
    else
      key += `${node.op}(${node.inputs.map((x) => number.get(x)).join()})${node.op === 'custom' ? '' : attributesKey(node)};`
  })
  return `${key}>${outputs.map((n) => number.get(n)).join()}`
}

function attributesKey(node: Node): string {
  if (isOp(node, 'constant')) return Object.is(node.attributes.value, -0) ? '-0' : String(node.attributes.value)
  let key = ''
  for (const value of Object.values(node.attributes)) key += `|${String(value)}`
  return key
}
