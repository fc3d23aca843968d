// From graph to executable: kernel backends compile a graph, graph backends evaluate its nodes each time.

import { platform } from '#platform'
import type { DirectBackend, KernelBackend, Loaded, Storage } from '../backend/backend.ts'
import { compileGraph } from '../compile/index.ts'
import { describeGraph, describeKernels, describeMemory } from '../compile/print.ts'
import { build } from '../graph/build.ts'
import { allocate, dtypes } from '../graph/dtype.ts'
import type { Graph } from '../graph/graph.ts'
import type { Node } from '../graph/node.ts'
import { liftConstants } from '../transform/lift.ts'
import { simplify } from '../transform/simplify.ts'
import type { Onlooker } from './engine.ts'

const nobody: Onlooker = { name: 'evaluate', span: (_, f) => f(), planned() {} }

/** Makes a graph ready to run on a backend of this thread. */
export function prepare(graph: Graph, on: DirectBackend, onlooker = nobody): Loaded {
  if (on.kind === 'kernels') return compiled(graph, on, onlooker)
  return {
    run(bindings, times = 1) {
      const position = new Map(graph.leaves.map((leaf, i) => [leaf, i] as const))
      for (let t = 0; t < times; t++) {
        const values = on.evaluate(graph.outputs, (leaf) => bindings[position.get(leaf) as number] as Storage)
        for (const [i, value] of values.entries()) on.copy(value, bindings[graph.leaves.length + i] as Storage)
      }
    },
    release() {},
  }
}

/** Simplifies and compiles; `TENON_DEBUG=graph,kernels,memory` prints each stage on standard error. */
function compiled(graph: Graph, on: KernelBackend, { name, span, planned }: Onlooker): Loaded {
  const simple = span('simplify', () => simplify(graph.outputs))
  const numbers = new Map<string, { value: number; leaf: Node<'leaf'> }>()
  const { outputs, leaves } = liftConstants(simple, (value, { dtype }) => {
    const key = `${dtype} ${value}`
    const number = numbers.get(key) ?? { value, leaf: build.leaf({}, [], dtype) }
    numbers.set(key, number)
    return number.leaf
  })
  const compiled = span('group and lower', () =>
    compileGraph({ ...graph, leaves: [...graph.leaves, ...leaves], outputs }, on),
  )
  const program = { ...compiled, name }
  const { arenaBytes, buffers } = program
  planned({
    bytes: arenaBytes,
    largest: buffers.reduce((most, place) => (place.kind === 'arena' ? Math.max(most, place.bytes) : most), 0),
  })
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
  const numberOf = new Map([...numbers.values()].map(({ value, leaf }) => [leaf, value]))
  const own = leaves.map((leaf) => {
    const storage = on.allocate(dtypes[leaf.dtype].bytes)
    on.upload(storage, allocate(leaf.dtype, 1).fill(numberOf.get(leaf) as number))
    return storage
  })
  const before = graph.leaves.length
  const full: Storage[] = []
  own.forEach((storage, i) => {
    full[before + i] = storage
  })
  return {
    run(bindings, times, unchanged = false) {
      if (!unchanged) {
        for (let i = 0; i < before; i++) full[i] = bindings[i]
        for (let i = before; i < bindings.length; i++) full[i + own.length] = bindings[i]
      }
      loaded.run(full, times, unchanged)
    },
    release() {
      for (const storage of own) on.release(storage)
      loaded.release()
    },
  }
}
