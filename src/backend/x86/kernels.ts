// Which kernels become machine code, found again by their structure; all others stay with WebAssembly.

import { loopKey } from '../../kernel/key.ts'
import type { LoopKernel, LoopLaunch } from '../../kernel/loop.ts'
import type { Kernel, Program } from '../../kernel/program.ts'
import { iterationCost, loopCost } from '../wasm/cost.ts'
import type { Engine } from '../wasm/engine.ts'
import type { Compiled, CompiledKernel, KernelCache } from '../wasm/kernels.ts'
import type { CodeMemory } from './code-memory.ts'
import { emitNativeLoop, isNativeLoop } from './loop.ts'

/** Nanoseconds of work from which a call of machine code, about 100 from WebAssembly through JavaScript, pays. */
const usuallyWorth = 1000
/** How much faster sixteen lanes are than four, roughly: memory is as fast for both. */
const fasterThanWasm = 0.4

export class NativeKernels {
  private readonly engine: Engine
  private readonly code: CodeMemory
  private readonly rest: KernelCache
  private readonly worthCalling: number
  private readonly known = new Map<string, Compiled>()

  constructor(engine: Engine, code: CodeMemory, rest: KernelCache, worthCalling = usuallyWorth) {
    this.engine = engine
    this.code = code
    this.rest = rest
    this.worthCalling = worthCalling
  }

  compile(program: Program): CompiledKernel[] {
    const loops = loopLaunches(program)
    const native = program.kernels.map((kernel, i) => this.native(kernel, loops.get(i) ?? []))
    const others = program.kernels.filter((_, i) => native[i] === undefined)
    const compiled = this.rest.compile(others)
    return native.map((found) => found ?? (compiled.shift() as CompiledKernel))
  }

  private native(kernel: Kernel, launches: readonly LoopLaunch[]): CompiledKernel | undefined {
    if (kernel.kind !== 'loop' || !isNativeLoop(kernel)) return undefined
    const cost = iterationCost(kernel)
    if (!launches.some((launch) => loopCost(cost, launch) >= this.worthCalling)) return undefined
    if (launches.some((launch) => reachesFar(kernel, launch))) return undefined
    return { kind: 'loop', kernel, loop: this.loop(kernel, cost) }
  }

  private loop(kernel: LoopKernel, cost: number): Compiled {
    const key = loopKey(kernel)
    const known = this.known.get(key)
    if (known) return known
    const [native] = this.code.install((a) => [emitNativeLoop(a, kernel)])
    const compiled: Compiled = {
      index: this.engine.nativeFunction(),
      cost: cost * fasterThanWasm,
      callerOnly: false,
      native,
    }
    this.known.set(key, compiled)
    return compiled
  }
}

function loopLaunches(program: Program): Map<number, LoopLaunch[]> {
  const found = new Map<number, LoopLaunch[]>()
  for (const launch of program.phases.flat()) {
    if (launch.kind !== 'loop') continue
    const list = found.get(launch.kernel)
    if (list) list.push(launch)
    else found.set(launch.kernel, [launch])
  }
  return found
}

/** Whether lanes may lie 2 GiB apart: gathers count their distances with a sign. */
function reachesFar(kernel: LoopKernel, { accesses }: LoopLaunch): boolean {
  return kernel.accesses.some(({ indirect }, a) => {
    const { strides, indirectStride, indirectExtent } = accesses[a]
    const lanes = kernel.vector < 0 ? 0 : 64 * Math.abs(strides[kernel.vector])
    const rows = indirect === undefined ? 0 : indirectStride * indirectExtent
    return 4 * (lanes + rows) >= 2 ** 31
  })
}
