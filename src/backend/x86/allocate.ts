// Register allocation: linear scan over live intervals, heavily used values first when there are too few registers.

import type { Constant } from './assembler.ts'
import type { Kind } from './instruction.ts'
import type { Interval } from './liveness.ts'
import { count, type VectorTarget } from './target.ts'

/** Where a virtual register lies: in the register of this number, in a slot of the frame, or nowhere because it is a constant. */
export type Place = number | { readonly frame: number } | { readonly pool: Constant }

export interface Allocation {
  readonly places: readonly (Place | undefined)[]
  readonly frameBytes: number
}

const { rax, rcx, rdx, rbx, rbp, rsi, rdi } = { rax: 0, rcx: 1, rdx: 2, rbx: 3, rbp: 5, rsi: 6, rdi: 7 }
export type Registers = { readonly [K in Kind]: readonly number[] }

/** Registers for operands that are not in one while an instruction runs. */
export const sparesOf = ({ spares }: VectorTarget): Registers => ({ general: [rax, rcx, rdx, rbx], ...spares })

/** The others; rsp and r15, the base of the memory, are spoken for. */
const registersOf = ({ registers }: VectorTarget): Registers => ({
  general: [rsi, rdi, ...count(7, 8), rbp],
  ...registers,
})

/** Gives every virtual register a place. With `nowhere`, all of them lie in the frame: for code around calls. */
export function allocate(
  live: readonly Interval[],
  kinds: readonly Kind[],
  target: VectorTarget,
  frameStart: number,
  nowhere = false,
): Allocation {
  const places = new Array<Place | undefined>(kinds.length).fill(undefined)
  let frameBytes = frameStart
  const spill = ({ register, constant }: Interval): void => {
    if (constant !== undefined) {
      places[register] = { pool: constant }
      return
    }
    const size = kinds[register] === 'vector' ? target.registerBytes : 8
    frameBytes = Math.ceil(frameBytes / size) * size + size
    places[register] = { frame: frameBytes - size }
  }
  if (nowhere) {
    for (const v of live) spill(v)
    return { places, frameBytes }
  }
  const [registers, spares] = [registersOf(target), sparesOf(target)]
  const byKind: { readonly [K in Kind]: Interval[] } = { general: [], vector: [], mask: [] }
  for (let i = 0; i < live.length; i++) byKind[kinds[live[i].register]].push(live[i])
  for (const kind of ['general', 'vector', 'mask'] as const) {
    const [own, few] = [byKind[kind], registers[kind]]
    // Spares are needed only where something is not in a register.
    if (!scan(own, [...few, ...spares[kind]], places)) scan(own, few, places, spill)
  }
  return { places, frameBytes }
}

/** Puts values into registers by the order of their starts. Without `spill`, gives up and says so when there are too few. */
function scan(
  live: readonly Interval[],
  usable: readonly number[],
  places: (Place | undefined)[],
  spill?: (v: Interval) => void,
): boolean {
  const free = [...usable]
  /** The values in registers, and where they are. */
  const active: Interval[] = []
  const held: number[] = []
  const release = (at: number): void => {
    active.splice(at, 1)
    held.splice(at, 1)
  }
  for (const v of live) {
    for (let i = 0; i < active.length; ) {
      if (active[i].end > v.start) i++
      else {
        free.push(held[i])
        release(i)
      }
    }
    const wanted = v.like < 0 ? undefined : places[v.like]
    const register = take(free, typeof wanted === 'number' ? wanted : -1)
    if (register !== undefined) {
      places[v.register] = register
      active.push(v)
      held.push(register)
      continue
    }
    if (!spill) return false
    const cheapest = active.reduce((a, b) => (price(b) < price(a) ? b : a), v)
    spill(cheapest)
    if (cheapest === v) continue
    const at = active.indexOf(cheapest)
    places[v.register] = held[at]
    active.push(v)
    held.push(held[at])
    release(at)
  }
  return true
}

/** Takes the wanted register if it is free, else the one that has been for longest. */
function take(free: number[], wanted: number): number | undefined {
  const at = free.indexOf(wanted)
  return at < 0 ? free.shift() : free.splice(at, 1)[0]
}

/** What it costs not to have a value in a register, for each place it would block. */
const price = (v: Interval): number => ((v.constant === undefined ? 1 : 0.4) * v.uses) / (v.end - v.start)
