// Planning: the phase of every unit, and where every value lies in the arena.

import { dtypes } from '../graph/dtype.ts'
import type { Node } from '../graph/node.ts'
import { sizeOf } from '../graph/shape.ts'
import { bytesOf } from './classify.ts'
import type { Dependencies } from './dependency.ts'
import { type Block, membersOf, type Unit } from './unit.ts'

/** A unit runs in the phase after the last unit that it depends on. */
export function assignPhases(dependencies: Dependencies): Unit[][] {
  const phase = new Map<Unit, number>()
  const phases: Unit[][] = []
  for (const unit of dependencies.sorted()) {
    let p = 0
    for (const d of dependencies.of(unit)) p = Math.max(p, 1 + (phase.get(d) ?? -1))
    phase.set(unit, p)
    while (phases.length <= p) phases.push([])
    phases[p].push(unit)
  }
  return phases
}

type Place = Block['places'] extends ReadonlyMap<Node, infer P> ? P : never

const alignment = 64
/** Room after every value, because vector loads may read a few elements past it. */
const slack = 64

interface Lifetime {
  readonly bytes: number
  readonly first: number
  last: number
  offset: number
}

/**
 * Places every value without a binding in the arena; values share memory where none of their phases coincide, and where a kernel writes
 * one over another. Largest first, lowest gap.
 */
export function planMemory(
  phases: readonly (readonly Unit[])[],
  bindings: ReadonlyMap<Node, number>,
): Pick<Block, 'places' | 'arenaBytes'> {
  const lifetimes = new Map<Node, Lifetime>()
  phases.forEach((units, phase) => {
    for (const unit of units) {
      for (const node of unit.buffers) {
        if (bindings.has(node)) continue
        const known = lifetimes.get(node)
        if (known) known.last = phase
        else lifetimes.set(node, { bytes: round(bytesOf(node) + slack), first: phase, last: phase, offset: 0 })
      }
    }
  })
  writeOver(phases, lifetimes)
  // By their offsets
  const placed: Lifetime[] = []
  let arenaBytes = 0
  for (const life of [...new Set(lifetimes.values())].sort((a, b) => b.bytes - a.bytes || a.first - b.first)) {
    life.offset = slack
    for (const other of placed) {
      if (other.first > life.last || other.last < life.first) continue
      if (other.offset - life.offset >= life.bytes) break
      life.offset = Math.max(life.offset, other.offset + other.bytes)
    }
    placed.splice(placesBefore(placed, life.offset), 0, life)
    arenaBytes = Math.max(arenaBytes, life.offset + life.bytes)
  }
  const places: Map<Node, Place> = new Map()
  for (const [node, slot] of bindings) places.set(node, { kind: 'binding', slot, bytes: bytesOf(node) })
  for (const [node, { offset }] of lifetimes) places.set(node, { kind: 'arena', offset, bytes: bytesOf(node) })
  return { places, arenaBytes }
}

/** Gives results the memory of what their kernel is the last to read, and reads at the very points where it writes: that is in a cache. */
function writeOver(phases: readonly (readonly Unit[])[], lifetimes: Map<Node, Lifetime>): void {
  const writers = new Map<Node, number>()
  for (const unit of phases.flat().flatMap(membersOf))
    for (const node of unit.writes) writers.set(node, (writers.get(node) ?? 0) + 1)
  const uses = (unit: Unit, life: Lifetime): Node[] => unit.buffers.filter((node) => lifetimes.get(node) === life)
  phases.forEach((units, phase) => {
    const users = new Map<Lifetime, number>()
    for (const unit of units) {
      for (const life of new Set(unit.buffers.map((node) => lifetimes.get(node))))
        if (life) users.set(life, (users.get(life) ?? 0) + 1)
    }
    for (const unit of units) {
      const members = membersOf(unit)
      members.forEach((member, i) => {
        if (member.control || member.launches.length !== 1) return
        const taken = new Set<Lifetime>()
        /** Whether no other member uses a memory later, or another piece of it. */
        const isLast = (life: Lifetime): boolean =>
          members.every(
            (other, j) => other === member || uses(other, life).every((node) => j < i && unit.chain?.cut.has(node)),
          )
        for (const node of member.writes) {
          const own = lifetimes.get(node)
          if (!own || own.first !== phase || writers.get(node) !== 1) continue
          for (const read of member.reads) {
            const life = lifetimes.get(read)
            if (!life || life === own || life.last !== phase || users.get(life) !== 1 || taken.has(life)) continue
            if (member.scattered.has(read) || !isAlike(read, node) || !isLast(life)) continue
            life.last = own.last
            taken.add(life)
            lifetimes.set(node, life)
            break
          }
        }
      })
    }
  })
}

/** Whether equal points of two values are equal bytes. */
const isAlike = (a: Node, b: Node): boolean =>
  sizeOf(a.shape) === sizeOf(b.shape) && dtypes[a.dtype].bytes === dtypes[b.dtype].bytes

/** How many of the places, which are sorted, begin at this offset or before it. */
function placesBefore(placed: readonly { readonly offset: number }[], offset: number): number {
  let [low, high] = [0, placed.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (placed[middle].offset <= offset) low = middle + 1
    else high = middle
  }
  return low
}

const round = (bytes: number): number => Math.ceil(bytes / alignment) * alignment
