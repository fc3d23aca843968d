// Contract kernels: one blocked matrix-multiply skeleton whose operands are gathered by tables, with pointwise prologues and an epilogue.

import type { DType } from '../graph/dtype.ts'
import type { Expr } from '../scalar/expr.ts'
import type { Store } from './loop.ts'
import type { Table } from './table.ts'

/**
 * One operand of out[b, m, n] = epilogue(Σ_k left[b, m, k] · right[b, k, n]) in float32. Load number i of `value` reads the
 * element at table offsets batch[b] + outer[m or n] + inner[k] of its access: every affine gather is of that form.
 */
export interface Operand {
  readonly accesses: readonly { readonly dtype: DType }[]
  readonly value: Expr
  /** The axis along which neighbouring elements are mostly neighbours in memory, for vector loads. */
  readonly lane: 'outer' | 'inner'
}

/** Pointwise work on a finished tile: `accumulator('f32', 0)` is the sum; loads and stores go by tables over batch, m (outer) and n (inner). */
export interface Epilogue {
  readonly accesses: readonly { readonly dtype: DType }[]
  readonly stores: readonly Store[]
}

export interface ContractKernel {
  readonly kind: 'contract'
  readonly left: Operand
  readonly right: Operand
  readonly epilogue: Epilogue
}

/** The run-time half of a table access: element (b, outer, inner) is number offset + batch[b] + outer[…] + inner[…] of the buffer. */
export interface TableArguments {
  readonly buffer: number
  readonly offset: number
  /** Indices of the program's tables, whose entries count elements. */
  readonly batch: number
  readonly outer: number
  readonly inner: number
}

/** Images, of which only a part is in memory: rows and columns from `low` to before `high` of `extents`. What is around them is 0. */
export interface Padding {
  readonly extents: readonly [rows: number, columns: number]
  readonly low: readonly [row: number, column: number]
  readonly high: readonly [row: number, column: number]
}

/** A convolution of padded images, as the product that it is. */
export interface PaddedConvolution {
  readonly batch: number
  readonly m: number
  readonly n: number
  readonly left: { readonly outer: Table; readonly inner: Table }
  readonly right: { readonly outer: Table; readonly inner: Table }
  readonly padding: Padding
}

/** Whether a kernel can do a convolution without a copy of the padded images, and fast; it has to, then. */
export type SeesPadding = (convolution: PaddedConvolution) => boolean

export interface ContractLaunch {
  readonly kind: 'contract'
  readonly kernel: number
  readonly batch: number
  readonly m: number
  readonly n: number
  readonly k: number
  readonly left: readonly TableArguments[]
  readonly right: readonly TableArguments[]
  readonly epilogue: readonly TableArguments[]
  /** Set where the right operand is windows of such images: for kernels that were asked whether they can (`compile/see-padding.ts`). */
  readonly padding?: Padding
}
