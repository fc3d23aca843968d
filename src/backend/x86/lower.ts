// From instructions on virtual registers to machine code: places are looked up, and what lies in the frame passes through spare registers.

import { allocate, type Place, spares } from './allocate.ts'
import { type Assembler, type Memory, register } from './assembler.ts'
import type { Instruction, Kind, Source } from './instruction.ts'

/** The address of a function's frame; it is a multiple of 64. */
const frame = (offset: number): Memory => ({ base: register.rsp, displacement: offset })

export interface LowerOptions {
  /** Bytes at the start of the frame that the function uses by itself. */
  readonly frameStart: number
  /** Registers that hold the parameters, saved to the frame from offset 0 on. */
  readonly parameters: readonly number[]
  /** Whether the code calls other code, which may change all registers. */
  readonly calls: boolean
}

/** Emits a function; it expects rsp as calls leave it: 8 below a multiple of 64. */
export function lower(a: Assembler, code: readonly Instruction[], kinds: readonly Kind[], options: LowerOptions): void {
  const { places, frameBytes } = allocate(code, kinds, options.frameStart, options.calls)
  const bytes = Math.ceil(frameBytes / 64) * 64 + 56
  a.arithmeticImmediate('sub', register.rsp, bytes, true)
  options.parameters.forEach((from, i) => {
    a.store(frame(8 * i), from, true)
  })
  const ends = a.label()
  for (const instruction of code) {
    if (instruction.label !== undefined) a.bind(instruction.label)
    if (instruction.ends && instruction.jumps === undefined) a.jump(ends)
    else emit(a, instruction, kinds, places)
  }
  a.bind(ends).arithmeticImmediate('add', register.rsp, bytes, true).ret()
}

function emit(
  a: Assembler,
  instruction: Instruction,
  kinds: readonly Kind[],
  places: readonly (Place | undefined)[],
): void {
  const { to, from, folds, early } = instruction
  const taken: { [K in Kind]: number } = { general: 0, vector: 0, mask: 0 }
  const spare = (kind: Kind): number => {
    const found = spares[kind].at(taken[kind]++)
    if (found === undefined) throw new Error(`x86: an instruction with too many ${kind} operands in memory`)
    return found
  }
  const loaded = new Map<number, number>()
  const sources = from.map((v, i): Source => {
    const place = places[v]
    if (place === undefined) throw new Error('x86: a value is read that nothing writes')
    if (place.in === 'register') return place.number
    const known = loaded.get(v)
    if (known !== undefined) return known
    const memory = place.in === 'pool' ? a.constant(place.bits) : frame(place.offset)
    if (folds && i === from.length - 1) return { memory, broadcast: place.in === 'pool' }
    const number = spare(kinds[v])
    load(a, kinds[v], number, memory, place.in === 'pool')
    loaded.set(v, number)
    return number
  })
  const target = to < 0 ? undefined : places[to]
  // A constant of the pool needs no code, a value that no one reads no place.
  if (target?.in === 'pool') return
  if (target === undefined || target.in === 'register') {
    instruction.emit(a, target === undefined ? -1 : target.number, sources)
    return
  }
  const reused = early
    ? undefined
    : sources.find((s, i) => typeof s === 'number' && kinds[from[i]] === kinds[to] && spares[kinds[to]].includes(s))
  const number = typeof reused === 'number' ? reused : spare(kinds[to])
  instruction.emit(a, number, sources)
  store(a, kinds[to], frame(target.offset), number)
}

function load(a: Assembler, kind: Kind, to: number, from: Memory, broadcast: boolean): void {
  if (kind === 'mask') a.mask('kmovw', to, 0, from)
  else if (kind === 'vector') a.vector(broadcast ? 'vbroadcastss' : 'vmovups', to, 0, from)
  else a.move(to, from, true)
}

function store(a: Assembler, kind: Kind, to: Memory, from: number): void {
  if (kind === 'mask') a.mask('kmovwStore', from, 0, to)
  else if (kind === 'vector') a.vector('vmovupsStore', from, 0, to)
  else a.store(to, from, true)
}
