// Dependencies between units: who must have ended before a unit may start.

import type { Node } from '../graph/node.ts'
import type { Unit } from './unit.ts'

/**
 * A unit depends on the writers of what it reads, on fills of what it writes, and on units that `runAfter` puts before
 * it: readers of memory that it overwrites.
 */
export class Dependencies {
  readonly units: readonly Unit[]
  private readonly writers = new Map<Node, Unit[]>()
  private readonly readers = new Map<Node, Unit[]>()
  private readonly direct = new Map<Unit, Set<Unit>>()
  private readonly number = new Map<Unit, number>()
  /** One bit per unit that must come before; made when first asked for. */
  private ancestors: Map<Unit, Uint32Array> | undefined

  constructor(units: readonly Unit[]) {
    this.units = units
    units.forEach((unit, i) => {
      this.number.set(unit, i)
      for (const node of unit.writes) append(this.writers, node, unit)
      for (const node of unit.reads) append(this.readers, node, unit)
    })
    for (const unit of units) {
      const before = new Set<Unit>()
      for (const node of unit.reads) for (const w of this.writersOf(node)) if (w !== unit) before.add(w)
      for (const node of unit.writes) for (const w of this.writersOf(node)) if (w.order < unit.order) before.add(w)
      this.direct.set(unit, before)
    }
  }

  writersOf(node: Node): readonly Unit[] {
    return this.writers.get(node) ?? []
  }
  readersOf(node: Node): readonly Unit[] {
    return this.readers.get(node) ?? []
  }
  of(unit: Unit): ReadonlySet<Unit> {
    return this.direct.get(unit) ?? none
  }

  /** Adds that `unit` waits for `earlier`, which must not depend on it. */
  runAfter(unit: Unit, earlier: readonly Unit[]): void {
    const before = this.direct.get(unit)
    for (const e of earlier) before?.add(e)
    const isRead = [...unit.writes].some((node) => this.readersOf(node).some((r) => r !== unit))
    if (isRead || !this.ancestors) this.ancestors = undefined
    else this.ancestors.set(unit, this.collect(unit, this.ancestors))
  }

  /** Whether `unit` can only start after `other` has ended. */
  dependsOn(unit: Unit, other: Unit): boolean {
    this.ancestors ??= this.allAncestors()
    const bits = this.ancestors.get(unit)
    const i = this.number.get(other) ?? 0
    return bits !== undefined && ((bits[i >>> 5] >>> (i & 31)) & 1) === 1
  }

  /** The units in an order in which each comes after all that it depends on. */
  sorted(): Unit[] {
    const done = new Set<Unit>()
    const open = new Set<Unit>()
    const order: Unit[] = []
    for (const root of this.units) {
      const stack = [root]
      while (stack.length > 0) {
        const unit = stack[stack.length - 1]
        const waiting = done.has(unit) ? [] : [...this.of(unit)].filter((d) => !done.has(d))
        if (waiting.length > 0) {
          if (waiting.some((d) => open.has(d))) throw new Error('compile: kernels depend on each other in a circle')
          open.add(unit)
          stack.push(...waiting)
          continue
        }
        stack.pop()
        open.delete(unit)
        if (!done.has(unit)) order.push(unit)
        done.add(unit)
      }
    }
    return order
  }

  private allAncestors(): Map<Unit, Uint32Array> {
    const all = new Map<Unit, Uint32Array>()
    for (const unit of this.sorted()) all.set(unit, this.collect(unit, all))
    return all
  }

  private collect(unit: Unit, known: ReadonlyMap<Unit, Uint32Array>): Uint32Array {
    const bits = new Uint32Array(Math.ceil(this.units.length / 32))
    for (const d of this.of(unit)) {
      const i = this.number.get(d) ?? 0
      bits[i >>> 5] |= 1 << (i & 31)
      const above = known.get(d)
      if (above) for (let w = 0; w < bits.length; w++) bits[w] |= above[w]
    }
    return bits
  }
}

const none: ReadonlySet<Unit> = new Set()

function append<K, V>(index: Map<K, V[]>, key: K, value: V): void {
  const known = index.get(key)
  if (known) known.push(value)
  else index.set(key, [value])
}
