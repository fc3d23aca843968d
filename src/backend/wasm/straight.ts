// Small programs as one function: no run loop, no calls of kernels, no loops in them.

import { launchesOf, type Program } from '../../kernel/program.ts'
import { type FunctionBuilder, ModuleBuilder } from './assembler.ts'
import { type Base, emitStraight, straightCost } from './emit-straight.ts'
import type { Engine } from './engine.ts'
import { importEngine } from './engine-module.ts'
import type { CompiledKernel } from './kernels.ts'
import { kernelParams } from './layout.ts'
import { launchRecord, programRecord, stepRecord } from './records.ts'

/** Operations up to which a program is small: they take half a microsecond. */
const mostOperations = 2500

/** Whether a program can be one function, and is small enough for that to pay. */
export function isSmall(program: Program, kernels: readonly CompiledKernel[]): boolean {
  if (program.steps.some((step) => step.kind !== 'phase')) return false
  let operations = 0
  for (const launch of launchesOf(program.steps)) {
    const kernel = program.kernels.at(launch.kernel)
    const compiled = kernels[launch.kernel]
    if (launch.kind !== 'loop' || kernel?.kind !== 'loop' || compiled.kind !== 'loop') return false
    if (compiled.loop.native !== undefined) return false
    operations += straightCost(kernel, launch)
    if (!(operations <= mostOperations)) return false
  }
  return operations > 0
}

/** A module with the one function, which finds the addresses of the bindings in its args block. */
export function straightModule(program: Program, arena: number, engine: Engine): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder()
  const base = importEngine(module, engine.memory.shared)
  const f = module.function(undefined, kernelParams)
  const bases = program.buffers.map((place): Base => {
    if (place.kind === 'binding') return { local: addressOf(f, place.slot), bytes: 0 }
    return { local: undefined, bytes: arena + (place.kind === 'arena' ? place.offset : 0) }
  })
  const environment = {
    relaxedMadd: engine.relaxedMadd,
    math: (name: string): number => {
      throw new Error(`wasm: ${name} in float64 has no place in lanes`)
    },
  }
  for (const launch of launchesOf(program.steps)) {
    const kernel = program.kernels[launch.kernel]
    if (kernel.kind === 'loop' && launch.kind === 'loop') emitStraight(f, kernel, launch, bases, environment)
  }
  module.element(base, [f])
  return module.build()
}

function addressOf(f: FunctionBuilder, slot: number): number {
  const local = f.local('i32')
  f.get(0)
    .memory('i32.load', 4 * slot)
    .set(local)
  return local
}

/** Word numbers in a program of one step with one launch. */
export const straightLayout = {
  program: 0,
  launch: (programRecord.bytes + stepRecord.bytes) / 4,
  args: (programRecord.bytes + stepRecord.bytes + launchRecord.bytes) / 4,
} as const

/** The words of a program that calls a function of the table once; they will lie at `address`, the args block at their end. */
export function straightWords(address: number, index: number, bindings: number): Int32Array {
  const { launch, args } = straightLayout
  const words = new Int32Array(args + bindings)
  words[programRecord.steps / 4] = 1
  const step = programRecord.bytes / 4
  words[step + stepRecord.launches / 4] = 1
  words[step + stepRecord.first / 4] = address + 4 * launch
  words[launch + launchRecord.function / 4] = index
  words[launch + launchRecord.args / 4] = address + 4 * args
  for (const name of ['grain', 'total', 'chunks'] as const) words[launch + launchRecord[name] / 4] = 1
  return words
}
