// Live intervals: from where to where each virtual register holds a value that is still needed.

import type { Constant } from './assembler.ts'
import type { Instruction } from './instruction.ts'

export interface Interval {
  readonly register: number
  /** Positions: instruction i reads at 2i and writes at 2i + 1. */
  readonly start: number
  readonly end: number
  /** Reads and writes, those in loops counted ten times for each loop. */
  readonly uses: number
  /** Set if the register only ever holds this constant. */
  readonly constant: Constant | undefined
  /** A register that a move connects it with, so that sharing saves the move; or −1. */
  readonly like: number
}

export interface Liveness {
  /** The interval of every register that is read or written, in the order of their starts. */
  readonly intervals: readonly Interval[]
  /** The registers that some path reads before it writes them; they live from the start. */
  readonly readFirst: readonly number[]
}

/** A run of instructions that is entered at its first and left at its last. */
interface Block {
  readonly first: number
  readonly end: number
  /** The blocks that may come after it, or −1. */
  readonly falls: number
  readonly jumps: number
}

/** What a read or write counts in so many loops. */
const weights = [1, 10, 100, 1000, 10_000] as const

/** Finds out when registers are in use. Functions have hundreds of instructions, and are looked at once: so there are words, no sets. */
export function liveness(code: readonly Instruction[], registers: number): Liveness {
  const blocks = blocksOf(code)
  const alive = aliveAtStarts(code, blocks, registers)
  const spans = new Spans(registers)
  const constants: (Constant | undefined)[] = []
  const like = new Int32Array(registers).fill(-1)
  const uses = new Float64Array(registers)
  const writes = new Int32Array(registers)
  for (let i = 0; i < code.length; i++) {
    const { to, from, depth, early, constant, moves } = code[i]
    const weight = weights[Math.min(depth, 4)]
    for (let k = 0; k < from.length; k++) {
      spans.cover(from[k], 2 * i, early && k > 0 ? 2 * i + 2 : 2 * i)
      uses[from[k]] += weight
    }
    if (to < 0) continue
    spans.cover(to, 2 * i + 1, 2 * i + 2)
    uses[to] += weight
    constants[to] = writes[to]++ === 0 ? constant : undefined
    if (moves || (from.length > 0 && like[to] < 0)) like[to] = from[0]
  }
  blocks.forEach(({ first, end, falls, jumps }, b) => {
    const own = alive[b]
    own.forEach((register) => {
      spans.cover(register, 2 * first, 2 * first)
    })
    for (const next of [falls, jumps]) {
      if (next < 0) continue
      alive[next].forEach((register) => {
        spans.cover(register, own.has(register) ? 2 * first : 2 * end, 2 * end)
      })
    }
  })
  const intervals = spans.inOrder(2 * code.length).map((register): Interval => {
    const [start, end] = [spans.starts[register], spans.ends[register]]
    return { register, start, end, uses: uses[register], constant: constants[register], like: like[register] }
  })
  const readFirst: number[] = []
  alive.at(0)?.forEach((register) => {
    readFirst.push(register)
  })
  return { intervals, readFirst }
}

/** From where to where each register is in use so far. */
class Spans {
  /** −1 where a register has not been met. */
  readonly starts: Int32Array
  readonly ends: Int32Array

  constructor(registers: number) {
    this.starts = new Int32Array(registers).fill(-1)
    this.ends = new Int32Array(registers).fill(-1)
  }

  cover(register: number, from: number, to: number): void {
    const { starts, ends } = this
    if (starts[register] < 0 || from < starts[register]) starts[register] = from
    if (to > ends[register]) ends[register] = to
  }

  /** The registers that were met, by their starts, of which `last` is the greatest there can be; equal ones by number. */
  inOrder(last: number): number[] {
    const { starts } = this
    const heads = new Int32Array(last + 2).fill(-1)
    const next = new Int32Array(starts.length)
    for (let register = starts.length - 1; register >= 0; register--) {
      if (starts[register] < 0) continue
      next[register] = heads[starts[register]]
      heads[starts[register]] = register
    }
    const ordered: number[] = []
    for (const head of heads) for (let register = head; register >= 0; register = next[register]) ordered.push(register)
    return ordered
  }
}

/** A set of small whole numbers, a bit each. */
class Bits {
  readonly words: Int32Array

  constructor(count: number) {
    this.words = new Int32Array((count + 31) >>> 5)
  }

  has(value: number): boolean {
    return ((this.words[value >>> 5] >>> (value & 31)) & 1) === 1
  }
  add(value: number): void {
    this.words[value >>> 5] |= 1 << (value & 31)
  }
  /** Adds what is in `more` and not in `but`; whether that changed anything. */
  addAll(more: Bits, but: Bits): boolean {
    const { words } = this
    let changed = false
    for (let w = 0; w < words.length; w++) {
      const added = more.words[w] & ~but.words[w] & ~words[w]
      if (added === 0) continue
      words[w] |= added
      changed = true
    }
    return changed
  }
  forEach(visit: (value: number) => void): void {
    const { words } = this
    for (let w = 0; w < words.length; w++) {
      for (let rest = words[w]; rest !== 0; rest &= rest - 1) visit(32 * w + 31 - Math.clz32(rest & -rest))
    }
  }
}

function blocksOf(code: readonly Instruction[]): Block[] {
  const firsts: number[] = []
  const blockOfLabel = new Map<number, number>()
  let begins = true
  for (let i = 0; i < code.length; i++) {
    const { label, jumps, ends } = code[i]
    if (begins || label !== undefined) {
      if (label !== undefined) blockOfLabel.set(label, firsts.length)
      firsts.push(i)
    }
    begins = jumps !== undefined || ends
  }
  return firsts.map((first, b): Block => {
    const end = firsts[b + 1] ?? code.length
    const { jumps, ends } = code[end - 1]
    const target = jumps === undefined ? -1 : blockOfLabel.get(jumps)
    if (target === undefined) throw new Error('x86: a jump to a label that is nowhere')
    return { first, end, falls: ends || end === code.length ? -1 : b + 1, jumps: target }
  })
}

/** The registers alive at the start of each block, found backwards until nothing changes. */
function aliveAtStarts(code: readonly Instruction[], blocks: readonly Block[], registers: number): Bits[] {
  const written = blocks.map(() => new Bits(registers))
  const alive = blocks.map(({ first, end }, b) => {
    const [reads, writes] = [new Bits(registers), written[b]]
    for (let i = first; i < end; i++) {
      const { from, to } = code[i]
      for (let k = 0; k < from.length; k++) if (!writes.has(from[k])) reads.add(from[k])
      if (to >= 0) writes.add(to)
    }
    return reads
  })
  for (let changed = true; changed; ) {
    changed = false
    for (let b = blocks.length - 1; b >= 0; b--) {
      const { falls, jumps } = blocks[b]
      if (falls >= 0 && alive[b].addAll(alive[falls], written[b])) changed = true
      if (jumps >= 0 && alive[b].addAll(alive[jumps], written[b])) changed = true
    }
  }
  return alive
}
