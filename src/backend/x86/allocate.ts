// Register allocation: linear scan over live intervals, heavily used values first when there are too few registers.

import type { Instruction, Kind } from './instruction.ts'
import { type Interval, intervals } from './liveness.ts'

/** Where a virtual register lies: in a register, in a slot of the frame, or nowhere because it is a constant. */
export type Place =
  | { readonly in: 'register'; readonly number: number }
  | { readonly in: 'frame'; readonly offset: number }
  | { readonly in: 'pool'; readonly bits: number }

export interface Allocation {
  readonly places: readonly (Place | undefined)[]
  readonly frameBytes: number
}

const { rax, rcx, rdx, rbx, rbp, rsi, rdi } = { rax: 0, rcx: 1, rdx: 2, rbx: 3, rbp: 5, rsi: 6, rdi: 7 }
const count = (n: number, from = 0): number[] => Array.from({ length: n }, (_, i) => from + i)

/** Registers for operands that are not in one while an instruction runs. */
export const spares: { readonly [K in Kind]: readonly number[] } = {
  general: [rax, rcx, rdx, rbx],
  vector: [28, 29, 30, 31],
  mask: [4, 5, 6],
}
/** The others; rsp and r15, the base of the memory, are spoken for. */
const registers: { readonly [K in Kind]: readonly number[] } = {
  general: [rsi, rdi, ...count(7, 8), rbp],
  vector: count(28),
  mask: count(3, 1),
}

/** Gives every virtual register a place. With `nowhere`, all of them lie in the frame: for code around calls. */
export function allocate(
  code: readonly Instruction[],
  kinds: readonly Kind[],
  frameStart: number,
  nowhere = false,
): Allocation {
  const places: (Place | undefined)[] = kinds.map(() => undefined)
  let frameBytes = frameStart
  const slot = (kind: Kind): number => {
    const size = kind === 'vector' ? 64 : 8
    frameBytes = Math.ceil(frameBytes / size) * size + size
    return frameBytes - size
  }
  const spill = (v: Interval): void => {
    places[v.register] =
      v.constant === undefined ? { in: 'frame', offset: slot(kinds[v.register]) } : { in: 'pool', bits: v.constant }
  }
  const live = intervals(code, kinds.length)
  if (nowhere) {
    for (const v of live) spill(v)
    return { places, frameBytes }
  }
  const hasSpare = needsSpares(live, kinds)
  for (const kind of ['general', 'vector', 'mask'] as const) {
    const usable = hasSpare[kind] ? registers[kind] : [...registers[kind], ...spares[kind]]
    scan(
      live.filter((v) => kinds[v.register] === kind),
      usable,
      spill,
      (v, number) => {
        places[v.register] = { in: 'register', number }
      },
    )
  }
  return { places, frameBytes }
}

/** For each kind, whether more values live at once than there are registers. */
function needsSpares(live: readonly Interval[], kinds: readonly Kind[]): { readonly [K in Kind]: boolean } {
  const result = { general: false, vector: false, mask: false }
  const last = live.reduce((most, v) => Math.max(most, v.end), 0)
  for (const kind of ['general', 'vector', 'mask'] as const) {
    // By position: what begins there, less what ends.
    const changes = new Int32Array(last + 1)
    for (const v of live) {
      if (kinds[v.register] !== kind) continue
      changes[v.start]++
      changes[v.end]--
    }
    const room = registers[kind].length + spares[kind].length
    let now = 0
    for (let i = 0; i <= last && now <= room; i++) now += changes[i]
    result[kind] = now > room
  }
  return result
}

function scan(
  live: readonly Interval[],
  usable: readonly number[],
  spill: (v: Interval) => void,
  put: (v: Interval, register: number) => void,
): void {
  const free = new Set(usable)
  const held = new Map<number, number>()
  let active: Interval[] = []
  for (const v of live) {
    active = active.filter((other) => {
      if (other.end > v.start) return true
      const register = held.get(other.register)
      if (register !== undefined) free.add(register)
      return false
    })
    const wanted = v.like === undefined ? undefined : held.get(v.like)
    let register = wanted !== undefined && free.has(wanted) ? wanted : first(free)
    if (register === undefined) {
      const cheapest = active.reduce((a, b) => (price(b) < price(a) ? b : a), v)
      if (cheapest === v) {
        spill(v)
        continue
      }
      register = held.get(cheapest.register)
      if (register === undefined) throw new Error('x86: an active value without a register')
      held.delete(cheapest.register)
      spill(cheapest)
      active = active.filter((other) => other !== cheapest)
    }
    free.delete(register)
    held.set(v.register, register)
    active.push(v)
    put(v, register)
  }
}

/** What it costs not to have a value in a register, for each place it would block. */
const price = (v: Interval): number => ((v.constant === undefined ? 1 : 0.4) * v.uses) / (v.end - v.start)

function first(set: ReadonlySet<number>): number | undefined {
  for (const value of set) return value
  return undefined
}
