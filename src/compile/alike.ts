// What is alike is lowered once: groups that do the same to other values, as those of blocks and of parameters that repeat.

import { attributesKey, isOp, type Node, Numbering } from '../graph/node.ts'
import type { Group, Grouping } from './group.ts'
import { operandsOf } from './operand.ts'
import type { Unit } from './unit.ts'
import { resolve, type View } from './view.ts'

/** Where values are computed, and which of them are written to memory, and where. */
export interface Layout {
  readonly grouping: Grouping
  readonly stored: ReadonlySet<Node>
  readonly parts: ReadonlyMap<Node, View>
}

/** Units by what they do. */
export class Alike {
  private readonly known = new Map<string, { readonly units: readonly Unit[]; readonly nodes: readonly Node[] }>()
  private readonly objects = new Numbering()

  /** What `lower` makes of a group, or what it made of one that is alike, over this one's values. */
  units(group: Group, layout: Layout, lower: () => readonly Unit[]): readonly Unit[] {
    if (group.kind === 'routine' || group.kind === 'control') return lower()
    const { text, nodes } = described(group, layout, this.objects)
    const found = this.known.get(text)
    if (found) {
      const now = new Map(found.nodes.map((node, i) => [node, nodes[i]]))
      return found.units.map((unit) => overOthers(unit, now))
    }
    const units = lower()
    this.known.set(text, { units, nodes })
    return units
  }
}

/** The same unit over other values. */
function overOthers(unit: Unit, now: ReadonlyMap<Node, Node>): Unit {
  const other = (node: Node): Node => now.get(node) as Node
  const all = (nodes: ReadonlySet<Node>): Set<Node> => new Set(Array.from(nodes, other))
  const { launches, buffers, reads, writes, order, scattered } = unit
  return {
    launches,
    buffers: buffers.map(other),
    reads: all(reads),
    writes: all(writes),
    order,
    scattered: all(scattered),
  }
}

/** A group as a text, equal exactly for groups that are alike, and the values in it in the order in which the text names them. */
function described(
  group: Group,
  { grouping, stored, parts }: Layout,
  objects: Numbering,
): { readonly text: string; readonly nodes: readonly Node[] } {
  const numbers = new Map<Node, number>()
  let text = `${group.kind}|${group.domain.join()}|${group.reduced.join()}|`
  for (const node of group.nodes) {
    const number = inside(node)
    const part = parts.get(node)
    if (part) text += `=${viewKey(part, outside(part.base))}`
    if (stored.has(node)) text += `!${number}`
  }
  return { text, nodes: [...numbers.keys()] }

  function numbered(node: Node, what: string): number {
    text += `${what}:${node.dtype}${node.shape.join()};`
    numbers.set(node, numbers.size)
    return numbers.size - 1
  }

  /** The number of a value that the kernel computes. */
  function inside(node: Node): number {
    const known = numbers.get(node)
    if (known !== undefined) return known
    let operands = ''
    for (const view of operandsOf(node, grouping.classOf(node))) {
      const { base } = view
      const home = grouping.groupOf.get(base)
      const number = home === group || (home && !stored.has(base)) ? inside(base) : outside(base)
      operands += view === resolve(base) ? `${number},` : viewKey(view, number)
    }
    return numbered(node, `${node.op}(${operands})${attributesKey(node, objects)}`)
  }

  /** The number of a value that lies in memory, or of a constant. */
  function outside(node: Node): number {
    const known = numbers.get(node)
    if (known !== undefined) return known
    return numbered(node, isOp(node, 'constant') ? attributesKey(node, objects) : parts.has(node) ? 'part' : '')
  }
}

/** −0 and 0 are different fills. */
function viewKey({ shape, strides, offset, bounds, fill }: View, base: number): string {
  let edges = ''
  for (const b of bounds) edges += b ? `${b[0]}-${b[1]},` : ','
  return `${base}[${shape.join()}*${strides.join()}+${offset}(${edges}${Object.is(fill, -0) ? '-0' : fill})]`
}
