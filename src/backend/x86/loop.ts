// Machine code for loop kernels: the emitters that WebAssembly's kernels come from, with sixteen lanes and masks.

import { loopExpressions } from '../../kernel/key.ts'
import type { LoopKernel } from '../../kernel/loop.ts'
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
  float64Lanes: true,
  math: (name) => {
    throw new Error(`x86: ${name} in float64 stays with WebAssembly`)
  },
})

/** Whether every value of the expressions fits into 32 bits, as in products. */
export const isSingle = (roots: readonly Expr[]): boolean => topological(roots).every((e) => e.type !== 'f64')

/** Whether machine code can be made of a loop kernel: all but some functions of float64. */
export function isNativeLoop(kernel: LoopKernel): boolean {
  return topological(loopExpressions(kernel)).every((e) => e.op !== 'call' || e.type !== 'f64')
}

/** The vectors that a loop kernel is made of: half as many lanes where some are float64. */
export function vectorsOf(target: VectorTarget, kernel: LoopKernel): VectorTarget {
  const isDouble = kernel.accesses.some((a) => a.dtype === 'float64') || !isSingle(loopExpressions(kernel))
  return (isDouble && target.doubles) || target
}

/** Emits a loop kernel as a function (args, begin, end, scratch); the label is its entry. With `streams` it stores past the caches. */
export function emitNativeLoop(
  a: Assembler,
  target: VectorTarget,
  kernel: LoopKernel,
  { fused = true, streams = false } = {},
): Label {
  const f = new NativeFunction(a, target, 4, streams)
  fillLoop(
    f,
    kernel,
    environment(fused),
    (plan, layout, code, cursor) => new MaskedAccesses(f, plan, layout, code, cursor),
  )
  return f.finish()
}
