// Texts that are equal exactly for kernels of equal structure, by which backends share compiled code.

import { type Expr, exprKey } from '../scalar/expr.ts'
import type { Epilogue, Operand } from './contract.ts'
import type { LoopKernel } from './loop.ts'
import type { Kernel } from './program.ts'

/** The key of a whole kernel. */
export function kernelKey(kernel: Kernel): string {
  if (kernel.kind === 'loop') return loopKey(kernel)
  if (kernel.kind === 'routine')
    return `routine|${kernel.routine}|${kernel.parameters}|${kernel.inputs}|${kernel.result}`
  return `contract|${operandKey(kernel.left)}|${operandKey(kernel.right)}|${epilogueKey(kernel.epilogue)}`
}

export function loopKey(kernel: LoopKernel): string {
  const accesses = kernel.accesses.map(
    (a) => `${a.dtype}[${a.strides.join()}]${a.bounded.map(Number).join('')}${number(a.fill)}${a.indirect ? 'i' : ''}`,
  )
  const stages = kernel.stages.map(
    (s) =>
      `${s.loop ? 'loop' : 'once'}(${s.reductions.map((r) => `${r.op}${r.accumulator}`).join()})` +
      `(${s.stores.map((t) => `${t.mode}${t.access}`).join()})`,
  )
  const shape = `loop${kernel.parallel},${kernel.reduce},${kernel.vector}`
  return `${shape}|${accesses.join(' ')}|${stages.join(' ')}|${exprKey(loopExpressions(kernel))}`
}

export function operandKey(operand: Operand): string {
  return `${operand.lane}(${operand.accesses.map((a) => a.dtype).join()})${exprKey([operand.value])}`
}

export function epilogueKey(epilogue: Epilogue): string {
  const stores = epilogue.stores.map((s) => `${s.mode}${s.access}`).join()
  return `(${epilogue.accesses.map((a) => a.dtype).join()})(${stores})${exprKey(epilogue.stores.map((s) => s.value))}`
}

/** Every expression of a loop kernel, in the order of its data. */
export function loopExpressions(kernel: LoopKernel): Expr[] {
  const indirect = kernel.accesses.flatMap((a) => (a.indirect ? [a.indirect] : []))
  const staged = kernel.stages.flatMap((s) => [...s.reductions.map((r) => r.value), ...s.stores.map((t) => t.value)])
  return [...indirect, ...staged]
}

/** −0 and 0 are different fills. */
const number = (x: number): string => (Object.is(x, -0) ? '-0' : String(x))
