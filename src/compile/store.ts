// Storing: which values are written to memory, because another kernel reads them, and which are computed again where they are needed.

import type { Node } from '../graph/node.ts'
import { dear, isPointwise } from '../graph/ops/pointwise.ts'
import { sizeOf } from '../graph/shape.ts'
import { bytesOf } from './classify.ts'
import { levelOf } from './fit.ts'
import type { Group, Grouping } from './group.ts'
import { operandsOf } from './operand.ts'
import { readsSamePoint, seenFrom } from './space.ts'

const longestRepeat = 12

/** The nodes that get memory: outputs, and what kernels read of each other and is not cheaper to compute again. */
export function storedNodes(grouping: Grouping, outputs: readonly Node[]): Set<Node> {
  const { order, groupOf, classOf } = grouping
  const stored = new Set<Node>(outputs)
  const readers = new Map<Node, Set<Group>>()
  const isPlain = (n: Node): boolean => classOf(n) === 'pointwise' && n.op !== 'iota'

  for (const node of order) {
    const group = groupOf.get(node)
    if (!group) continue
    const kind = classOf(node)
    const repeatable = kind === 'pointwise' || kind === 'reduce'
    for (const view of operandsOf(node, kind)) {
      const { base } = view
      const home = groupOf.get(base)
      if (!home || (home === group && kind !== 'product' && kind !== 'contract')) continue
      if (!repeatable || !(isPlain(base) || base.op === 'iota') || dear.has(base.op)) {
        stored.add(base)
        continue
      }
      const at = seenFrom(group, 'element', view)
      const rows = seenFrom(group, 'row', view)
      const same =
        (at && readsSamePoint(group, 'element', at)) ||
        (rows && sizeOf(base.shape) < sizeOf(group.domain) && readsSamePoint(group, 'row', rows))
      if (!same) {
        stored.add(base)
        continue
      }
      const known = readers.get(base)
      if (known) known.add(group)
      else readers.set(base, new Set([group]))
    }
  }

  for (const node of order) {
    if (stored.has(node)) continue
    for (const group of readers.get(node) ?? []) decide(node, group)
  }
  return stored

  function decide(node: Node, group: Group): void {
    if (stored.has(node)) return
    const frontier = new Set<Node>()
    const seen = new Set<Node>()
    if (!collect(node, group, frontier, seen)) {
      stored.add(node)
      return
    }
    const added = [...frontier].reduce((sum, n) => sum + bytesOf(n), 0)
    if (added > 0 && added >= bytesOf(node)) stored.add(node)
    else for (const n of frontier) stored.add(n)
  }

  /** What would have to be stored to compute `node` again inside `group`; false when that can't be done there. */
  function collect(node: Node, group: Group, frontier: Set<Node>, seen: Set<Node>): boolean {
    if (seen.has(node)) return true
    seen.add(node)
    if (seen.size > longestRepeat) return false
    const level = levelOf(node, group, classOf(node))
    for (const view of operandsOf(node, classOf(node))) {
      const { base } = view
      const from = seenFrom(group, level, view)
      if (!from) return false
      const kind = classOf(base)
      if (kind === 'leaf' || kind === 'constant' || stored.has(base)) continue
      const baseLevel = levelOf(base, group, kind)
      const same = readsSamePoint(group, baseLevel, from) && !(level === 'row' && baseLevel === 'element')
      if (groupOf.get(base) === group) {
        if (!same) return false
      } else if (!(same && canRepeat(base) && collect(base, group, frontier, seen))) frontier.add(base)
    }
    return true
  }

  function canRepeat(x: Node): boolean {
    return !stored.has(x) && isPointwise(x.op) && isPlain(x) && x.inputs.length > 0 && !dear.has(x.op)
  }
}
