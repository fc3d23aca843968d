// Chains: units that work on pieces of the same values, one after the other, so that a piece is still in a cache when the next unit reads it.

import type { Node } from '../graph/node.ts'
import { sizeOf } from '../graph/shape.ts'
import type { LoopLaunch } from '../kernel/loop.ts'
import type { Chaining, Launch } from '../kernel/program.ts'
import { type Table, tableOf } from '../kernel/table.ts'
import { bytesOf } from './classify.ts'
import { Dependencies } from './dependency.ts'
import type { Unit } from './unit.ts'

/**
 * Joins units into chains: a batch of products, as of attention's weights, and what else goes through the same values batch element by batch
 * element. Units of `apart` stay by themselves.
 */
export function chainUnits(
  units: readonly Unit[],
  tables: readonly Table[],
  apart: ReadonlySet<Node>,
  chaining: Chaining,
): readonly Unit[] {
  const seeds = units.filter((unit) => isFree(unit) && batchOf(unit) >= chaining.fewestPieces)
  if (seeds.length === 0) return units
  const dependencies = new Dependencies(units)
  const order = new Map(dependencies.sorted().map((unit, i) => [unit, i]))
  const usersOf = new Map<Node, Unit[]>()
  for (const unit of units) {
    if (!isFree(unit)) continue
    for (const node of unit.buffers) {
      const known = usersOf.get(node)
      if (known) known.push(unit)
      else usersOf.set(node, [unit])
    }
  }
  const chainOf = new Map<Unit, readonly Unit[]>()
  const joined = new Map<Unit, Unit>()
  for (const seed of seeds) {
    if (chainOf.has(seed)) continue
    const grown = new Growing(seed, tables)
    for (let found: Unit | undefined = seed; found; ) {
      found = grown
        .neighbours(usersOf)
        .find((unit) => !chainOf.has(unit) && grown.takes(unit) && !closesCircle([...grown.members, unit]))
      if (found) grown.members.push(found)
    }
    if (grown.members.length === 1 || !grown.pays(chaining)) continue
    const members = grown.members.sort((a, b) => (order.get(a) ?? 0) - (order.get(b) ?? 0))
    const chain = unitOf(members, grown.pieces, grown.cut())
    for (const unit of members) {
      chainOf.set(unit, members)
      joined.set(unit, chain)
    }
  }
  return joined.size === 0 ? units : [...new Set(units.map((unit) => joined.get(unit) ?? unit))]

  /** Whether a unit can be a member at all. */
  function isFree(unit: Unit): boolean {
    const [first, second] = unit.launches
    return (
      first !== undefined &&
      second === undefined &&
      unit.order > 0 &&
      !unit.control &&
      ![...unit.writes].some((node) => apart.has(node))
    )
  }

  /** Whether units would wait for others that wait for them, were they one. */
  function closesCircle(members: readonly Unit[]): boolean {
    const seen = new Set<Unit>()
    const first = Math.min(...members.map((unit) => order.get(unit) ?? 0))
    const stack = members.flatMap((unit) => [...dependencies.of(unit)].filter((d) => !members.includes(d)))
    for (let unit = stack.pop(); unit; unit = stack.pop()) {
      if (members.includes(unit)) return true
      if (seen.has(unit)) continue
      const chain = chainOf.get(unit)
      for (const u of chain ?? [unit]) seen.add(u)
      if (!chain && (order.get(unit) ?? 0) < first) continue
      for (const u of chain ?? [unit]) stack.push(...dependencies.of(u))
    }
    return false
  }
}

/** The batch elements of a product; of other units 0. */
function batchOf({ launches: [{ launch }] }: Unit): number {
  return launch.kind === 'contract' ? launch.batch : 0
}

/** Units that may become a chain of so many pieces as its first one has batch elements. */
class Growing {
  readonly members: Unit[]
  readonly pieces: number
  private readonly tables: readonly Table[]
  private readonly known = new Map<Unit, Map<Node, boolean>>()

  constructor(seed: Unit, tables: readonly Table[]) {
    this.members = [seed]
    this.pieces = batchOf(seed)
    this.tables = tables
  }

  /** Units that use values of which members work on pieces. */
  neighbours(usersOf: ReadonlyMap<Node, readonly Unit[]>): Unit[] {
    const found = new Set<Unit>()
    for (const member of this.members)
      for (const node of member.buffers)
        if (this.isCut(member, node)) for (const unit of usersOf.get(node) ?? []) found.add(unit)
    return [...found].filter((unit) => !this.members.includes(unit))
  }

  /** Whether each piece of the unit needs no other piece of what members write, nor they of what it writes, and shares a value with them. */
  takes(unit: Unit): boolean {
    if (!cutsEvenly(unit, this.pieces)) return false
    let shares = false
    for (const node of unit.buffers) {
      const cut = this.isCut(unit, node)
      for (const member of this.members) {
        if (!member.buffers.includes(node)) continue
        const both = cut && this.isCut(member, node)
        const passes =
          (unit.writes.has(node) && member.reads.has(node)) || (member.writes.has(node) && unit.reads.has(node))
        if (passes && !both) return false
        shares ||= both
      }
    }
    return shares
  }

  /** Values of which all members that use them work on pieces. */
  cut(): Set<Node> {
    const all = new Set(this.members.flatMap((unit) => unit.buffers))
    return new Set(
      [...all].filter((node) => this.members.every((unit) => !unit.buffers.includes(node) || this.isCut(unit, node))),
    )
  }

  pays({ leastBytes, mostBytesOfPiece }: Chaining): boolean {
    let bytes = 0
    for (const node of this.cut()) {
      if (this.members.filter((unit) => unit.buffers.includes(node)).length > 1) bytes += bytesOf(node)
    }
    return bytes >= leastBytes && bytes / this.pieces <= mostBytesOfPiece
  }

  /** Whether piece i of the unit uses piece i of the value only: of as many, one behind the other in memory. */
  private isCut(unit: Unit, node: Node): boolean {
    const known = this.known.get(unit) ?? new Map<Node, boolean>()
    this.known.set(unit, known)
    const before = known.get(node)
    if (before !== undefined) return before
    const size = sizeOf(node.shape) / this.pieces
    const number = unit.buffers.indexOf(node)
    const cut =
      Number.isInteger(size) &&
      cutsEvenly(unit, this.pieces) &&
      waysOf(unit.launches[0].launch, this.tables).every(
        (way) => way?.buffer !== number || isPiece(way, this.pieces, size),
      )
    known.set(node, cut)
    return cut
  }
}

/** How a launch goes through a buffer: from `offset` on over `outer` axes, which pieces are cut from, and in each of these over `inner` ones. */
interface Way {
  readonly buffer: number
  readonly offset: number
  readonly outer: Table
  readonly inner: Table
  /** Whether some places are found while it runs, or are not there. */
  readonly isOpen: boolean
}

function waysOf(launch: Launch, tables: readonly Table[]): readonly Way[] {
  if (launch.kind === 'contract') {
    return [...launch.left, ...launch.right, ...launch.epilogue].map(({ buffer, offset, batch, outer, inner }): Way => {
      const [rows, columns] = [tables[outer], tables[inner]]
      const joined = { extents: [...rows.extents, ...columns.extents], strides: [...rows.strides, ...columns.strides] }
      return { buffer, offset, outer: tables[batch], inner: joined, isOpen: false }
    })
  }
  if (launch.kind !== 'loop') return []
  const { extents, accesses } = launch
  const axes = outerAxes(launch)
  return accesses.map(
    ({ buffer, offset, strides, low, high, indirectExtent }): Way => ({
      buffer,
      offset,
      outer: { extents: extents.slice(0, axes), strides: strides.slice(0, axes) },
      inner: { extents: extents.slice(axes), strides: strides.slice(axes) },
      isOpen: indirectExtent > 0 || extents.some((extent, a) => low[a] > 0 || high[a] < extent),
    }),
  )
}

/** Over how many leading axes the iterations of a loop are numbered. */
function outerAxes({ extents, total }: LoopLaunch): number {
  let axes = 0
  for (let count = 1; count < total; axes++) count *= extents[axes]
  return axes
}

/** Whether a launch can run in so many pieces of equal size. */
function cutsEvenly({ launches: [{ kernel, launch }] }: Unit, pieces: number): boolean {
  if (launch.kind === 'contract') return launch.batch % pieces === 0
  if (launch.kind !== 'loop' || kernel.kind !== 'loop' || launch.total % pieces !== 0) return false
  if (kernel.stages.some((stage) => stage.stores.some(({ mode }) => mode === 'add'))) return false
  const lanes = kernel.parallel === 1 && kernel.vector === 0 ? 16 : 1
  return (launch.total / pieces) % lanes === 0
}

/** Whether pieces go through memory one behind the other, each through no more than its `size`. */
function isPiece({ offset, outer, inner, isOpen }: Way, pieces: number, size: number): boolean {
  const between = { extents: [] as number[], strides: [] as number[] }
  let [low, high] = [offset, offset]
  const within = (extent: number, stride: number): void => {
    if (stride < 0) low += (extent - 1) * stride
    else high += (extent - 1) * stride
  }
  let left = pieces
  outer.extents.forEach((extent, a) => {
    const stride = outer.strides[a]
    const count = Math.min(left, extent)
    if (left % count > 0 || extent % count > 0) left = Number.NaN
    between.extents.push(count)
    between.strides.push((stride * extent) / count)
    within(extent / count, stride)
    left /= count
  })
  inner.extents.forEach((extent, a) => void within(extent, inner.strides[a]))
  if (isOpen || left !== 1 || low < 0 || high >= size) return false
  const { extents, strides } = tableOf(between.extents, between.strides)
  return extents.length === 1 && extents[0] === pieces && strides[0] === size
}

function unitOf(members: readonly Unit[], pieces: number, cut: ReadonlySet<Node>): Unit {
  const all = (of: (unit: Unit) => Iterable<Node>): Set<Node> => new Set(members.flatMap((unit) => [...of(unit)]))
  return {
    launches: [],
    buffers: [...all((unit) => unit.buffers)],
    reads: all((unit) => unit.reads),
    writes: all((unit) => unit.writes),
    order: 1,
    scattered: all((unit) => unit.scattered),
    chain: { members, pieces, cut },
  }
}
