// Labels: what a person calls the work of a kernel, from the nodes that it computes.

import type { Node } from '../graph/node.ts'
import type { Label } from '../kernel/program.ts'

export const copyLabel: Label = { name: '', ops: 'copy', path: '' }

/** Longer lists of operations are cut. */
const most = 6

export function labelOf(nodes: readonly Node[]): Label {
  const names = new Set<string>()
  const paths = new Set<string>()
  const ops: string[] = []
  for (const { op, scope } of nodes) {
    if (op !== ops.at(-1) && ops.length <= most) ops.push(op)
    if (!scope) continue
    if (scope.name) names.add('∇'.repeat(scope.order) + scope.name)
    if (scope.path) paths.add(scope.path)
  }
  return {
    name: joined([...names], '+'),
    ops: joined(ops, '+'),
    path: joined([...paths], ', '),
  }
}

const joined = (parts: readonly string[], separator: string): string =>
  parts.length <= most ? parts.join(separator) : `${parts.slice(0, most).join(separator)}${separator}…`
