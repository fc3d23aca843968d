// Machine code for loop kernels: the emitters that WebAssembly's kernels come from, with sixteen lanes and masks.

import { loopExpressions } from '../../kernel/key.ts'
import type { LoopKernel } from '../../kernel/loop.ts'
import { expandDoubles } from '../../scalar/double.ts'
import { type Expr, topological } from '../../scalar/expr.ts'
import { fillLoop } from '../wasm/emit-loop.ts'
import type { EmitEnvironment } from '../wasm/layout.ts'
import { MaskedAccesses } from './accesses.ts'
import type { Assembler, Label } from './assembler.ts'
import { NativeFunction } from './builder.ts'
import type { VectorTarget } from './target.ts'

/** What emitters may ask of this target; without `fused`, products are rounded before they are added to. */
export const environment = (fused: boolean): EmitEnvironment => ({
  relaxedMadd: fused,
  scalarsAreLanes: true,
  float64Lanes: true,
  math: (name) => {
    throw new Error(`x86: ${name} in float64 stays with WebAssembly`)
  },
})

/** Whether every value of the expressions fits into 32 bits, as in products. */
export const isSingle = (roots: readonly Expr[]): boolean => topological(roots).every((e) => e.type !== 'f64')

/** What machine code is made of, and of which vectors: half as many lanes where some are float64. */
export interface NativeLoop {
  readonly kernel: LoopKernel
  readonly vectors: VectorTarget
}

/** A loop kernel with its functions of float64 written as arithmetic; undefined where it calls one for which there is none. */
export function nativeLoop(kernel: LoopKernel, target: VectorTarget): NativeLoop | undefined {
  const order = topological(loopExpressions(kernel))
  const isDouble = kernel.accesses.some((a) => a.dtype === 'float64') || order.some((e) => e.type === 'f64')
  if (!isDouble) return { kernel, vectors: target }
  const vectors = target.doubles ?? target
  if (!order.some(callsDouble)) return { kernel, vectors }
  const memo = new Map<Expr, Expr>()
  const made = mapLoop(kernel, (e) => expandDoubles(e, memo))
  return topological(loopExpressions(made)).some(callsDouble) ? undefined : { kernel: made, vectors }
}

const callsDouble = (e: Expr): boolean => e.op === 'call' && e.type === 'f64'

/** The kernel with all of its expressions replaced. */
function mapLoop(kernel: LoopKernel, replace: (e: Expr) => Expr): LoopKernel {
  return {
    ...kernel,
    accesses: kernel.accesses.map((a) => (a.indirect ? { ...a, indirect: replace(a.indirect) } : a)),
    stages: kernel.stages.map((stage) => ({
      ...stage,
      reductions: stage.reductions.map((r) => ({ ...r, value: replace(r.value) })),
      stores: stage.stores.map((s) => ({ ...s, value: replace(s.value) })),
    })),
  }
}

/** Emits a loop kernel as a function (args, begin, end, scratch); the label is its entry. With `streams` it stores past the caches. */
export function emitNativeLoop(
  a: Assembler,
  { kernel, vectors }: NativeLoop,
  { fused = true, streams = false } = {},
): Label {
  const f = new NativeFunction(a, vectors, 4, streams)
  fillLoop(
    f,
    kernel,
    environment(fused),
    (plan, layout, code, cursor) => new MaskedAccesses(f, plan, layout, code, cursor),
  )
  return f.finish()
}
