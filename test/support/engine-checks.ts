/** What must hold of an engine beside its values: the same bits whatever ran between, on any number of threads, in place; and no new code for another batch. */

import { compile, configure, stack, type Tensor, Variable, vmap } from '../../src/tensor/index.ts'
import type { Check, Data } from './graph-checks.ts'
import { type Limits, leavesOf, outputsOf, type RandomGraph, small } from './random-graph.ts'

/** As text: every NaN is the same number, and zeros have signs. */
export const bitsOf = (data: Data): string => {
  if (data.some(Number.isNaN)) return Array.from(data, (v) => (Object.is(v, -0) ? '-0' : v)).join()
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength).join()
}
const allBits = (tensors: readonly Tensor[]): string[] => tensors.map((t) => bitsOf(t.dataSync()))

/** The graph's outputs as the backend in use computes them. */
export const compiledBits = (graph: RandomGraph, limits: Limits = small): string =>
  allBits(compile((...given: Tensor[]) => outputsOf(graph, given, limits))(...leavesOf(graph))).join('|')

/** After other numbers, and after so many runs that a small program becomes one function without loops, the bits are what they were. */
export const checkAgain: Check = (graph) => {
  const f = compile((...given: Tensor[]) => outputsOf(graph, given))
  const [inputs, others] = [leavesOf(graph), leavesOf(graph, 1)]
  const first = allBits(f(...inputs))
  const other = allBits(f(...others))
  f.repeat(often, ...inputs)
  const found = [allBits(f(...inputs)), allBits(f(...others))]
  return [first, other].some((bits, i) => bits.join('|') !== found[i].join('|'))
    ? `again: bits differ, ${firstDifference([...first, ...other], found.flat())}`
    : undefined
}
const often = 110

const firstDifference = (was: readonly string[], is: readonly string[]): string => {
  const at = was.findIndex((bits, i) => bits !== is[i])
  return `output ${at}: ${was[at]?.slice(0, 200)} became ${is[at]?.slice(0, 200)}`
}

/**
 * Variables that a compiled function assigns to have, when it ends, what it gave or change places; who read them before
 * keeps what was read. Without stable forms, of which there are others where a value is assigned.
 */
export const checkAssign: Check = (graph) => {
  configure({ stabilize: false })
  try {
    return assigning(graph)
  } finally {
    configure({ stabilize: true })
  }
}

function assigning(graph: RandomGraph): string | undefined {
  const variables = leavesOf(graph).map((t) => new Variable(t.dataSync().slice(), t.shape, t.dtype))
  const step = (assigns: boolean) =>
    compile(() => {
      const outputs = outputsOf(graph, variables)
      if (!assigns) return outputs
      const values = assigned(variables, outputs, [...outputs, ...variables.map((v) => v.detach())])
      for (const [i, v] of variables.entries()) v.assign(values[i])
      return outputs
    })
  const [pure, inPlace] = [step(false), step(true)]
  for (let turn = 0; turn < 3; turn++) {
    const wanted = allBits(pure())
    const before = allBits(variables)
    const read = variables.map((v) => v.reshape([v.size]))
    const outputs = inPlace()
    const bits = allBits(outputs)
    if (bits.join('|') !== wanted.join('|'))
      return `assign, turn ${turn}: the outputs are others, ${firstDifference(wanted, bits)}`
    const values = assigned(variables, outputs, [...bits, ...before])
    const found = allBits(variables)
    if (found.join('|') !== values.join('|'))
      return `assign, turn ${turn}: variables are not what they were assigned, ${firstDifference(values, found)}`
    if (before.join('|') !== allBits(read).join('|'))
      return `assign, turn ${turn}: a value that was read before became another one`
  }
  return undefined
}

/** Of values, those of the outputs and then of the variables: for each variable that of the first output of its kind that no other takes, else of the next variable. */
function assigned<T>(variables: readonly Tensor[], outputs: readonly Tensor[], values: readonly T[]): T[] {
  const kind = (t: Tensor): string => `${t.dtype} ${t.shape}`
  const free = outputs.map(kind)
  const own = variables.map((v) => {
    const at = free.indexOf(kind(v))
    free[at] = ''
    return at
  })
  return variables.map((v, i) => {
    if (own[i] >= 0) return values[own[i]]
    const alike = variables.flatMap((other, k) => (own[k] < 0 && kind(other) === kind(v) ? [k] : []))
    return values[outputs.length + alike[(alike.indexOf(i) + 1) % alike.length]]
  })
}

/** A number of examples between two others compiles nothing (beyond a size a product is another kind of kernel): on wasm, where code is a module. */
export const checkBatchSizes: Check = (graph) => {
  const plain = { ...graph, gradient: false }
  const examples = [0, 1, 2].map((variant) => leavesOf(plain, variant))
  if (examples[0].length === 0) return undefined
  const of = (count: number): Tensor[] =>
    examples[0].map((_, i) => stack(Array.from({ length: count }, (_, k) => examples[k % 3][i])))
  const f = compile((...given: Tensor[]) => vmap((...one: Tensor[]) => outputsOf(plain, one))(...given))
  const run = (count: number): void => {
    for (const t of f(...of(count))) t.dataSync()
  }
  run(24)
  run(28)
  const made = modulesMade(() => run(26))
  return made > 0 ? `another batch size made ${made} WebAssembly modules` : undefined
}

/** How many WebAssembly modules are compiled meanwhile. */
export function modulesMade(run: () => void): number {
  const { Module } = WebAssembly
  let made = 0
  WebAssembly.Module = new Proxy(Module, {
    construct(target, args) {
      made++
      return Reflect.construct(target, args)
    },
  })
  try {
    run()
  } finally {
    WebAssembly.Module = Module
  }
  return made
}
