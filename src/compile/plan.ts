// Planning: the phase of every unit, and where every value lies in the arena.

import type { Node } from '../graph/node.ts'
import { bytesOf } from './classify.ts'
import type { Dependencies } from './dependency.ts'
import type { Block, Unit } from './unit.ts'

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
  readonly node: Node
  readonly bytes: number
  first: number
  last: number
}

/** Places every value without a binding in the arena; values share memory where none of their phases coincide. Largest first, lowest gap. */
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
        else lifetimes.set(node, { node, bytes: round(bytesOf(node) + slack), first: phase, last: phase })
      }
    }
  })
  const places: Map<Node, Place> = new Map()
  for (const [node, slot] of bindings) places.set(node, { kind: 'binding', slot, bytes: bytesOf(node) })
  // By their offsets
  const placed: { first: number; last: number; offset: number; end: number }[] = []
  let arenaBytes = 0
  for (const life of [...lifetimes.values()].sort((a, b) => b.bytes - a.bytes || a.first - b.first)) {
    let offset = slack
    for (const other of placed) {
      if (other.first > life.last || other.last < life.first) continue
      if (other.offset - offset >= life.bytes) break
      offset = Math.max(offset, other.end)
    }
    const place = { first: life.first, last: life.last, offset, end: offset + life.bytes }
    placed.splice(placesBefore(placed, offset), 0, place)
    places.set(life.node, { kind: 'arena', offset, bytes: bytesOf(life.node) })
    arenaBytes = Math.max(arenaBytes, offset + life.bytes)
  }
  return { places, arenaBytes }
}

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
