// Live intervals: from where to where each virtual register holds a value that is still needed.

import type { Instruction } from './instruction.ts'

export interface Interval {
  readonly register: number
  /** Positions: instruction i reads at 2i and writes at 2i + 1. */
  start: number
  end: number
  /** Reads and writes, those in loops counted ten times for each loop. */
  uses: number
  /** Set if the register only ever holds this constant. */
  constant: number | undefined
  /** A register that a move connects it with, so that sharing saves the move. */
  like: number | undefined
}

interface Block {
  readonly first: number
  readonly end: number
  readonly next: readonly number[]
  readonly reads: Set<number>
  readonly writes: Set<number>
  readonly alive: Set<number>
}

/** The interval of every register that is read or written, in the order of their starts. */
export function intervals(code: readonly Instruction[], registers: number): Interval[] {
  const blocks = blocksOf(code)
  const known: (Interval | undefined)[] = Array.from({ length: registers }, () => undefined)
  const writes = new Int32Array(registers)
  const cover = (register: number, from: number, to: number): Interval => {
    const interval = known[register]
    if (interval === undefined) {
      const fresh = { register, start: from, end: to, uses: 0, constant: undefined, like: undefined }
      known[register] = fresh
      return fresh
    }
    interval.start = Math.min(interval.start, from)
    interval.end = Math.max(interval.end, to)
    return interval
  }
  code.forEach((instruction, i) => {
    const { to, from, depth, early, constant, moves } = instruction
    const weight = 10 ** Math.min(depth, 4)
    from.forEach((register, k) => {
      cover(register, 2 * i, early && k > 0 ? 2 * i + 2 : 2 * i).uses += weight
    })
    if (to < 0) return
    const interval = cover(to, 2 * i + 1, 2 * i + 2)
    interval.uses += weight
    interval.constant = writes[to]++ === 0 ? constant : undefined
    if (moves || (from.length > 0 && interval.like === undefined)) interval.like = from[0]
  })
  spread(blocks)
  for (const block of blocks) {
    for (const register of block.alive) cover(register, 2 * block.first, 2 * block.first)
    for (const next of block.next) {
      for (const register of blocks[next].alive) {
        cover(register, block.alive.has(register) ? 2 * block.first : 2 * block.end, 2 * block.end)
      }
    }
  }
  return known.filter((v) => v !== undefined).sort((a, b) => a.start - b.start)
}

/** The registers that some path reads before it writes them. */
export function readFirst(code: readonly Instruction[]): number[] {
  const blocks = blocksOf(code)
  spread(blocks)
  return [...(blocks.at(0)?.alive ?? [])]
}

function blocksOf(code: readonly Instruction[]): Block[] {
  const starts = new Set([0])
  code.forEach((instruction, i) => {
    if (instruction.label !== undefined) starts.add(i)
    if (instruction.jumps !== undefined || instruction.ends) starts.add(i + 1)
  })
  const firsts = [...starts].filter((i) => i < code.length).sort((a, b) => a - b)
  const blockOfLabel = new Map<number, number>()
  firsts.forEach((first, b) => {
    const { label } = code[first]
    if (label !== undefined) blockOfLabel.set(label, b)
  })
  return firsts.map((first, b): Block => {
    const end = firsts[b + 1] ?? code.length
    const last = code[end - 1]
    const next: number[] = last.ends || b + 1 >= firsts.length ? [] : [b + 1]
    if (last.jumps !== undefined) {
      const target = blockOfLabel.get(last.jumps)
      if (target === undefined) throw new Error('x86: a jump to a label that is nowhere')
      next.push(target)
    }
    const reads = new Set<number>()
    const writes = new Set<number>()
    for (let i = first; i < end; i++) {
      for (const register of code[i].from) if (!writes.has(register)) reads.add(register)
      if (code[i].to >= 0) writes.add(code[i].to)
    }
    return { first, end, next, reads, writes, alive: new Set(reads) }
  })
}

/** Finds the registers alive at the start of each block, backwards until nothing changes. */
function spread(blocks: readonly Block[]): void {
  for (let changed = true; changed; ) {
    changed = false
    for (let b = blocks.length - 1; b >= 0; b--) {
      const { next, writes, alive } = blocks[b]
      const before = alive.size
      for (const n of next) {
        for (const register of blocks[n].alive) if (!writes.has(register)) alive.add(register)
      }
      if (alive.size !== before) changed = true
    }
  }
}
