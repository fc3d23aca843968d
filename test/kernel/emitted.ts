// Runs emitted kernel functions in a WebAssembly instance of their own, without the engine.

import { type FunctionBuilder, ModuleBuilder } from '../../src/backend/wasm/assembler.ts'
import { emitLoop } from '../../src/backend/wasm/emit-loop.ts'
import { type EmitEnvironment, loopLayout } from '../../src/backend/wasm/layout.ts'
import { type DataArray, dtypes } from '../../src/graph/dtype.ts'
import type { LoopKernel, LoopLaunch } from '../../src/kernel/loop.ts'
import type { FunctionName } from '../../src/scalar/expr.ts'
import { math } from '../../src/scalar/math.ts'

const binary: readonly FunctionName[] = ['pow', 'atan2']

export interface Instance {
  readonly memory: WebAssembly.Memory
  readonly functions: ((...args: number[]) => void)[]
}

/** A module with the functions that `emit` adds. */
export function instantiate(
  emit: (module: ModuleBuilder, env: EmitEnvironment) => FunctionBuilder[],
  pages = 256,
  relaxedMadd = false,
): Instance {
  const module = new ModuleBuilder()
  module.importMemory('e', 'm', 65536, true)
  module.importTable('e', 't', 1)
  const base = module.importGlobal('e', 'base')
  const names = Object.keys(math) as FunctionName[]
  const imports = new Map(
    names.map((name) => [
      name,
      module.importFunction('math', name, binary.includes(name) ? ['f64', 'f64'] : ['f64'], ['f64']),
    ]),
  )
  const env: EmitEnvironment = { relaxedMadd, math: (name) => imports.get(name) ?? -1 }
  const functions = emit(module, env)
  module.element(base, functions)
  const memory = new WebAssembly.Memory({ initial: pages, maximum: 65536, shared: true })
  const table = new WebAssembly.Table({ initial: functions.length, element: 'anyfunc' })
  const base0 = new WebAssembly.Global({ value: 'i32', mutable: false }, 0)
  new WebAssembly.Instance(new WebAssembly.Module(module.build()), { e: { m: memory, t: table, base: base0 }, math })
  return { memory, functions: functions.map((_, i) => table.get(i)) }
}

export const slack = 64

/** Copies buffers into the memory, with the slack that vector loads may touch filled with a pattern; returns their addresses. */
export function place(
  memory: WebAssembly.Memory,
  buffers: readonly DataArray[],
  from: number,
): { addresses: number[]; end: number } {
  let at = from
  const addresses: number[] = []
  for (const buffer of buffers) {
    new Uint8Array(memory.buffer, at, slack).fill(0xff)
    at += slack
    const bytes = new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
    new Uint8Array(memory.buffer, at, bytes.length).set(bytes)
    addresses.push(at)
    at += (bytes.length + 63) & -64
    new Uint8Array(memory.buffer, addresses.at(-1) ?? 0)
      .subarray(bytes.length, ((bytes.length + 63) & -64) + slack)
      .fill(0xff)
    at += slack
  }
  return { addresses, end: at }
}

/** Writes the args block of a loop launch. */
export function loopArgs(kernel: LoopKernel, launch: LoopLaunch, addresses: readonly number[]): Int32Array {
  const layout = loopLayout(kernel)
  const words = new Int32Array(layout.words)
  launch.extents.forEach((n, axis) => {
    words[layout.extents[axis]] = n
  })
  layout.accesses.forEach((a, i) => {
    const { bytes } = dtypes[kernel.accesses[i].dtype]
    const given = launch.accesses[i]
    words[a.address] = addresses[given.buffer] + given.offset * bytes
    a.strides.forEach((word, axis) => {
      if (word >= 0) words[word] = given.strides[axis] * bytes
    })
    a.low.forEach((word, axis) => {
      if (word >= 0) words[word] = given.low[axis]
    })
    a.high.forEach((word, axis) => {
      if (word >= 0) words[word] = given.high[axis]
    })
    if (a.indirectStride >= 0) words[a.indirectStride] = given.indirectStride * bytes
    if (a.indirectExtent >= 0) words[a.indirectExtent] = given.indirectExtent
  })
  return words
}

/** A function that runs a launch, cut at given iterations, on copies of the buffers, and returns what they hold afterwards. */
export function runner(
  kernel: LoopKernel,
  launch: LoopLaunch,
  buffers: readonly DataArray[],
  relaxedMadd = false,
): (cuts: readonly number[]) => DataArray[] {
  const { memory, functions } = instantiate((module, env) => [emitLoop(module, kernel, env)], 256, relaxedMadd)
  return (cuts) => runOn(memory, functions[0], kernel, launch, buffers, cuts)
}

/** Runs it on a memory, cut at given iterations. */
export function runOn(
  memory: WebAssembly.Memory,
  run: (...args: number[]) => void,
  kernel: LoopKernel,
  launch: LoopLaunch,
  buffers: readonly DataArray[],
  cuts: readonly number[],
): DataArray[] {
  const { addresses, end } = place(memory, buffers, 4096)
  new Uint8Array(memory.buffer, 0, 4096).fill(0)
  const args = loopArgs(kernel, launch, addresses)
  new Int32Array(memory.buffer, end, args.length).set(args)
  const edges = [0, ...cuts, launch.total]
  for (let i = 0; i + 1 < edges.length; i++) run(end, edges[i], edges[i + 1], 0)
  buffers.forEach((buffer, i) => {
    const before = new Uint8Array(memory.buffer, addresses[i] - slack, slack)
    const after = new Uint8Array(memory.buffer, addresses[i] + buffer.byteLength, slack)
    if (before.some((b) => b !== 0xff) || after.some((b) => b !== 0xff)) throw new Error(`buffer ${i}: written outside`)
  })
  return buffers.map((buffer, i) => {
    const copy = buffer.slice()
    new Uint8Array(copy.buffer).set(new Uint8Array(memory.buffer, addresses[i], buffer.byteLength))
    return copy
  })
}
