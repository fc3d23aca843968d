// The x86 backend: WebAssembly's memory, threads and programs, with the kernels that do most of the work as AVX-512 or AVX2 machine code.

import { platform as hostPlatform } from '#platform'
import type { NativeHost } from '../../platform/platform.ts'
import { Engine, type EngineOptions } from '../wasm/engine.ts'
import { EngineBackend, type WasmBackend } from '../wasm/index.ts'
import { KernelCache } from '../wasm/kernels.ts'
import { LinearMemory } from '../wasm/memory.ts'
import type { NativeCode } from '../wasm/native.ts'
import { avx2 } from './avx2.ts'
import { avx512 } from './avx512.ts'
import { contractScratchBytes } from './blocking.ts'
import { CodeMemory } from './code-memory.ts'
import { type CpuFeatures, cpuFeatures } from './features.ts'
import { NativeKernels } from './kernels.ts'
import type { VectorTarget } from './target.ts'

/** The sets of vector instructions that kernels may be made of, the widest first. */
const targets: { readonly [N in VectorTarget['name']]: VectorTarget } = { avx512, avx2 }

export interface X86Options extends Omit<EngineOptions, 'native'> {
  /** Nanoseconds of work from which a kernel is machine code; a call of it costs about 100. Tests say 0. */
  readonly worthCalling?: number
  /** Whether convolutions of 3 × 3 may take fewer multiplications with a little more error (`winograd.ts`); without it what the variable TENON_WINOGRAD says, or yes. */
  readonly winograd?: boolean
  /** The widest vectors to use; without it what the variable TENON_X86 says, or AVX-512. */
  readonly vectors?: VectorTarget['name']
}

/**
 * A backend with memory and threads of its own, or why there can be none here. Throws when `threads` is no whole number
 * from 1, or the host grants no memory.
 */
export function createX86Backend(options: X86Options = {}): WasmBackend | string {
  const found = machine(options)
  if (typeof found === 'string') return found
  const { host, target, cache } = found
  const { platform = hostPlatform } = options
  const memory = options.memory ?? new LinearMemory()
  if (!memory.shared) return 'there is no shared memory, whose place machine code could rely on'
  const code = codeMemory(host, memory, target)
  if (typeof code === 'string') return code
  const { call, forWorkers } = code
  const native: NativeCode = { scratchBytes: contractScratchBytes, call, forWorkers }
  const chaining = { mostBytesOfPiece: cache.second / 2, ...options.chaining }
  const engine = new Engine({ ...options, memory, native, chaining })
  const { worthCalling, winograd = platform.environment('TENON_WINOGRAD') !== '0' } = options
  const kernels = new NativeKernels(engine, code, new KernelCache(engine), cache, {
    ...(worthCalling === undefined ? {} : { worthCalling }),
    winograd,
  })
  return new EngineBackend('x86', engine, kernels, () => {
    // Workers may still be in the code when they are told to end: with them it stays until the process ends.
    if (engine.threads === 1) code.release()
  })
}

/** What vectors the backend's kernels are made of: their name in messages. None where there is no such backend. */
export function x86Vectors(options: X86Options = {}): string | undefined {
  const found = machine(options)
  return typeof found === 'string' ? undefined : found.target.title
}

interface Machine extends Pick<CpuFeatures, 'cache'> {
  readonly host: NativeHost
  readonly target: VectorTarget
}

/** The machine below, or why it can run no machine code. */
function machine({ platform = hostPlatform, vectors }: X86Options): Machine | string {
  const host = platform.native()
  if (typeof host === 'string') return host
  const features = cpuFeatures(host)
  if (!features) return 'the system allows no executable pages'
  const limit = vectors ?? platform.environment('TENON_X86') ?? 'avx512'
  if (limit !== 'avx512' && limit !== 'avx2') return `TENON_X86 is '${limit}': it may be avx512 or avx2`
  const name = limit === 'avx512' && features.avx512 ? limit : 'avx2'
  if (!features[name]) return 'the processor has no AVX2 with FMA, or the system does not support it'
  return { host, target: targets[name], cache: features.cache }
}

function codeMemory(host: NativeHost, memory: LinearMemory, target: VectorTarget): CodeMemory | string {
  try {
    const base = host.addressOf(memory.views.u8)
    host.preferLargePages(base, memory.capacityBytes)
    return new CodeMemory(host, base, target)
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
