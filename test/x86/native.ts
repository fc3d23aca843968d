// Runs functions of machine code on a memory of their own, without the engine.

import { platform } from '#platform'
import { Assembler, type Label } from '../../src/backend/x86/assembler.ts'
import { emitEntry } from '../../src/backend/x86/entry.ts'
import { cpuFeatures } from '../../src/backend/x86/features.ts'
import { emitNativeLoop } from '../../src/backend/x86/loop.ts'
import type { DataArray } from '../../src/graph/dtype.ts'
import type { LoopKernel, LoopLaunch } from '../../src/kernel/loop.ts'
import type { NativeHost } from '../../src/platform/platform.ts'
import { runOn } from '../kernel/emitted.ts'

const found = platform.native()
/** Why machine code cannot be tested here, or nothing. */
export const missing: string | undefined =
  typeof found === 'string' ? found : cpuFeatures(found).avx512 ? undefined : 'the processor has no AVX-512'

function host(): NativeHost {
  if (typeof found === 'string') throw new Error(found)
  return found
}

/** Installs what `emit` emits, and calls it with up to five numbers and the memory. */
export function install(memory: WebAssembly.Memory, emit: (a: Assembler) => Label): (...values: number[]) => number {
  const native = host()
  const a = new Assembler()
  const start = a.label()
  // The entry comes first, so that the function is where the code is
  a.jump(start)
  const entry = emitEntry(a, native.convention, emit(a))
  a.bind(start).jump(entry)
  const code = a.finish()
  const address = native.reserve(Math.ceil(code.length / 4096) * 4096)
  if (!native.install(address, code)) throw new Error('pages could not be made executable')
  const base = native.addressOf(new Uint8Array(memory.buffer))
  const f = native.callable(address, 6)
  return (...values) => f(base, ...values, ...new Array<number>(5 - values.length).fill(0))
}

/** As `runner` of the WebAssembly kernels. */
export function nativeRunner(
  kernel: LoopKernel,
  launch: LoopLaunch,
  buffers: readonly DataArray[],
  fused = false,
): (cuts: readonly number[]) => DataArray[] {
  const memory = new WebAssembly.Memory({ initial: 256, maximum: 65536, shared: true })
  const run = install(memory, (a) => emitNativeLoop(a, kernel, fused))
  return (cuts) => runOn(memory, run, kernel, launch, buffers, cuts)
}
