// One instruction of a function under construction: what it reads and writes, in registers not yet chosen, and how it is encoded.

import type { Assembler, Constant, Label, Memory } from './assembler.ts'

/** General register, vector register (of which scalars use the first lane), mask register. */
export type Kind = 'general' | 'vector' | 'mask'

/** Kinds of values: a double is a vector of float64, or one. */
export type ValueKind = Kind | 'double'

/** Where an operand was put: a register, or a place in memory that an instruction reads by itself. */
export type Source = number | { readonly memory: Memory; readonly broadcast: boolean }

/**
 * Puts an instruction to paper, given where its result goes and where its operands are, up to four of them: one by one, for a list and what takes
 * it apart would cost more than the rest.
 */
export type Encode = (a: Assembler, to: number, first: Source, second: Source, third: Source, fourth: Source) => void

/** Stands for an operand that there is none of. */
export const absent = -1

/** All have the same members in the same order: what goes over thousands of them is fast only then. */
export interface Instruction extends Traits {
  /** The register it writes, or −1. */
  to: number
  readonly from: readonly number[]
  /** Emits it; only the last of `from` may be in memory, if `folds` says so. */
  readonly emit: Encode
  /** Number of loops around it. */
  readonly depth: number
}

/** What is special about an instruction. */
export interface Traits {
  /** Whether the last operand may be in memory. */
  readonly folds: boolean
  /** Whether `to` is written before all operands but the first are read. */
  readonly early: boolean
  /** Whether it only moves its operand. */
  readonly moves: boolean
  /** Whether it never goes on to the next instruction. */
  readonly ends: boolean
  /** What is in every lane, if that is all it does. */
  readonly constant: Constant | undefined
  /** The label it puts here, or may jump to. */
  readonly label: Label | undefined
  readonly jumps: Label | undefined
}

const plain: Partial<Traits> = {}

export function instruction(
  to: number,
  from: readonly number[],
  emit: Encode,
  depth: number,
  { folds = false, early = false, moves = false, ends = false, constant, label, jumps } = plain,
): Instruction {
  return { to, from, emit, depth, folds, early, moves, ends, constant, label, jumps }
}

/** The register of an operand that is in one. */
export function reg(source: Source): number {
  if (typeof source !== 'number') throw new Error('x86: an operand in memory where a register is needed')
  return source
}
