// Kernels assembled by hand, so that the engine is tested apart from the emitters.

import { type FunctionBuilder, ModuleBuilder } from '../../src/backend/wasm/assembler.ts'
import type { Engine } from '../../src/backend/wasm/engine.ts'
import { importEngine } from '../../src/backend/wasm/engine-module.ts'
import type { CompiledKernel, KernelCache } from '../../src/backend/wasm/kernels.ts'
import { kernelParams } from '../../src/backend/wasm/layout.ts'
import { LoadedProgram } from '../../src/backend/wasm/load.ts'
import type { LoopKernel, LoopLaunch } from '../../src/kernel/loop.ts'
import type { BufferPlace, Program } from '../../src/kernel/program.ts'

type Body = (f: FunctionBuilder, i: number) => void

/** out[i] = 3·in[i] + 1 in int32. */
export const triple: Body = (f, i) => {
  const address = (word: number): FunctionBuilder =>
    f
      .get(0)
      .memory('i32.load', 4 * word)
      .get(i)
      .i32(2)
      .op('i32.shl')
      .op('i32.add')
  address(2)
  address(1).memory('i32.load').i32(3).op('i32.mul').i32(1).op('i32.add').memory('i32.store')
}

/** Traps at iteration 500. */
export const trap: Body = (f, i) => {
  f.get(i)
    .i32(500)
    .op('i32.eq')
    .if(() => f.op('unreachable'))
}

/** A map from access 0 to access 1, as far as its args block is concerned. */
const shape: LoopKernel = {
  kind: 'loop',
  parallel: 1,
  reduce: 0,
  vector: 0,
  accesses: [
    { dtype: 'int32', strides: ['unit'], bounded: [false], fill: 0 },
    { dtype: 'int32', strides: ['unit'], bounded: [false], fill: 0 },
  ],
  stages: [],
}

/** Compiles each body as a loop kernel, in a module of its own. */
export function handMade(engine: Engine, bodies: readonly Body[]): Pick<KernelCache, 'compile'> {
  const compiled = bodies.map((body): CompiledKernel => {
    const module = new ModuleBuilder()
    const base = importEngine(module, engine.memory.shared)
    const f = module.function(undefined, kernelParams)
    const i = f.local('i32')
    f.range(
      i,
      () => f.get(1),
      2,
      1,
      () => body(f, i),
    )
    module.element(base, [f])
    const index = engine.addModule(module.build(), 1)
    return { kind: 'loop', kernel: shape, loop: { index, cost: 1, callerOnly: false } }
  })
  return { compile: () => compiled }
}

/** Loads a program whose phase p runs kernel `phases[p].kernel` on elements of buffer `from`, into buffer `to`. */
export function load(
  engine: Engine,
  kernels: Pick<KernelCache, 'compile'>,
  buffers: readonly BufferPlace[],
  phases: readonly { readonly kernel: number; readonly from: number; readonly to: number; readonly length: number }[],
  grain = 1000,
): LoadedProgram {
  const access = (buffer: number): LoopLaunch['accesses'][number] => ({
    buffer,
    offset: 0,
    strides: [1],
    low: [0],
    high: [0],
    indirectStride: 0,
    indirectExtent: 0,
  })
  const program: Program = {
    kernels: [],
    buffers,
    tables: [],
    steps: phases.map(({ kernel, from, to, length }) => ({
      kind: 'phase',
      launches: [
        { kind: 'loop', kernel, extents: [length], accesses: [access(from), access(to)], total: length, grain },
      ],
    })),
    arenaBytes: Math.max(0, ...buffers.map((b) => (b.kind === 'arena' ? b.offset + b.bytes : 0))),
    bindings: buffers.reduce((count, b) => (b.kind === 'binding' ? Math.max(count, b.slot + 1) : count), 0),
  }
  return new LoadedProgram(engine, { compile: (p) => kernels.compile(p.kernels) }, program)
}
