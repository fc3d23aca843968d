// Grouping: which nodes are computed by which kernel. Greedy in topological order; every join is checked against cycles.

import { isMovement } from '../graph/movements.ts'
import type { Node } from '../graph/node.ts'
import { type Dims, sameShape, sizeOf } from '../graph/shape.ts'
import { wholeOrder } from '../graph/walk.ts'
import { classify, domainOf, type NodeClass } from './classify.ts'
import { fits } from './fit.ts'
import { operandsOf } from './operand.ts'
import { refine, rowShape, type Space } from './space.ts'
import { matchShapes, movedFrom, type View } from './view.ts'

/**
 * The nodes of one kernel. `domain` is the iteration space; `reduced` marks its axes that reductions of the group run
 * over. A value of the group is at element level (one per point of the domain) or at row level (one per point of the
 * axes that are not reduced).
 */
export interface Group extends Space {
  readonly id: number
  kind: 'loop' | 'contract' | 'assemble' | 'scatter' | 'routine' | 'control'
  domain: Dims
  reduced: readonly boolean[]
  nodes: Node[]
  /** The values that the nodes read, behind their views. */
  reads: Set<Node>
  /** The nodes of other groups that read its values. */
  readers: Node[]
  /** The position of its last node in the order, and that of the last node among all that it waits for. */
  last: number
  reach: number
  /** The last search that came by. */
  search: number
}

export interface Grouping {
  readonly order: readonly Node[]
  readonly groups: readonly Group[]
  readonly groupOf: ReadonlyMap<Node, Group>
  readonly classOf: (node: Node) => NodeClass
}

/** Classes of nodes whose groups are of a kind of their own. */
const ownKinds: ReadonlySet<NodeClass> = new Set<NodeClass>(['contract', 'assemble', 'scatter', 'routine', 'control'])

/** Longer chains are cut: expressions are built by recursion, and kernels have registers to live in. */
const mostNodes = 256

export function groupNodes(outputs: readonly Node[]): Grouping {
  const classes = new Map<Node, NodeClass>()
  const classOf = (node: Node): NodeClass => {
    const known = classes.get(node)
    if (known) return known
    const found = classify(node)
    classes.set(node, found)
    return found
  }
  const order = wholeOrder(outputs)
  const groups = new Map<number, Group>()
  const groupOf = new Map<Node, Group>()
  const consumers = new Map<Node, number>()
  for (const node of order) for (const x of node.inputs) consumers.set(x, (consumers.get(x) ?? 0) + 1)
  const windows = new Map<Node, Node>()
  let nextId = 0
  let searches = 0

  const moved = movesMade(order, outputs, classOf)
  const outputSet = new Set(outputs)
  order.forEach((node, position) => {
    const kind = classOf(node)
    if (kind === 'leaf' || kind === 'constant' || (kind === 'movement' && !moved.has(node))) return
    if (kind === 'part') {
      const home = groupOf.get(node.inputs[0]) as Group
      home.nodes.push(node)
      home.last = position
      groupOf.set(node, home)
      raise(home, position)
      return
    }
    const space = domainOf(node, kind)
    const group: Group = {
      id: nextId++,
      kind: ownKinds.has(kind) ? (kind as Group['kind']) : 'loop',
      ...space,
      nodes: [node],
      reads: basesOf(operandsOf(node, kind)),
      readers: [],
      last: position,
      reach: position,
      search: 0,
    }
    for (const base of group.reads) groupOf.get(base)?.readers.push(node)
    groups.set(group.id, group)
    groupOf.set(node, group)
    if (kind === 'pointwise' || kind === 'lookup' || kind === 'reduce' || kind === 'movement') join(group)
    if (kind === 'window') {
      // Several reductions over the same windows share their loads.
      const sibling = windows.get(node.inputs[0] as Node)
      if (sibling) tryMerge(groupOf.get(sibling) as Group, group)
      else windows.set(node.inputs[0] as Node, node)
    }
  })
  return { order, groups: [...groups.values()], groupOf, classOf }

  /** Merges a fresh group of one node with the groups of its producers, latest first, where that is allowed. */
  function join(fresh: Group): void {
    let current = fresh
    for (const candidate of producers(fresh).sort((a, b) => b.id - a.id)) {
      if (candidate.kind !== 'loop' && candidate.kind !== 'contract') continue
      if (!groups.has(candidate.id) || candidate === current) continue
      const merged = tryMerge(candidate, current)
      if (merged) current = merged
    }
  }

  function tryMerge(a: Group, b: Group): Group | undefined {
    if (a.kind === 'contract' && b.kind === 'contract') return undefined
    if (a.nodes.length + b.nodes.length > mostNodes || isSingleProduct(a) || isSingleProduct(b)) return undefined
    const [into, other] = b.kind === 'contract' ? [b, a] : [a, b]
    const space = commonSpace(into, other)
    if (!space || createsCycle(into, other)) return undefined
    if (into.kind === 'contract' && space.reduced.some((r) => r)) return undefined
    const isMember = (x: Node): boolean => {
      const home = groupOf.get(x)
      return home === into || home === other
    }
    const same = sameShape(space.domain, into.domain) && space.reduced.every((r, i) => r === into.reduced[i])
    // What a contraction reads, though over the same space, may come to lie in its own group.
    const changed = same && into === a ? other.nodes : [...into.nodes, ...other.nodes]
    if (!changed.every((n) => fits(n, { ...into, ...space }, isMember, classOf))) return undefined
    if (into.kind === 'contract' && !other.nodes.every((n) => fitsEpilogue(n))) return undefined
    into.domain = space.domain
    into.reduced = space.reduced
    into.nodes.push(...other.nodes)
    for (const base of other.reads) into.reads.add(base)
    into.last = Math.max(into.last, other.last)
    for (const n of other.nodes) groupOf.set(n, into)
    groups.delete(other.id)
    into.readers = [...into.readers, ...other.readers].filter((n) => groupOf.get(n) !== into)
    raise(into, Math.max(into.reach, other.reach))
    return into
  }

  /** Whoever waits for a group waits for all that it waits for. */
  function raise(group: Group, reach: number): void {
    group.reach = reach
    const stack = [group]
    for (let g = stack.pop(); g; g = stack.pop()) {
      for (const reader of g.readers) {
        const home = groupOf.get(reader)
        if (!home || home.reach >= reach) continue
        home.reach = reach
        stack.push(home)
      }
    }
  }

  /** A product over one inner element reduces over nothing that another group could share. */
  function isSingleProduct(g: Group): boolean {
    return !g.reduced.includes(true) && g.nodes.some((n) => classOf(n) === 'product')
  }

  /** A space in which both groups can iterate: the finer of their domains, with the reductions of the one that has any. */
  function commonSpace(a: Group, b: Group): Space | undefined {
    const [ra, rb] = [a.reduced.includes(true), b.reduced.includes(true)]
    if (ra && rb) {
      const refined = refine(a, b.domain) ?? a
      const other = refine(b, a.domain) ?? b
      if (sameShape(refined.domain, other.domain) && refined.reduced.every((r, i) => r === other.reduced[i]))
        return refined
      return undefined
    }
    if (!ra && !rb) return refine(a, b.domain) ?? (refine(b, a.domain) ? a : undefined)
    const [rows, plain] = ra ? [a, b] : [b, a]
    // At element level, or at row level.
    if (sizeOf(plain.domain) === sizeOf(rows.domain)) {
      const space = refine(rows, plain.domain) ?? (refine(plain, rows.domain) ? rows : undefined)
      return space && reducesInRows(space, plain) ? space : undefined
    }
    const parallel = rowShape(rows.domain, rows.reduced)
    return sizeOf(plain.domain) === sizeOf(parallel) &&
      matchShapes(parallel, plain.domain)?.every((p) => p.from.length <= 1 || p.to.length <= 1)
      ? rows
      : undefined
  }

  /** Element values beside a reduction are only computed in one sweep where the reduction runs along rows. */
  function reducesInRows(space: Space, plain: Group): boolean {
    const first = space.reduced.indexOf(true)
    const trailing = space.reduced.slice(first).every((r) => r)
    const rows = sizeOf(space.domain.slice(0, first))
    const length = sizeOf(space.domain.slice(first))
    if (trailing) return rows >= 4 || rows * length <= 1 << 14
    // Over outer axes: only what nobody else reads, so that nothing is stored element by element.
    return plain.nodes.every((n) => consumers.get(n) === 1 && !outputSet.has(n))
  }

  function producers(g: Group): Group[] {
    const found = new Set<Group>()
    for (const base of g.reads) {
      const home = groupOf.get(base)
      if (home && home !== g) found.add(home)
    }
    return [...found]
  }

  /** Epilogues load by tables, in 32-bit lanes. */
  function fitsEpilogue(node: Node): boolean {
    return (
      classOf(node) === 'pointwise' &&
      node.op !== 'iota' &&
      [node, ...node.inputs].every((x) => x.dtype !== 'float64') &&
      operandsOf(node, 'pointwise').every((view) => !view.bounds.some((b) => b))
    )
  }

  function createsCycle(a: Group, b: Group): boolean {
    return readsThroughOthers(a, b) || readsThroughOthers(b, a)
  }

  function readsThroughOthers(from: Group, target: Group): boolean {
    if (target.readers.every((n) => groupOf.get(n) === from)) return false
    const search = ++searches
    from.search = search
    const stack = [from]
    for (let group = stack.pop(); group; group = stack.pop()) {
      for (const base of group.reads) {
        const producer = groupOf.get(base)
        if (!producer || producer.search === search) continue
        if (producer === target) {
          if (group !== from) return true
        } else if (producer.reach >= target.last) {
          producer.search = search
          stack.push(producer)
        }
      }
    }
    return false
  }
}

function basesOf(views: readonly View[]): Set<Node> {
  const bases = new Set<Node>()
  for (let i = 0; i < views.length; i++) bases.add(views[i].base)
  return bases
}

/** Movements that no stride expresses, and movements that are outputs: these are copied. */
function movesMade(order: readonly Node[], outputs: readonly Node[], classOf: (n: Node) => NodeClass): Set<Node> {
  const made = new Set<Node>()
  const reads = (view: View): void => {
    for (let base = view.base; classOf(base) === 'movement' && !made.has(base); base = movedFrom(base).base)
      made.add(base)
  }
  for (const node of order) {
    const kind = classOf(node)
    // A base that is a movement is that of no view that lies over it.
    if (kind === 'movement' || !node.inputs.some(isMovement)) continue
    for (const view of operandsOf(node, kind)) reads(view)
  }
  for (const o of outputs) {
    if (classOf(o) !== 'movement') continue
    made.add(o)
    reads(movedFrom(o))
  }
  return made
}
