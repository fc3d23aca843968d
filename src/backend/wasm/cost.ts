// Rough prices in nanoseconds, by which the loader decides what is worth sharing among threads.

import { loopExpressions } from '../../kernel/key.ts'
import type { LoopKernel, LoopLaunch } from '../../kernel/loop.ts'
import { type Expr, type ExprOp, topological } from '../../scalar/expr.ts'
import { expand } from '../../scalar/functions.ts'

/** A phase cheaper than this is run by the calling thread alone: a hand-off to a worker that spins costs up to a microsecond. */
export const worthSharing = 5_000

const free: readonly ExprOp[] = ['const', 'argument', 'index', 'accumulator']
/** Nanoseconds of a vector operation on four elements, or of the same on one; what is not listed costs `plain`. */
const dear: { readonly [O in ExprOp]?: number } = { load: 0.25, div: 1.3, sqrt: 1.3, call: 2.5 }
const plain = 0.12
const float64Call = 25

/** Nanoseconds to evaluate the expressions at one element, `vector` with four elements at a time. */
export function expressionCost(roots: readonly Expr[], vector: boolean): number {
  let cost = 0
  const memo = new Map<Expr, Expr>()
  for (const e of topological(roots.map((root) => expand(root, memo)))) {
    if (e.op === 'call' && e.type === 'f64') cost += float64Call
    else if (!free.includes(e.op)) cost += (dear[e.op] ?? plain) / (vector ? 4 : 1)
  }
  return cost
}

/** Nanoseconds of one iteration over all axes of a loop kernel. */
export function iterationCost(kernel: LoopKernel): number {
  const vector = kernel.vector >= 0
  return (vector ? 0.05 : 0.5) + expressionCost(loopExpressions(kernel), vector)
}

export function loopCost(perIteration: number, launch: LoopLaunch): number {
  return launch.extents.reduce((product, extent) => product * extent, perIteration)
}
