// The way in from C: what the system's calling convention wants kept is kept, and parameters go where our functions expect them.

import { type Assembler, type Label, type Memory, register } from './assembler.ts'
import { parameterRegisters } from './convention.ts'

const { rax, rbx, rcx, rdx, rsp, rbp, rsi, rdi, r8, r9, r12, r13, r14, r15 } = register

interface Convention {
  /** Where parameters arrive: a register, or so many bytes above the saved frame pointer. */
  readonly parameters: readonly (number | { readonly stack: number })[]
  readonly savedGeneral: readonly number[]
  readonly savedVectors: readonly number[]
}

const conventions: { readonly [C in 'systemV' | 'windows']: Convention } = {
  systemV: {
    parameters: [rdi, rsi, rdx, rcx, r8, r9],
    savedGeneral: [rbx, r12, r13, r14, r15],
    savedVectors: [],
  },
  // Four in registers, and room for those four below the fifth
  windows: {
    parameters: [rcx, rdx, r8, r9, { stack: 48 }, { stack: 56 }],
    savedGeneral: [rbx, rdi, rsi, r12, r13, r14, r15],
    savedVectors: [6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
  },
}

/**
 * Emits a C function of up to six whole numbers that calls `target` with them, and returns its result. Our functions expect a
 * frame at a multiple of 64, and keep rsp and r15, the base of the linear memory.
 */
export function emitEntry(a: Assembler, convention: keyof typeof conventions, target: Label): Label {
  const { parameters, savedGeneral, savedVectors } = conventions[convention]
  const entry = a.label()
  a.align(64).bind(entry).push(rbp).move(rbp, rsp, true)
  for (const saved of savedGeneral) a.push(saved)
  a.arithmeticImmediate('sub', rsp, 16 * savedVectors.length + 64, true)
  const below = (i: number): Memory => ({ base: rbp, displacement: -8 * savedGeneral.length - 16 * (i + 1) })
  savedVectors.forEach((saved, i) => {
    a.vector('vmovupsStore', saved, 0, below(i), { bytes: 16 })
  })
  // Through the stack, for the two orders overlap
  const room = (i: number): Memory => ({ base: rsp, displacement: 8 * i })
  parameters.forEach((from, i) => {
    if (typeof from === 'number') a.store(room(i), from, true)
    else a.move(rax, { base: rbp, displacement: from.stack }, true).store(room(i), rax, true)
  })
  parameters.forEach((_, i) => {
    a.move(parameterRegisters[i], room(i), true)
  })
  a.arithmeticImmediate('and', rsp, -64, true).arithmeticImmediate('sub', rsp, 64, true)
  a.store({ base: rsp }, rbp, true).call(target).move(rbp, { base: rsp }, true).vzeroupper()
  savedVectors.forEach((saved, i) => {
    a.vector('vmovups', saved, 0, below(i), { bytes: 16 })
  })
  a.lea(rsp, { base: rbp, displacement: -8 * savedGeneral.length }, true)
  for (const saved of savedGeneral.toReversed()) a.pop(saved)
  a.pop(rbp).ret()
  return entry
}
