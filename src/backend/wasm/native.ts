// Kernels outside WebAssembly: a function of the table that hands a piece of work to machine code.

import type { NativeForWorkers } from '../../platform/platform.ts'
import { ModuleBuilder } from './assembler.ts'
import { importEngine } from './engine-module.ts'
import { kernelParams } from './layout.ts'

/** Machine code, as an engine calls it. */
export interface NativeCode {
  /** Bytes of scratch memory that it needs on each thread. */
  readonly scratchBytes: number
  /** Runs iterations begin … end − 1 of the kernel with this number; args and scratch are addresses in the linear memory. */
  readonly call: (kernel: number, args: number, begin: number, end: number, scratch: number) => void
  /** How a worker gets the same function. */
  readonly forWorkers: NativeForWorkers
}

/** The word before the args block of a kernel of machine code: its number. */
export const nativeKernelWord = -1

/** A module with the one function that calls machine code. */
export function nativeModule(shared: boolean): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder()
  const base = importEngine(module, shared)
  const host = module.importFunction('host', 'native', ['i32', ...kernelParams], [])
  const f = module.function(undefined, kernelParams)
  const [args, begin, end, scratch] = [0, 1, 2, 3] as const
  f.get(args)
    .i32(4 * nativeKernelWord)
    .op('i32.add')
    .memory('i32.load')
  f.get(args).get(begin).get(end).get(scratch).call(host)
  module.element(base, [f])
  return module.build()
}
