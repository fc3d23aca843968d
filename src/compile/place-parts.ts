// Parts of a concat that the kernels which compute them write where they belong, instead of memory of their own.

import { isOp, type Node } from '../graph/node.ts'
import { contiguousStrides, type Dims, sizeOf } from '../graph/shape.ts'
import { levelOf } from './fit.ts'
import type { Grouping } from './group.ts'
import { reshapeView, type View, wholeView } from './view.ts'

/** Where a part belongs: in the memory of the whole, from `offset` on, with strides along its kernel's axes (a concat's own axes). */
export interface PartPlace {
  readonly whole: Node
  readonly offset: number
  readonly strides: Dims
}

/** Shorter runs of memory are better copied than written element by element. */
const shortestRun = 32

/** The stored values, and concats, that only one concat reads, once, in their order: of kernels whose axes the place has too. */
export function placedParts(
  { order, groupOf, classOf }: Grouping,
  outputs: readonly Node[],
  stored: ReadonlySet<Node>,
): Map<Node, PartPlace> {
  const places = new Map<Node, PartPlace>()
  const wholes = order.filter((node) => isOp(node, 'concat') && sizeOf(node.shape) > 0) as Node<'concat'>[]
  if (wholes.length === 0) return places
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

  // A whole after the wholes that it is a part of.
  for (const whole of wholes.reverse()) {
    const { axis } = whole.attributes
    const own = places.get(whole) ?? { whole, offset: 0, strides: contiguousStrides(whole.shape) }
    let start = 0
    for (const part of whole.inputs) {
      const offset = own.offset + start * own.strides[axis]
      start += part.shape[axis]
      const value = isAlone(part) ? reshapedFrom(part, stored, isAlone) : part
      const domain = stored.has(value) && isAlone(value) ? walked(value) : undefined
      if (!domain) continue
      const view = reshapeView({ ...wholeView(own.whole), shape: part.shape, strides: own.strides, offset }, domain)
      if (view && unbroken(view) >= shortestRun) places.set(value, { whole: own.whole, offset, strides: view.strides })
    }
  }
  return places
}

/** What a part is a reshape of. */
function reshapedFrom(part: Node, stored: ReadonlySet<Node>, isAlone: (node: Node) => boolean): Node {
  let value = part
  while (isOp(value, 'reshape') && !stored.has(value) && isAlone(value)) value = value.inputs[0] as Node
  return value
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
