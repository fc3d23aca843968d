// Loop kernels: the language of maps, reductions and row kernels, as plain data that a backend turns into code.

import type { DType } from '../graph/dtype.ts'
import type { Expr } from '../scalar/expr.ts'

/** What is known of a stride when code is made: `zero` (broadcast), `unit`, or `any` (a run-time number, may be negative). */
export type StrideClass = 'zero' | 'unit' | 'any'

/**
 * How a kernel reads or writes one buffer. The element at loop indices i is number
 * offset + Σ i[axis]·stride[axis] + clamp(indirect, 0, extent − 1)·indirectStride.
 */
export interface Access {
  readonly dtype: DType
  /** One class per loop axis. */
  readonly strides: readonly StrideClass[]
  /** Axes with a run-time range [low, high): outside any of them a load yields `fill` and touches no memory it may not. */
  readonly bounded: readonly boolean[]
  readonly fill: number
  /** An i32 expression: a row number read from memory, as in gather and scatter. Negative values count from the end. */
  readonly indirect?: Expr
}

export type ReduceOp = 'sum' | 'prod' | 'max' | 'min' | 'argmax' | 'argmin'

export interface Reduction {
  readonly op: ReduceOp
  readonly value: Expr
  /** The number by which later stages read the result, as `accumulator(type, id)`; argmax and argmin give an i32: the first index. */
  readonly accumulator: number
}

export interface Store {
  readonly access: number
  readonly value: Expr
  /** `add` accumulates into memory, in loop order; used by scatter-add. */
  readonly mode: 'set' | 'add'
}

/**
 * One pass. With `loop` it runs over all reduce axes, accumulating and storing per element; without, it runs once per
 * parallel point. A stage may read what earlier stages accumulated or stored at the same point. All values of a point are
 * read and computed before the first of them is stored: a store may overwrite what another one's value reads.
 */
export interface Stage {
  readonly loop: boolean
  readonly reductions: readonly Reduction[]
  readonly stores: readonly Store[]
}

/**
 * Loops over `parallel` axes, outermost first, and inside them the stages over `reduce` axes. All extents are
 * run-time numbers. Without reduce axes there is one stage, with `loop` false.
 *
 * `vector` is the axis carried in lanes: the last parallel axis (maps; reductions over outer axes) or the last reduce
 * axis (row kernels); −1 for plain scalar code. Axis numbers count parallel axes first, then reduce axes.
 */
export interface LoopKernel {
  readonly kind: 'loop'
  readonly parallel: number
  readonly reduce: number
  readonly vector: number
  readonly accesses: readonly Access[]
  readonly stages: readonly Stage[]
}

/** The run-time half of an access. Offsets and strides count elements. */
export interface AccessArguments {
  /** Index into the program's buffers. */
  readonly buffer: number
  readonly offset: number
  readonly strides: readonly number[]
  readonly low: readonly number[]
  readonly high: readonly number[]
  readonly indirectStride: number
  readonly indirectExtent: number
}

/**
 * One run of a loop kernel. The parallel iterations are numbered 0 … total−1 and cut into chunks of `grain`, which may
 * run at the same time on different threads: over all parallel axes, flattened row-major, when the vector axis is a reduce
 * axis or absent; over all parallel axes but the last when there are two or more and the last is the vector axis;
 * over the elements of the only axis when there is one (`grain` is then a multiple of 16).
 */
export interface LoopLaunch {
  readonly kind: 'loop'
  readonly kernel: number
  readonly extents: readonly number[]
  readonly accesses: readonly AccessArguments[]
  readonly total: number
  readonly grain: number
}
