// The x86 backend: WebAssembly's memory, threads and programs, with the kernels that do most of the work as AVX-512 machine code.

import { platform as hostPlatform } from '#platform'
import type { NativeHost } from '../../platform/platform.ts'
import { Engine, type EngineOptions } from '../wasm/engine.ts'
import { EngineBackend, type WasmBackend } from '../wasm/index.ts'
import { KernelCache } from '../wasm/kernels.ts'
import { LinearMemory } from '../wasm/memory.ts'
import type { NativeCode } from '../wasm/native.ts'
import { avx512 as widest } from './avx512.ts'
import { contractScratchBytes } from './blocking.ts'
import { CodeMemory } from './code-memory.ts'
import { cpuFeatures } from './features.ts'
import { NativeKernels } from './kernels.ts'
import type { VectorTarget } from './target.ts'

export interface X86Options extends Omit<EngineOptions, 'native'> {
  /** Nanoseconds of work from which a kernel is machine code; a call of it costs about 100. Tests say 0. */
  readonly worthCalling?: number
}

/**
 * A backend with memory and threads of its own, or why there can be none here. Throws when `threads` is no whole number
 * from 1, or the host grants no memory.
 */
export function createX86Backend(options: X86Options = {}): WasmBackend | string {
  const host = (options.platform ?? hostPlatform).native()
  if (typeof host === 'string') return host
  const features = cpuFeatures(host)
  if (!features) return 'the system allows no executable pages'
  const { avx512, cache } = features
  if (!avx512) return 'the processor has no AVX-512, or the system does not support it'
  const memory = options.memory ?? new LinearMemory()
  if (!memory.shared) return 'there is no shared memory, whose place machine code could rely on'
  const code = codeMemory(host, memory, widest)
  if (typeof code === 'string') return code
  const { call, forWorkers } = code
  const native: NativeCode = { scratchBytes: contractScratchBytes, call, forWorkers }
  const engine = new Engine({ ...options, memory, native })
  const kernels = new NativeKernels(engine, code, new KernelCache(engine), cache, options.worthCalling)
  return new EngineBackend('x86', engine, kernels, () => {
    // Workers may still be in the code when they are told to end: with them it stays until the process ends.
    if (engine.threads === 1) code.release()
  })
}

function codeMemory(host: NativeHost, memory: LinearMemory, target: VectorTarget): CodeMemory | string {
  try {
    return new CodeMemory(host, host.addressOf(memory.views.u8), target)
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
