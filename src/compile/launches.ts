// Launches by what they compute: groups that are alike, as those of blocks that repeat, are made into a launch once.

import type { Node } from '../graph/node.ts'
import { type Dims, sizeOf } from '../graph/shape.ts'
import { type Expr, exprKey } from '../scalar/expr.ts'
import { type Built, launchOf, type Parts, type Target } from './launch.ts'
import type { View } from './view.ts'

/** Gives launches that differ in nothing but the values they read and write one kernel and one set of numbers. */
export class Launches {
  private readonly known = new Map<string, { readonly built: Built; readonly nodes: readonly Node[] }>()

  of(domain: Dims, reduced: readonly boolean[], parts: Parts, targets: readonly Target[]): Built {
    const numbers = new Map<Node, number>()
    const key = keyOf(domain, reduced, parts, targets, numbers)
    const nodes = [...numbers.keys()]
    const found = this.known.get(key)
    if (found) return withNodes(found.built, new Map(found.nodes.map((node, i) => [node, nodes[i] as Node])))
    const built = launchOf(domain, reduced, parts, targets)
    this.known.set(key, { built, nodes })
    return built
  }
}

/** The same launch over other values. */
function withNodes(built: Built, now: ReadonlyMap<Node, Node>): Built {
  const other = (node: Node): Node => now.get(node) as Node
  const all = (nodes: ReadonlySet<Node>): Set<Node> => new Set([...nodes].map(other))
  const { kernel, launch, buffers, reads, writes, scattered } = built
  return {
    kernel,
    launch,
    buffers: buffers.map(other),
    reads: all(reads),
    writes: all(writes),
    scattered: all(scattered),
  }
}

/** A text that is equal exactly for launches that are alike; values get `numbers` in the order in which they appear. */
function keyOf(
  domain: Dims,
  reduced: readonly boolean[],
  { loads, waits, reductions, positions }: Parts,
  targets: readonly Target[],
  numbers: Map<Node, number>,
): string {
  const numberOf = (node: Node): number => {
    const known = numbers.get(node)
    if (known !== undefined) return known
    numbers.set(node, numbers.size)
    return numbers.size - 1
  }
  const expressions: Expr[] = []
  const picked = (indirect: Target['indirect']): string => {
    if (!indirect) return ''
    expressions.push(indirect.rows)
    return `@${indirect.stride},${indirect.extent}`
  }
  let key = `${domain.join()}|${reduced.join()}|`
  for (const { base, view, indirect } of loads)
    key += `${numberOf(base)}:${base.dtype}${sizeOf(view.base.shape)}${viewKey(view)}${picked(indirect)};`
  for (const node of waits) key += `w${numberOf(node)}`
  for (const strides of positions) key += `p${strides.join()}`
  for (const { op, value, stage } of reductions) {
    expressions.push(value)
    key += `r${op}${stage}`
  }
  for (const { node, dtype, strides, offset, value, stage, mode, indirect } of targets) {
    expressions.push(value)
    key += `t${numberOf(node)}:${dtype}[${strides.join()}]${offset},${stage}${mode}${picked(indirect)}`
  }
  return `${key}|${exprKey(expressions)}`
}

/** −0 and 0 are different fills. */
function viewKey({ strides, offset, bounds, fill }: View): string {
  const edges = bounds.map((b) => (b ? `${b[0]}-${b[1]}` : '')).join()
  return `[${strides.join()}]${offset}(${edges})${Object.is(fill, -0) ? '-0' : fill}`
}
