// The stack that instructions of the emitters work on: what waits there, and what their meanings may do with it.

import type { LaneName } from '../wasm/code.ts'
import type { Assembler, Condition, Constant } from './assembler.ts'
import { type Encode, type Kind, reg, type Source, type Traits, type ValueKind } from './instruction.ts'
import type { VectorTarget } from './target.ts'

/** A value on the stack of the machine; what costs nothing to put off is put off. */
export type Entry =
  | { readonly is: 'register'; readonly register: number }
  | { readonly is: 'number'; readonly value: number }
  /** A register plus a number. */
  | { readonly is: 'sum'; readonly register: number; readonly value: number }
  | {
      readonly is: 'comparison'
      readonly condition: Condition
      readonly a: number
      readonly b: number | { readonly value: number }
    }
  /** A constant, in all lanes. */
  | { readonly is: 'bits'; readonly bits: Constant }

/** A function under construction, as the meanings of instructions see it. */
export interface StackMachine {
  readonly target: VectorTarget
  take(): Entry
  put(entry: Entry): void
  /** The entry in a register. */
  value(entry: Entry): number
  kindOf(register: number): Kind
  /** Whether it holds float64. */
  isDouble(register: number): boolean
  /** Whether the register holds a constant, or did when it was first set. */
  isConstant(register: number): boolean
  /** Takes a value in a register of the kind. */
  pop(kind: Kind): number
  popGeneral(): number
  popVector(): number
  popMask(): number
  /** Takes an address, as a place in the linear memory. */
  popAddress(offset: number): { readonly from: number; readonly displacement: number }
  /** Emits an instruction that reads the registers, and leaves its result on the stack. */
  push(kind: ValueKind, from: readonly number[], encode: Encode, traits?: Partial<Traits>): this
  emit(to: number, from: readonly number[], encode: Encode, traits?: Partial<Traits>): void
  i32(value: number): this
  splat(type: 'f32' | 'f64' | 'i32', value: number): this
  lane(name: LaneName, lane: number): this
  /** Leaves the function. */
  leave(): this
}

/** What an instruction becomes. */
export type Meaning = (f: StackMachine) => void

export type Second = number | { readonly value: number }

export const operandsOf = (a: number, b: Second): number[] => (typeof b === 'number' ? [a, b] : [a])

export function compare(a: Assembler, first: Source, second: Source, b: Second): void {
  if (typeof b === 'number') a.arithmetic('cmp', reg(first), reg(second))
  else if (b.value === 0) a.test(reg(first), reg(first))
  else a.arithmeticImmediate('cmp', reg(first), b.value)
}

export const inverse: { readonly [C in Condition]: Condition } = {
  overflow: 'overflow',
  below: 'aboveOrEqual',
  aboveOrEqual: 'below',
  equal: 'notEqual',
  notEqual: 'equal',
  belowOrEqual: 'above',
  above: 'belowOrEqual',
  less: 'greaterOrEqual',
  greaterOrEqual: 'less',
  lessOrEqual: 'greater',
  greater: 'lessOrEqual',
}
