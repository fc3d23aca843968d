// lift: float constants become inputs of the program, so that kernels that differ in a number alone share their code.

import { build } from '../graph/build.ts'
import { isFloat } from '../graph/dtype.ts'
import { type ControlName, changed, isControl, isOp, type Node } from '../graph/node.ts'
import { subgraphsOf, withSubgraphs } from '../graph/ops/control.ts'
import { isPointwise } from '../graph/ops/pointwise.ts'
import { mapGraph } from '../graph/walk.ts'

/** Numbers that stay in the code: they are structure rather than data. */
const plain: ReadonlySet<number> = new Set([
  0,
  0.5,
  1,
  2,
  -0.5,
  -1,
  -2,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
])

/**
 * Replaces constants that pointwise work reads by scalar leaves from `leafOf`. A mean divides by its length: without
 * this, every new batch size would need new code.
 */
export function liftConstants(
  outputs: readonly Node[],
  leafOf: (value: number, node: Node) => Node<'leaf'>,
): { outputs: readonly Node[]; leaves: Node<'leaf'>[] } {
  const leaves = new Set<Node<'leaf'>>()
  const lifted = new Map<Node, Node>()
  const lift = (x: Node): Node => {
    if (!isOp(x, 'constant') || !isFloat(x.dtype)) return x
    const { value } = x.attributes
    if (plain.has(value) || Number.isNaN(value)) return x
    const known = lifted.get(x)
    if (known) return known
    const leaf = leafOf(value, x)
    leaves.add(leaf)
    const made = build.broadcast(leaf, x.shape)
    lifted.set(x, made)
    return made
  }
  /** Leaves that subgraphs need become further inputs. */
  const inside = (node: Node<ControlName>, inputs: readonly Node[]): Node => {
    const graphs = subgraphsOf(node).map((graph) => ({ ...graph, lifted: liftConstants(graph.outputs, leafOf) }))
    const extra = [...new Set(graphs.flatMap(({ lifted }) => lifted.leaves))]
    for (const leaf of extra) leaves.add(leaf)
    return withSubgraphs(
      node,
      graphs.map(({ parameters, lifted }) => ({ parameters: [...parameters, ...extra], outputs: lifted.outputs })),
      [...inputs, ...extra],
    )
  }
  const mapped = mapGraph(outputs, (node, inputs) => {
    if (isControl(node)) return inside(node, inputs)
    const given = isPointwise(node.op) && inputs.some((x) => isOp(x, 'constant')) ? inputs.map(lift) : inputs
    return given === node.inputs ? node : changed(node, { inputs: given })
  })
  return { outputs: mapped.outputs, leaves: [...leaves] }
}
