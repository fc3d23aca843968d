// One instruction of a function under construction: what it reads and writes, in registers not yet chosen, and how it is encoded.

import type { Assembler, Label, Memory } from './assembler.ts'

/** General register, vector register (of which scalars use the first lane), mask register. */
export type Kind = 'general' | 'vector' | 'mask'

/** Where an operand was put: a register, or a place in memory that an instruction reads by itself. */
export type Source = number | { readonly memory: Memory; readonly broadcast: boolean }

export interface Instruction {
  /** The register it writes, or −1. */
  readonly to: number
  readonly from: readonly number[]
  /** Emits it, given where `to` and each of `from` are; only the last of `from` may be in memory, if `folds` says so. */
  readonly emit: (a: Assembler, to: number, from: readonly Source[]) => void
  /** Whether the last operand may be in memory. */
  readonly folds?: boolean
  /** Whether `to` is written before all operands but the first are read. */
  readonly early?: boolean
  /** The 32 bits of every lane, if that is all it does. */
  readonly constant?: number
  /** Whether it only moves its operand. */
  readonly moves?: boolean
  /** The label it puts here, or may jump to. */
  readonly label?: Label
  readonly jumps?: Label
  /** Whether it never goes on to the next instruction. */
  readonly ends?: boolean
  /** Number of loops around it. */
  readonly depth: number
}

/** The register of an operand that is in one. */
export function reg(source: Source | undefined): number {
  if (typeof source !== 'number') throw new Error('x86: an operand in memory where a register is needed')
  return source
}
