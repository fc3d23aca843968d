// Runs functions of machine code on a memory of their own, without the engine.

import { platform } from '#platform'
import type { Assembler, Label } from '../../src/backend/x86/assembler.ts'
import { avx2 } from '../../src/backend/x86/avx2.ts'
import { avx512 } from '../../src/backend/x86/avx512.ts'
import { CodeMemory } from '../../src/backend/x86/code-memory.ts'
import { cpuFeatures } from '../../src/backend/x86/features.ts'
import { emitNativeLoop, nativeLoop } from '../../src/backend/x86/loop.ts'
import type { VectorTarget } from '../../src/backend/x86/target.ts'
import type { DataArray } from '../../src/graph/dtype.ts'
import type { LoopKernel, LoopLaunch } from '../../src/kernel/loop.ts'
import type { NativeHost } from '../../src/platform/platform.ts'
import { runOn } from '../kernel/emitted.ts'

const found = platform.native()
const features = typeof found === 'string' ? undefined : cpuFeatures(found)
/** The sets of vector instructions that can be tested here. */
export const targets: readonly VectorTarget[] = [avx512, avx2].filter(({ name }) => features?.[name])
/** Why machine code cannot be tested here, or nothing. */
export const missing: string | undefined =
  typeof found === 'string' ? found : targets.length > 0 ? undefined : 'the processor has no AVX2'

function host(): NativeHost {
  if (typeof found === 'string') throw new Error(found)
  return found
}

/** Installs what `emit` emits, and calls it with up to four numbers. */
export function install(
  memory: WebAssembly.Memory,
  target: VectorTarget,
  emit: (a: Assembler) => Label,
): (...values: number[]) => void {
  const native = host()
  const code = new CodeMemory(native, native.addressOf(new Uint8Array(memory.buffer)), target)
  const [at] = code.install((a) => [emit(a)])
  code.publish()
  return (...values) => code.call(at, ...values, ...new Array<number>(4 - values.length).fill(0))
}

/** As `runner` of the WebAssembly kernels. */
export function nativeRunner(
  target: VectorTarget,
  kernel: LoopKernel,
  launch: LoopLaunch,
  buffers: readonly DataArray[],
  options: { readonly fused?: boolean; readonly streams?: boolean } = { fused: false },
): (cuts: readonly number[]) => DataArray[] {
  const memory = new WebAssembly.Memory({ initial: 256, maximum: 65536, shared: true })
  const made = nativeLoop(kernel, target)
  if (!made) throw new Error('no machine code can be made of the kernel')
  const run = install(memory, made.vectors, (a) => emitNativeLoop(a, made, options))
  return (cuts) => runOn(memory, run, kernel, launch, buffers, cuts)
}
