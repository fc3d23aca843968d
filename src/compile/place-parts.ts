// Values that the kernels which compute them write where they belong, instead of memory of their own: parts of a concat, and
// what would only be copied into another order.

import { isOp, type Node } from '../graph/node.ts'
import { type Dims, sizeOf } from '../graph/shape.ts'
import { levelOf } from './fit.ts'
import type { Grouping } from './group.ts'
import { reshapeView, type View, wholeView } from './view.ts'

/** Shorter runs of memory are better copied than written element by element. */
const shortestRun = 32

export interface Placed {
  /** For each part its place in the whole, along its kernel's axes (a concat's own axes). */
  readonly parts: ReadonlyMap<Node, View>
  /** Copies that nobody has to make: of parts. */
  readonly spared: ReadonlySet<Node>
}

/** The stored values, and concats, that only one whole reads, once: of kernels whose axes the place has too. */
export function placedParts(
  { order, groupOf, classOf }: Grouping,
  outputs: readonly Node[],
  stored: ReadonlySet<Node>,
): Placed {
  const parts = new Map<Node, View>()
  const spared = new Set<Node>()
  const isWhole = (node: Node): node is Order | Node<'concat'> =>
    isOp(node, 'concat') || (isOrder(node) && stored.has(node) && groupOf.get(node)?.nodes.length === 1)
  const wholes = order.filter(isWhole).filter((node) => sizeOf(node.shape) > 0)
  if (wholes.length === 0) return { parts, spared }
  const readers = new Map<Node, number>()
  const count = (node: Node): unknown => readers.set(node, (readers.get(node) ?? 0) + 1)
  outputs.forEach(count)
  for (const node of order) node.inputs.forEach(count)
  const isAlone = (node: Node): boolean => readers.get(node) === 1

  /** The axes that the kernel of a stored value walks, if it writes one element at each. */
  const walked = (node: Node): Dims | undefined => {
    const group = groupOf.get(node)
    if (group?.kind === 'assemble' && isOp(node, 'concat')) return node.shape
    if (group?.kind === 'contract') return group.domain
    return group?.kind === 'loop' && levelOf(node, group, classOf(node)) === 'element' ? group.domain : undefined
  }

  /** Whether what a value is, perhaps in another order, is written to its place at once. */
  const place = (moved: Node, at: View | undefined): boolean => {
    let value = moved
    let view = at
    for (; view && isOrder(value) && isAlone(value) && !stored.has(value); value = value.inputs[0])
      view = movedBack(view, value)
    const domain = view && stored.has(value) && isAlone(value) ? walked(value) : undefined
    const found = view && domain && reshapeView(view, domain)
    if (!found || unbroken(found) < shortestRun) return false
    parts.set(value, found)
    return true
  }

  // A whole after the wholes that it is a part of.
  for (const whole of wholes.reverse()) {
    const known = parts.get(whole)
    const own = known ? reshapeView(known, whole.shape) : wholeView(whole)
    if (!own) continue
    if (isOrder(whole)) {
      if (place(whole.inputs[0], movedBack(own, whole))) spared.add(whole)
      continue
    }
    const { axis } = whole.attributes
    let start = 0
    for (const part of whole.inputs) {
      place(part, { ...own, shape: part.shape, offset: own.offset + start * own.strides[axis] })
      start += part.shape[axis]
    }
  }
  return { parts, spared }
}

/** A value in another order. */
type Order = Node<'reshape'> | Node<'transpose'>

const isOrder = (node: Node): node is Order => isOp(node, 'reshape') || isOp(node, 'transpose')

/** Where the elements of what a node moves belong, if strides say so, when the view says it of the node's. */
function movedBack(view: View, node: Order): View | undefined {
  const { shape } = node.inputs[0]
  if (isOp(node, 'reshape')) return reshapeView(view, shape)
  const strides = new Array<number>(shape.length)
  node.attributes.permutation.forEach((axis, i) => {
    strides[axis] = view.strides[i]
  })
  return { ...view, shape, strides }
}

/** How many elements at the end of a view lie next to each other. */
function unbroken({ shape, strides }: View): number {
  let run = 1
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] === 1) continue
    if (strides[axis] !== run) break
    run *= shape[axis]
  }
  return run
}
