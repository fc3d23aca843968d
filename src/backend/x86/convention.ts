// What all functions of machine code agree on: registers with a purpose, and the start of a frame.

import { type Memory, register } from './assembler.ts'
import { reg, type Source } from './instruction.ts'

/** Registers of the parameters of functions of ours, in order; r15 holds the address of the linear memory. */
export const parameterRegisters = [
  register.rdi,
  register.rsi,
  register.rdx,
  register.rcx,
  register.r8,
  register.r9,
  register.r10,
  register.r11,
] as const

/** What lies at the start of a frame: parameters, what a division saves, parameters for others, and two vectors taken apart. */
export const frame = { parameters: 0, division: 64, outgoing: 128, lanes: 192, bytes: 320 } as const

/** A place in the linear memory. */
export const linear = (address: Source, displacement: number): Memory => ({
  base: register.r15,
  index: reg(address),
  displacement,
})

/** The bits of a float64. */
export function longBitsOf(value: number): bigint {
  return new BigInt64Array(new Float64Array([value]).buffer)[0]
}

export function bitsOf(value: number): number {
  return new Int32Array(new Float32Array([value]).buffer)[0]
}
