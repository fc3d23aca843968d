// From instructions on virtual registers to machine code: places are looked up, and what lies in the frame passes through spare registers.

import { allocate, type Place, type Registers, sparesOf } from './allocate.ts'
import { type Assembler, type Constant, type Memory, register } from './assembler.ts'
import { absent, type Instruction, type Kind, type Source } from './instruction.ts'
import { liveness } from './liveness.ts'
import type { VectorTarget } from './target.ts'

/** The address of a function's frame; it is a multiple of 64. */
const frame = (offset: number): Memory => ({ base: register.rsp, displacement: offset })

export interface LowerOptions {
  readonly target: VectorTarget
  /** Bytes at the start of the frame that the function uses by itself. */
  readonly frameStart: number
  /** Registers that hold the parameters, saved to the frame from offset 0 on. */
  readonly parameters: readonly number[]
  /** Whether the code calls other code, which may change all registers. */
  readonly calls: boolean
}

/** Emits a function; it expects rsp as calls leave it: 8 below a multiple of 64. What is read before it is written is 0. */
export function lower(a: Assembler, code: readonly Instruction[], kinds: readonly Kind[], options: LowerOptions): void {
  const { intervals, readFirst } = liveness(code, kinds.length)
  const { places, frameBytes } = allocate(intervals, kinds, options.target, options.frameStart, options.calls)
  const spares = sparesOf(options.target)
  const bytes = Math.ceil(frameBytes / 64) * 64 + 56
  a.arithmeticImmediate('sub', register.rsp, bytes, true)
  options.parameters.forEach((from, i) => {
    a.store(frame(8 * i), from, true)
  })
  for (const v of readFirst) zero(a, kinds[v], places[v], spares)
  const ends = a.label()
  for (let i = 0; i < code.length; i++) {
    const instruction = code[i]
    if (instruction.label !== undefined) a.bind(instruction.label)
    if (instruction.ends && instruction.jumps === undefined) a.jump(ends)
    else if (!emitDirectly(a, instruction, places))
      emit(a, instruction, kinds, places, spares, options.target.registerBytes)
  }
  a.bind(ends).arithmeticImmediate('add', register.rsp, bytes, true).ret()
}

/** A local begins as zero. */
function zero(a: Assembler, kind: Kind, place: Place | undefined, spares: Registers): void {
  if (kind !== 'general') throw new Error('x86: a vector is read before it is set')
  if (typeof place === 'number') a.constantTo(place, 0)
  else if (place && 'frame' in place) {
    const [spare] = spares.general
    a.constantTo(spare, 0).store(frame(place.frame), spare, true)
  }
}

/** Emits an instruction of which all operands are in registers, as most are; or does not. */
function emitDirectly(a: Assembler, instruction: Instruction, places: readonly (Place | undefined)[]): boolean {
  const { to, from } = instruction
  const { length } = from
  const target = to < 0 ? absent : (places[to] ?? absent)
  const first = length > 0 ? places[from[0]] : absent
  const second = length > 1 ? places[from[1]] : absent
  const third = length > 2 ? places[from[2]] : absent
  const fourth = length > 3 ? places[from[3]] : absent
  if (typeof target !== 'number' || typeof first !== 'number' || typeof second !== 'number') return false
  if (typeof third !== 'number' || typeof fourth !== 'number') return false
  instruction.emit(a, target, first, second, third, fourth)
  return true
}

function emit(
  a: Assembler,
  instruction: Instruction,
  kinds: readonly Kind[],
  places: readonly (Place | undefined)[],
  spares: Registers,
  bytes: VectorTarget['registerBytes'],
): void {
  const { to, from, folds, early } = instruction
  const target = to < 0 ? undefined : places[to]
  // A constant of the pool needs no code, a value that no one reads no place.
  if (typeof target === 'object' && 'pool' in target) return
  const taken: { [K in Kind]: number } = { general: 0, vector: 0, mask: 0 }
  const spare = (kind: Kind): number => {
    const found = spares[kind].at(taken[kind]++)
    if (found === undefined) throw new Error(`x86: an instruction with too many ${kind} operands in memory`)
    return found
  }
  const sources: Source[] = []
  /** A spare register that the result may go to as well. */
  let reused = absent
  for (let i = 0; i < from.length; i++) {
    const v = from[i]
    const place = places[v]
    if (place === undefined) throw new Error('x86: a value is read that nothing writes')
    const before = from.indexOf(v)
    if (typeof place === 'number' || before < i) {
      sources.push(typeof place === 'number' ? place : sources[before])
      continue
    }
    const broadcast = 'pool' in place
    const memory = broadcast ? a.constant(place.pool) : frame(place.frame)
    if (folds && i === from.length - 1) {
      sources.push({ memory, broadcast })
      continue
    }
    const number = spare(kinds[v])
    if (broadcast) a.vector(broadcasts(place.pool), number, 0, memory)
    else load(a, kinds[v], number, memory, bytes)
    sources.push(number)
    if (reused < 0 && !early && to >= 0 && kinds[v] === kinds[to]) reused = number
  }
  const [first = absent, second = absent, third = absent, fourth = absent] = sources
  const inFrame = typeof target === 'object'
  const result = inFrame ? (reused < 0 ? spare(kinds[to]) : reused) : (target ?? absent)
  instruction.emit(a, result, first, second, third, fourth)
  if (inFrame) store(a, kinds[to], frame(target.frame), result, bytes)
}

/** The instruction that puts a constant in memory into all lanes. */
export const broadcasts = (constant: Constant): 'vbroadcastss' | 'vbroadcastsd' =>
  typeof constant === 'number' ? 'vbroadcastss' : 'vbroadcastsd'

function load(a: Assembler, kind: Kind, to: number, from: Memory, bytes: VectorTarget['registerBytes']): void {
  if (kind === 'mask') a.mask('kmovw', to, 0, from)
  else if (kind === 'vector') a.vector('vmovups', to, 0, from, { bytes })
  else a.move(to, from, true)
}

function store(a: Assembler, kind: Kind, to: Memory, from: number, bytes: VectorTarget['registerBytes']): void {
  if (kind === 'mask') a.mask('kmovwStore', from, 0, to)
  else if (kind === 'vector') a.vector('vmovupsStore', from, 0, to, { bytes })
  else a.store(to, from, true)
}
