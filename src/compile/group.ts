// Grouping: which nodes are computed by which kernel. Greedy in topological order; every join is checked against cycles.

import { dtypes } from '../graph/dtype.ts'
import { isOp, type Node } from '../graph/node.ts'
import { isPointwise } from '../graph/ops/pointwise.ts'
import { contiguousStrides, type Dims, forEachIndex, sameShape, sizeOf } from '../graph/shape.ts'
import { topologicalOrder } from '../graph/walk.ts'
import { isDilation, isMovement, matchShapes, movedFrom, reshapeView, resolve, type View, wholeView } from './view.ts'

/** How a node is computed, if at all. */
export type NodeClass =
  | 'leaf'
  /** Written into expressions as a number. */
  | 'constant'
  /** A view; computed only where it has to be moved for real. */
  | 'movement'
  | 'pointwise'
  /** take and takeAlong: a load whose place is read from memory. */
  | 'lookup'
  /** A reduction over few elements at computed places (pooling): unrolled into a pointwise expression of loads. */
  | 'window'
  | 'reduce'
  /** A product too small or of the wrong type for the blocked skeleton: a reduction of a product of two loads. */
  | 'product'
  | 'contract'
  /** concat, dilation: parts written into places of one buffer. */
  | 'assemble'
  | 'scatter'

/**
 * The nodes of one kernel. `domain` is the iteration space; `reduced` marks its axes that reductions of the group run
 * over. A value of the group is at element level (one per point of the domain) or at row level (one per point of the
 * axes that are not reduced).
 */
export interface Group {
  readonly id: number
  kind: 'loop' | 'contract' | 'assemble' | 'scatter'
  domain: Dims
  reduced: readonly boolean[]
  nodes: Node[]
  /** The values that the nodes read, behind their views. */
  reads: Set<Node>
  /** The positions of the first and the last node in the order. */
  first: number
  last: number
}

export interface Grouping {
  readonly order: readonly Node[]
  readonly groups: readonly Group[]
  readonly groupOf: ReadonlyMap<Node, Group>
  readonly classOf: (node: Node) => NodeClass
}

const largestWindow = 25
const smallestContraction = 1 << 13
/** Longer chains are cut: expressions are built by recursion, and kernels have registers to live in. */
const mostNodes = 256

export function classify(node: Node): NodeClass {
  if (node.op === 'leaf' || node.op === 'constant') return node.op
  if (isMovement(node)) return isDilation(node) ? 'assemble' : 'movement'
  if (isPointwise(node.op) || node.op === 'iota') return 'pointwise'
  if (node.op === 'take' || node.op === 'takeAlong') return 'lookup'
  if (node.op === 'concat') return 'assemble'
  if (node.op === 'scatterAdd' || node.op === 'scatterAddAlong') return 'scatter'
  if (isOp(node, 'matmul') || isOp(node, 'conv')) return isLarge(node) ? 'contract' : 'product'
  return isWindow(node) ? 'window' : 'reduce'
}

function isLarge(node: Node<'matmul'> | Node<'conv'>): boolean {
  const [a, b] = node.inputs as [Node, Node]
  const inner = isOp(node, 'matmul') ? (a.shape.at(-1) as number) : sizeOf(b.shape.slice(1))
  const [m, n] = isOp(node, 'matmul')
    ? [node.shape.at(-2) as number, node.shape.at(-1) as number]
    : [b.shape[0] as number, sizeOf(node.shape) / (b.shape[0] as number)]
  return node.dtype === 'float32' && m > 1 && n > 1 && inner > 1 && sizeOf(node.shape) * inner >= smallestContraction
}

function isWindow(node: Node): boolean {
  let at = node.inputs[0] as Node
  while (isMovement(at) && at.op !== 'windows') at = at.inputs[0] as Node
  const { axes } = node.attributes as { axes: Dims }
  const view = resolve(node.inputs[0] as Node)
  if (axes.some((a) => view.bounds[a])) return false
  return at.op === 'windows' && sizeOf(axes.map((a) => (node.inputs[0] as Node).shape[a] as number)) <= largestWindow
}

/** The space over which a node iterates: for reductions the input's, for small products with the inner axes appended. */
export function domainOf(node: Node, kind: NodeClass): { domain: Dims; reduced: boolean[] } {
  const none = (shape: Dims): { domain: Dims; reduced: boolean[] } => ({
    domain: shape,
    reduced: shape.map(() => false),
  })
  if (kind === 'reduce') {
    const { shape } = node.inputs[0] as Node
    const { axes } = node.attributes as { axes: Dims }
    return { domain: shape, reduced: shape.map((_, a) => axes.includes(a)) }
  }
  if (kind === 'product') {
    const [a, b] = node.inputs as [Node, Node]
    const inner = isOp(node, 'matmul') ? [a.shape.at(-1) as number] : b.shape.slice(1)
    const outer = isOp(node, 'conv') ? groupedConvShape(node) : node.shape
    return { domain: [...outer, ...inner], reduced: [...outer.map(() => false), ...inner.map(() => true)] }
  }
  if (kind === 'contract' && isOp(node, 'conv')) return none(groupedConvShape(node))
  if (kind === 'movement') return none(movedFrom(node).shape)
  return none(node.shape)
}

/** The output of a convolution with its channels split by groups: [n, groups, o / groups, ...spatial]. */
const groupedConvShape = (node: Node<'conv'>): number[] => {
  const { groups } = node.attributes
  return [node.shape[0] as number, groups, (node.shape[1] as number) / groups, ...node.shape.slice(2)]
}

/** The parallel part of a domain. */
export const rowShape = (domain: Dims, reduced: readonly boolean[]): number[] => domain.filter((_, a) => !reduced[a])

export function groupNodes(outputs: readonly Node[]): Grouping {
  const classes = new Map<Node, NodeClass>()
  const classOf = (node: Node): NodeClass => {
    const known = classes.get(node)
    if (known) return known
    const found = classify(node)
    classes.set(node, found)
    return found
  }
  const order = topologicalOrder(outputs)
  const groups = new Map<number, Group>()
  const groupOf = new Map<Node, Group>()
  const consumers = new Map<Node, number>()
  for (const node of order) for (const x of node.inputs) consumers.set(x, (consumers.get(x) ?? 0) + 1)
  const windows = new Map<Node, Node>()
  let nextId = 0

  const moved = movesMade(order, outputs, classOf)
  const outputSet = new Set(outputs)
  order.forEach((node, position) => {
    const kind = classOf(node)
    if (kind === 'leaf' || kind === 'constant' || (kind === 'movement' && !moved.has(node))) return
    const space = domainOf(node, kind)
    const group: Group = {
      id: nextId++,
      kind:
        kind === 'contract' ? 'contract' : kind === 'assemble' ? 'assemble' : kind === 'scatter' ? 'scatter' : 'loop',
      ...space,
      nodes: [node],
      reads: new Set(operandsOf(node, kind).map((view) => view.base)),
      first: position,
      last: position,
    }
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
    if (a.nodes.length + b.nodes.length > mostNodes) return undefined
    const [into, other] = b.kind === 'contract' ? [b, a] : [a, b]
    const space = commonSpace(into, other)
    if (!space || createsCycle(into, other)) return undefined
    if (into.kind === 'contract' && space.reduced.some((r) => r)) return undefined
    const isMember = (x: Node): boolean => {
      const home = groupOf.get(x)
      return home === into || home === other
    }
    const same = sameShape(space.domain, into.domain) && space.reduced.every((r, i) => r === into.reduced[i])
    const changed = same ? other.nodes : [...into.nodes, ...other.nodes]
    if (!changed.every((n) => fits(n, { ...into, ...space }, isMember, classOf))) return undefined
    if (into.kind === 'contract' && !other.nodes.every((n) => fitsEpilogue(n))) return undefined
    into.domain = space.domain
    into.reduced = space.reduced
    into.nodes.push(...other.nodes)
    for (const base of other.reads) into.reads.add(base)
    into.first = Math.min(into.first, other.first)
    into.last = Math.max(into.last, other.last)
    for (const n of other.nodes) groupOf.set(n, into)
    groups.delete(other.id)
    return into
  }

  /** A space in which both groups can iterate: the finer of their domains, with the reductions of the one that has any. */
  function commonSpace(a: Group, b: Group): { domain: Dims; reduced: readonly boolean[] } | undefined {
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
  function reducesInRows(space: { domain: Dims; reduced: readonly boolean[] }, plain: Group): boolean {
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
    const indirectly = (from: Group, target: Group): boolean => {
      const seen = new Set<Group>([from])
      const stack = producers(from).filter((p) => p !== target)
      while (stack.length > 0) {
        const group = stack.pop() as Group
        if (group === target) return true
        // A group that ends before the target begins cannot read it.
        if (group.last < target.first || seen.has(group)) continue
        seen.add(group)
        stack.push(...producers(group))
      }
      return false
    }
    return indirectly(a, b) || indirectly(b, a)
  }
}

/** The space with its axes split so that they match the finer shape, or undefined when that shape does not refine it. */
export function refine(
  space: { domain: Dims; reduced: readonly boolean[] },
  finer: Dims,
): { domain: Dims; reduced: readonly boolean[] } | undefined {
  if (sameShape(space.domain, finer)) return space
  const pieces = matchShapes(space.domain, finer)
  if (!pieces) return undefined
  const reduced = finer.map(() => false)
  for (const { from, to } of pieces) {
    const real = from.filter((a) => space.domain[a] !== 1)
    if (real.length > 1) return undefined
    if (real.length === 1)
      for (const a of to) reduced[a] = (space.reduced[real[0] as number] as boolean) && finer[a] !== 1
  }
  return { domain: finer, reduced }
}

/** What a node reads, as views. Products and contractions take no views with bounds: a padded operand is made first. */
export function operandsOf(node: Node, kind: NodeClass): View[] {
  if (kind === 'movement') return [movedFrom(node)]
  return node.inputs.map(kind === 'product' || kind === 'contract' ? unbounded : resolve)
}

function unbounded(x: Node): View {
  const view = resolve(x)
  return view.bounds.some((b) => b) ? wholeView(x) : view
}

/** Movements that no stride expresses, and movements that are outputs: these are copied. */
function movesMade(order: readonly Node[], outputs: readonly Node[], classOf: (n: Node) => NodeClass): Set<Node> {
  const made = new Set<Node>()
  const visit = (view: View): void => {
    for (let base = view.base; classOf(base) === 'movement' && !made.has(base); base = movedFrom(base).base)
      made.add(base)
  }
  for (const node of order)
    if (classOf(node) !== 'movement') for (const view of operandsOf(node, classOf(node))) visit(view)
  for (const o of outputs) {
    if (classOf(o) !== 'movement') continue
    made.add(o)
    visit(movedFrom(o))
  }
  return made
}

export type Level = 'element' | 'row'

/** Whether a node's result is one value per element or per row of the group. */
export function levelOf(node: Node, group: Group, kind: NodeClass): Level {
  if (!group.reduced.includes(true)) return 'element'
  if (kind === 'reduce' || kind === 'product') return 'row'
  const size = kind === 'movement' ? sizeOf(movedFrom(node).shape) : sizeOf(node.shape)
  return size === sizeOf(group.domain) ? 'element' : 'row'
}

/**
 * How the view of an operand looks from a group's loop axes: strides over the whole domain (element level) or over its
 * rows, spread over the domain with 0 along reduced axes. Undefined when no strides express it.
 */
export function seenFrom(
  group: { domain: Dims; reduced: readonly boolean[] },
  level: Level,
  view: View,
): View | undefined {
  if (level === 'element') return reshapeView(view, group.domain)
  const rows = reshapeView(view, rowShape(group.domain, group.reduced))
  if (!rows) return undefined
  let next = 0
  const place = group.reduced.map((r) => (r ? -1 : next++))
  return {
    ...rows,
    shape: group.domain,
    strides: place.map((p) => (p < 0 ? 0 : (rows.strides[p] as number))),
    bounds: place.map((p) => (p < 0 ? undefined : rows.bounds[p])),
  }
}

/** True when a view, seen from the loop axes, reads exactly the value that the group computes at the same point. */
export function readsSamePoint(
  group: { domain: Dims; reduced: readonly boolean[] },
  level: Level,
  seen: View,
): boolean {
  if (seen.offset !== 0 || seen.bounds.some((b) => b)) return false
  const points = sizeOf(level === 'element' ? group.domain : rowShape(group.domain, group.reduced))
  if (sizeOf(seen.base.shape) !== points) return false
  const straight = level === 'element' ? contiguousStrides(group.domain) : rowStrides(group.domain, group.reduced)
  return group.domain.every((extent, axis) => extent === 1 || seen.strides[axis] === straight[axis])
}

/** Strides of a contiguous array of rows, 0 along reduced axes. */
export function rowStrides(domain: Dims, reduced: readonly boolean[]): number[] {
  const strides = contiguousStrides(rowShape(domain, reduced))
  let next = 0
  return domain.map((_, axis) => (reduced[axis] ? 0 : (strides[next++] as number)))
}

/** Whether a node can be computed over a group's domain: every operand is seen, and members are read at the same point. */
export function fits(
  node: Node,
  group: Group,
  isMember: (base: Node) => boolean,
  classOf: (n: Node) => NodeClass,
): boolean {
  const kind = classOf(node)
  if (kind === 'product' || kind === 'contract') {
    // Their operands are loaded by views of their own over the refined domain, and are no members.
    return node.inputs.every((x) => !isMember(unbounded(x).base)) && operandViews(node, group) !== undefined
  }
  const level = kind === 'reduce' ? 'element' : levelOf(node, group, kind)
  const operands = kind === 'lookup' ? lookupViews(node) : operandsOf(node, kind)
  if (kind === 'window')
    return windowViews(node).every((view) => !isMember(view.base) && seenFrom(group, level, view) !== undefined)
  return operands.every((view, i) => {
    const seen = seenFrom(group, level, view)
    if (!seen) return false
    if (!isMember(view.base)) return true
    // What a lookup reads lies anywhere.
    if (kind === 'lookup' && i === 0) return false
    const base = levelOf(view.base, group, classOf(view.base))
    return readsSamePoint(group, base, seen) && !(level === 'row' && base === 'element')
  })
}

/** The operands of take and takeAlong over the result's axes: the array with the looked-up axis left out, and the indices. */
export function lookupViews(node: Node): [View, View] {
  const [x, indices] = node.inputs as [Node, Node]
  const { axis } = node.attributes as { axis: number }
  const [source, at] = [resolve(x), resolve(indices)]
  if (node.op === 'takeAlong') {
    const cut = source.strides.map((s, a) => (a === axis ? 0 : s))
    return [{ ...source, shape: node.shape, strides: cut }, at]
  }
  const own = indices.shape.length
  const before = source.strides.slice(0, axis)
  const after = source.strides.slice(axis + 1)
  const none = (n: number): undefined[] => new Array<undefined>(n).fill(undefined)
  const zero = (n: number): number[] => new Array<number>(n).fill(0)
  return [
    {
      ...source,
      shape: node.shape,
      strides: [...before, ...zero(own), ...after],
      bounds: [...source.bounds.slice(0, axis), ...none(own), ...source.bounds.slice(axis + 1)],
    },
    {
      ...at,
      shape: node.shape,
      strides: [...zero(before.length), ...at.strides, ...zero(after.length)],
      bounds: [...none(before.length), ...at.bounds, ...none(after.length)],
    },
  ]
}

/** The operand of a small reduction at each of the reduced positions, as views of the result's shape. */
export function windowViews(node: Node): View[] {
  const view = resolve(node.inputs[0] as Node)
  const { axes } = node.attributes as { axes: Dims }
  const kept = view.shape.map((_, a) => a).filter((a) => !axes.includes(a))
  const views: View[] = []
  forEachIndex(
    axes.map((a) => view.shape[a] as number),
    (index) => {
      views.push({
        ...view,
        shape: node.shape,
        strides: kept.map((a) => view.strides[a] as number),
        bounds: kept.map((a) => view.bounds[a]),
        offset: view.offset + axes.reduce((sum, a, i) => sum + (index[i] as number) * (view.strides[a] as number), 0),
      })
    },
  )
  return views
}

/**
 * The operands of a product over [...outer axes, ...inner axes]. For a matrix product the outer axes are
 * [...batch, m, n] and the inner one k; for a correlation [n, group, o, ...spatial] and [c, ...kernel].
 */
export function productViews(node: Node<'matmul'> | Node<'conv'>): {
  left: View
  right: View
  outer: number
  inner: number
} {
  const [a, b] = node.inputs.map(unbounded) as [View, View]
  if (isOp(node, 'matmul')) {
    const batch = node.shape.length - 2
    const [m, n, k] = [node.shape[batch] as number, node.shape[batch + 1] as number, a.shape[batch + 1] as number]
    const shape = [...node.shape.slice(0, batch), m, n, k]
    const pick = <T>(list: readonly T[], axes: readonly (number | undefined)[], none: T): T[] =>
      axes.map((x) => (x === undefined ? none : (list[x] as T)))
    const lead = [...Array(batch).keys()]
    const left = [...lead, batch, undefined, batch + 1]
    const right = [...lead, undefined, batch + 1, batch]
    return {
      left: { ...a, shape, strides: pick(a.strides, left, 0), bounds: pick(a.bounds, left, undefined) },
      right: { ...b, shape, strides: pick(b.strides, right, 0), bounds: pick(b.bounds, right, undefined) },
      outer: batch + 2,
      inner: 1,
    }
  }
  const { strides, dilation } = (node as Node<'conv'>).attributes
  const outShape = groupedConvShape(node as Node<'conv'>)
  const kernel = (node.inputs[1] as Node).shape.slice(1)
  const [channels, outputs] = [kernel[0] as number, outShape[2] as number]
  const spatial = strides.length
  const none = new Array<undefined>(spatial).fill(undefined)
  const zero = new Array<number>(spatial).fill(0)
  const [sn, sc, ...sx] = a.strides as [number, number, ...number[]]
  const [wo, ...wk] = b.strides as [number, ...number[]]
  const shape = [...outShape, ...kernel]
  const noneAll = shape.map(() => undefined)
  return {
    left: {
      ...a,
      shape,
      strides: [
        sn,
        sc * channels,
        0,
        ...sx.map((s, i) => s * (strides[i] as number)),
        sc,
        ...sx.map((s, i) => s * (dilation[i] as number)),
      ],
      bounds: noneAll,
    },
    right: {
      ...b,
      shape,
      strides: [0, wo * outputs, wo, ...zero, ...wk],
      bounds: [...none, ...noneAll].slice(0, shape.length),
    },
    outer: outShape.length,
    inner: kernel.length,
  }
}

/** The operands of a product or contraction over a group's domain, whose outer axes may be refined, followed by the inner axes. */
export function operandViews(
  node: Node,
  group: { domain: Dims; reduced: readonly boolean[] },
): { left: View; right: View } | undefined {
  const { left, right, inner } = productViews(node as Node<'matmul'> | Node<'conv'>)
  const innerShape = left.shape.slice(left.shape.length - inner)
  const outer = group.reduced.includes(true) ? rowShape(group.domain, group.reduced) : group.domain
  const target = [...outer, ...innerShape]
  const [l, r] = [reshapeView(left, target), reshapeView(right, target)]
  return l && r && { left: l, right: r }
}

/** The bytes of a node's value. */
export const bytesOf = (node: Node): number => sizeOf(node.shape) * dtypes[node.dtype].bytes
