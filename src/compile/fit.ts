// Fitting: whether a node can be computed over a group's space, with members read at the same point.

import type { Node } from '../graph/node.ts'
import { sizeOf } from '../graph/shape.ts'
import type { NodeClass } from './classify.ts'
import { lookupViews, operandsOf, operandViews, windowViews } from './operand.ts'
import { type Level, readsSamePoint, type Space, seenFrom } from './space.ts'
import { movedFrom } from './view.ts'

/** Whether a node's result is one value per element or per row of the group. */
export function levelOf(node: Node, group: Space, kind: NodeClass): Level {
  if (!group.reduced.includes(true)) return 'element'
  if (kind === 'reduce' || kind === 'product') return 'row'
  const size = kind === 'movement' ? sizeOf(movedFrom(node).shape) : sizeOf(node.shape)
  return size === sizeOf(group.domain) ? 'element' : 'row'
}

/** Whether a node can be computed over a group's domain: every operand is seen, and members are read at the same point. */
export function fits(
  node: Node,
  group: Space,
  isMember: (base: Node) => boolean,
  classOf: (n: Node) => NodeClass,
): boolean {
  const kind = classOf(node)
  if (kind === 'product' || kind === 'contract') {
    // Their operands are loaded by views of their own over the refined domain, and are no members.
    return operandsOf(node, kind).every(({ base }) => !isMember(base)) && operandViews(node, group) !== undefined
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
