// Where a kernel finds its run-time numbers: the words of an args block, and the function signatures shared by emitters and engine.

import type { LoopKernel } from '../../kernel/loop.ts'
import type { FunctionName } from '../../scalar/expr.ts'
import type { ValueType } from './assembler.ts'

/** What an emitter must know of the module it emits into. */
export interface EmitEnvironment {
  /** Whether the engine has relaxed SIMD, so that `madd` may be one instruction. */
  readonly relaxedMadd: boolean
  /** Whether instructions on lanes take scalars, too. */
  readonly scalarsAreLanes?: boolean
  /** Whether lanes can hold float64, too. */
  readonly float64Lanes?: boolean
  /** Index of the imported f64 function. */
  readonly math: (name: FunctionName) => number
}

/** Runs iterations begin … end − 1 of a launch: (args, begin, end, scratch). `scratch` is the thread's own region. */
export const kernelParams: readonly ValueType[] = ['i32', 'i32', 'i32', 'i32']

/**
 * Packs operand elements o in [o0, o1), k in [k0, k1) of one batch element into panels of `width` outer elements, each
 * laid out [k][lane], one after the other; lanes past o1 are zero: (args, batch, o0, o1, k0, k1, destination).
 */
export const packParams: readonly ValueType[] = ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32']

/** Applies an epilogue to rows m0 … m1 − 1, columns n0 … n1 − 1; element (m0, n0) is at `tile`: (args, batch, m0, m1, n0, n1, tile, tileStrideBytes). */
export const epilogueParams: readonly ValueType[] = ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32']

/** Bytes of a thread's scratch region. */
export const scratchBytes = 1.5 * 1024 * 1024

/** Word numbers in the args block of one access of a loop kernel; −1 where the kernel has no such word. */
export interface AccessLayout {
  /** Byte address of the element at offset 0 of all indices: buffer address + offset · element size. */
  readonly address: number
  /** Per axis: the byte stride, when its class is `any`. */
  readonly strides: readonly number[]
  /** Per axis: low and high of a bounded axis, in elements. */
  readonly low: readonly number[]
  readonly high: readonly number[]
  /** Byte stride and extent (in rows) of an indirect access. */
  readonly indirectStride: number
  readonly indirectExtent: number
}

export interface LoopLayout {
  /** Word number of each axis' extent, in elements: axis i is word i. */
  readonly extents: readonly number[]
  readonly accesses: readonly AccessLayout[]
  readonly words: number
}

/**
 * The args block of a loop kernel: the extents of all axes, then per access its address, a byte stride for each `any`
 * axis, low and high for each bounded axis, and for an indirect access its byte stride and extent.
 */
export function loopLayout(kernel: LoopKernel): LoopLayout {
  let words = 0
  const next = (present: boolean): number => (present ? words++ : -1)
  const extents = Array.from({ length: kernel.parallel + kernel.reduce }, () => next(true))
  const accesses = kernel.accesses.map((access): AccessLayout => {
    const address = next(true)
    const strides = access.strides.map((s) => next(s === 'any'))
    const low: number[] = []
    const high: number[] = []
    for (const bounded of access.bounded) {
      low.push(next(bounded))
      high.push(next(bounded))
    }
    const indirect = access.indirect !== undefined
    return { address, strides, low, high, indirectStride: next(indirect), indirectExtent: next(indirect) }
  })
  return { extents, accesses, words }
}

/**
 * The args block of an operand or epilogue: four words per access. `address` is the byte address of element `offset`;
 * the others are byte addresses of tables whose i32 entries count bytes: the element is at
 * address + batch[b] + outer[o] + inner[i].
 */
export const tableAccess = { address: 0, batch: 1, outer: 2, inner: 3, words: 4 } as const
