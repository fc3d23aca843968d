// Planning: the phase of every unit, and where every value lies in the arena.

import type { Node } from '../graph/node.ts'
import type { BufferPlace } from '../kernel/program.ts'
import { bytesOf } from './classify.ts'
import type { Unit } from './unit.ts'

/**
 * A unit runs in the phase after the last unit that it depends on: on writers of what it reads, on fills of what it
 * writes, and, by `after`, on readers of a value that it overwrites.
 */
export function assignPhases(units: readonly Unit[], after: ReadonlyMap<Unit, readonly Unit[]>): Unit[][] {
  const writers = new Map<Node, Unit[]>()
  for (const unit of units) for (const node of unit.writes) writers.set(node, [...(writers.get(node) ?? []), unit])
  const phase = new Map<Unit, number>()
  const visiting = new Set<Unit>()
  const stack: Unit[] = []
  const dependencies = (unit: Unit): Unit[] => [
    ...[...unit.reads].flatMap((node) => (writers.get(node) ?? []).filter((w) => w !== unit)),
    ...[...unit.writes].flatMap((node) => (writers.get(node) ?? []).filter((w) => w.order < unit.order)),
    ...(after.get(unit) ?? []),
  ]
  for (const root of units) {
    stack.push(root)
    while (stack.length > 0) {
      const unit = stack[stack.length - 1] as Unit
      if (phase.has(unit)) {
        stack.pop()
        continue
      }
      const open = dependencies(unit).filter((d) => !phase.has(d))
      if (open.length > 0) {
        if (visiting.has(unit) && open.some((d) => visiting.has(d)))
          throw new Error('compile: kernels depend on each other in a circle')
        visiting.add(unit)
        stack.push(...open)
        continue
      }
      phase.set(unit, 1 + Math.max(-1, ...dependencies(unit).map((d) => phase.get(d) as number)))
      visiting.delete(unit)
      stack.pop()
    }
  }
  const phases: Unit[][] = []
  for (const unit of units) {
    const p = phase.get(unit) as number
    while (phases.length <= p) phases.push([])
    ;(phases[p] as Unit[]).push(unit)
  }
  return phases
}

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
): { places: Map<Node, BufferPlace>; arenaBytes: number } {
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
  const places = new Map<Node, BufferPlace>()
  for (const [node, slot] of bindings) places.set(node, { kind: 'binding', slot, bytes: bytesOf(node) })
  const placed: { first: number; last: number; offset: number; end: number }[] = []
  let arenaBytes = 0
  for (const life of [...lifetimes.values()].sort((a, b) => b.bytes - a.bytes || a.first - b.first)) {
    const busy = placed.filter((p) => p.first <= life.last && p.last >= life.first).sort((a, b) => a.offset - b.offset)
    let offset = slack
    for (const b of busy) {
      if (b.offset - offset >= life.bytes) break
      offset = Math.max(offset, b.end)
    }
    placed.push({ first: life.first, last: life.last, offset, end: offset + life.bytes })
    places.set(life.node, { kind: 'arena', offset, bytes: bytesOf(life.node) })
    arenaBytes = Math.max(arenaBytes, offset + life.bytes)
  }
  return { places, arenaBytes }
}

const round = (bytes: number): number => Math.ceil(bytes / alignment) * alignment
