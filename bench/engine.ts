// Speed of the WASM engine alone: matrix products by size and shape, and what it costs to start, to call and to hand work over.
// Run: npx tsx --conditions=tenon-source bench/engine.ts [threads…]

import { cpus } from 'node:os'
import { createWasmBackend, type WasmBackend } from '../src/backend/wasm/index.ts'
import type { LoopKernel, LoopLaunch } from '../src/kernel/loop.ts'
import type { Program } from '../src/kernel/program.ts'
import { add, constant, load } from '../src/scalar/expr.ts'
import { contractProgram, matrices, type Product } from '../test/wasm/contract-program.ts'
import { floats } from '../test/wasm/random.ts'

const threadCounts = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [1, 2]
const shapes: readonly (readonly [string, Product])[] = [
  ...[256, 512, 1024, 2048].map((n) => [`${n} cubed`, matrices(1, n, n, n)] as const),
  ['1000 cubed', matrices(1, 1000, 1000, 1000)],
  ['1024 cubed, left transposed', matrices(1, 1024, 1024, 1024, { left: true })],
  ['1024 cubed, right transposed', matrices(1, 1024, 1024, 1024, { right: true })],
  ['128 x 784 x 256', matrices(1, 128, 256, 784)],
  ['128 x 256 x 10', matrices(1, 128, 10, 256)],
  ['48 batches of 64 x 32 x 64', matrices(48, 64, 64, 32)],
  ['4096 x 64 x 64', matrices(1, 4096, 64, 64)],
  ['64 x 4096 x 64', matrices(1, 64, 64, 4096)],
  ['1 x 1024 x 1024', matrices(1, 1, 1024, 1024)],
  ['77 x 333 x 131', matrices(1, 77, 131, 333)],
]

console.log(`${cpus()[0]?.model}, Node ${process.version}`)
for (const threads of threadCounts) {
  const started = performance.now()
  const backend = createWasmBackend({ threads })
  const created = performance.now()
  console.log(
    `\n${threads} threads, ${backend.relaxedMadd ? 'madd' : 'mul + add'}; created in ${(created - started).toFixed(1)} ms`,
  )
  if (threads === threadCounts[0]) firstProduct(backend)
  await backend.ready()
  for (const [name, product] of shapes) gemm(backend, name, product)
  calls(backend)
  backend.terminate()
}

function storages(backend: WasmBackend, product: Product): ReturnType<WasmBackend['allocate']>[] {
  const { batch, m, n, leftLength, rightLength } = product
  const [left, right, output] = [leftLength, rightLength, batch * m * n].map((length) => backend.allocate(4 * length))
  backend.upload(left, floats(leftLength, 1))
  backend.upload(right, floats(rightLength, 2))
  return [left, right, output]
}

function flops({ batch, m, n, k }: Product): number {
  return 2 * batch * m * n * k
}

function rate(product: Product, milliseconds: number): string {
  return `${(flops(product) / milliseconds / 1e6).toFixed(1).padStart(6)} GFLOP/s`
}

/** In a fresh process: V8 starts with its baseline compiler. */
function firstProduct(backend: WasmBackend): void {
  const product = matrices(1, 1024, 1024, 1024)
  const bindings = storages(backend, product)
  const before = performance.now()
  const program = backend.load(contractProgram(product))
  const loaded = performance.now()
  const times = Array.from({ length: 3 }, () => timed(() => program.run(bindings)))
  console.log(
    `first 1024 cubed: load ${(loaded - before).toFixed(1)} ms, then ${times.map((t) => rate(product, t)).join(', ')}`,
  )
  program.release()
  for (const storage of bindings) backend.release(storage)
}

function gemm(backend: WasmBackend, name: string, product: Product): void {
  const bindings = storages(backend, product)
  const program = backend.load(contractProgram(product))
  const repeats = Math.max(5, Math.min(1000, Math.round(2e9 / flops(product))))
  for (let i = 0; i < repeats; i++) program.run(bindings)
  const times = Array.from({ length: repeats }, () => timed(() => program.run(bindings))).sort((a, b) => a - b)
  console.log(`${name.padEnd(30)} best ${rate(product, times[0])}, median ${rate(product, times[repeats >> 1])}`)
  program.release()
  for (const storage of bindings) backend.release(storage)
}

function calls(backend: WasmBackend): void {
  const storage = backend.allocate(4 * 2 ** 20)
  const other = backend.allocate(4 * 2 ** 20)
  const nanoseconds = (count: number, action: () => void): string => {
    for (let i = 0; i < count; i++) action()
    return `${((1e6 * timed(() => repeat(count, action))) / count).toFixed(0)} ns`
  }
  const one = backend.load(increments(1, 4, 4))
  const twenty = backend.load(increments(20, 4, 4))
  console.log(`a call of one tiny kernel: ${nanoseconds(200_000, () => one.run([storage]))}`)
  let turn = 0
  console.log(
    `the same with another binding each time: ${nanoseconds(200_000, () => one.run([turn++ & 1 ? storage : other]))}`,
  )
  console.log(`a call of twenty: ${nanoseconds(100_000, () => twenty.run([storage]))}`)
  const shared = backend.load(increments(1, 2 ** 16, 2 ** 15))
  console.log(`one kernel of 65,536 elements in two chunks: ${nanoseconds(5000, () => shared.run([storage]))}`)
}

/** Phases that add one to the first `length` elements of the binding. */
function increments(phases: number, length: number, grain: number): Program {
  const access = { dtype: 'float32', strides: ['unit'], bounded: [false], fill: 0 } as const
  const kernel: LoopKernel = {
    kind: 'loop',
    parallel: 1,
    reduce: 0,
    vector: 0,
    accesses: [access, access],
    stages: [
      {
        loop: false,
        reductions: [],
        stores: [{ access: 1, value: add(load('f32', 0), constant('f32', 1)), mode: 'set' }],
      },
    ],
  }
  const use = { buffer: 0, offset: 0, strides: [1], low: [0], high: [0], indirectStride: 0, indirectExtent: 0 }
  const launch: LoopLaunch = { kind: 'loop', kernel: 0, extents: [length], accesses: [use, use], total: length, grain }
  return {
    kernels: [kernel],
    buffers: [{ kind: 'binding', slot: 0, bytes: 4 * length }],
    tables: [],
    steps: Array.from({ length: phases }, () => ({ kind: 'phase' as const, launches: [launch] })),
    arenaBytes: 0,
    bindings: 1,
  }
}

function repeat(count: number, action: () => void): void {
  for (let i = 0; i < count; i++) action()
}

function timed(action: () => void): number {
  const start = performance.now()
  action()
  return performance.now() - start
}
