// Reductions: from a loss for each example to one number.

import { misfit } from '../graph/refuse.ts'
import type { Tensor } from '../tensor/index.ts'

/** 'mean' (the default) over all examples, their 'sum', or 'none'. */
export type Reduction = 'mean' | 'sum' | 'none'

export interface LossOptions {
  readonly reduction?: Reduction
}

const reductions: { readonly [R in Reduction]: (losses: Tensor) => Tensor } = {
  mean: (losses) => losses.mean(),
  sum: (losses) => losses.sum(),
  none: (losses) => losses,
}

export function reduce(losses: Tensor, reduction: Reduction = 'mean'): Tensor {
  const f = reductions[reduction]
  if (!f) throw misfit(`loss: unknown reduction '${String(reduction)}': use 'mean', 'sum' or 'none'`)
  return f(losses)
}
