// Routines: algorithms that are no fused loop (sorting, recurrences, factorizations), as plain TypeScript over memory.

import type { NdArray, ShapeAndType, Vjp } from './node.ts'

/**
 * An algorithm with its shape rule and derivative. It works on the trailing axes of its inputs and is repeated over the
 * leading ones, which all inputs share. It runs on one thread, and nothing is fused into it; `parameters` are numbers
 * whose meaning the routine states.
 */
export interface Routine {
  /** Tells routines apart in keys and in print; unique. */
  readonly name: string
  /** Shape and dtype of the result; throws with all shapes when the inputs don't fit. */
  readonly infer: (inputs: readonly ShapeAndType[], parameters: readonly number[]) => ShapeAndType
  /** Writes every element of `result`; the inputs are read only. */
  readonly run: (inputs: readonly NdArray[], result: NdArray, parameters: readonly number[]) => void
  readonly vjp: Vjp<'routine'> | 'none'
  /** Gives the name, for keys of structure. */
  toString(): string
}

/** A routine of its parts. */
export const routine = (parts: Omit<Routine, 'toString'>): Routine => ({ ...parts, toString: () => parts.name })
