// Parts of a concat that the kernels which compute them write where they belong, instead of memory of their own.

import { isOp, type Node } from '../graph/node.ts'
import { contiguousStrides, sameShape, sizeOf } from '../graph/shape.ts'
import { levelOf } from './fit.ts'
import type { Grouping } from './group.ts'

/** Where a part belongs: the whole, and the number of its first element there. */
export interface PartPlace {
  readonly whole: Node
  readonly offset: number
}

/** Shorter runs of memory are better copied than written element by element. */
const shortestRun = 32

/** The stored values that only one concat reads, once and as they are, of loop kernels that go over their axes. */
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
  for (const whole of wholes) {
    const { axis } = whole.attributes
    const inner = contiguousStrides(whole.shape)[axis]
    let start = 0
    for (const part of whole.inputs) {
      const group = groupOf.get(part)
      const isAlone = stored.has(part) && readers.get(part) === 1 && group?.kind === 'loop'
      const run = inner * part.shape[axis]
      if (isAlone && run >= shortestRun && sameShape(group.domain, part.shape)) {
        if (levelOf(part, group, classOf(part)) === 'element') places.set(part, { whole, offset: start * inner })
      }
      start += part.shape[axis]
    }
  }
  return places
}
