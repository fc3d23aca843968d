// Checkpoints: what lies between inputs and an output is computed again for the backward pass, not kept for it.

import { build } from '../graph/build.ts'
import { isFloat } from '../graph/dtype.ts'
import { isOp, type Node } from '../graph/node.ts'
import { sizeOf } from '../graph/shape.ts'
import { topologicalOrder } from '../graph/walk.ts'
import { pullBack } from './grad.ts'
import { Rewriting } from './rewrite.ts'

/**
 * The output, whose gradient is computed from the inputs alone: once its cotangent is known, every node that depends on
 * the inputs is built a second time from them (Chen et al. 2016). Random bits are the same. Nodes made before the inputs, and what does not depend on the inputs, are kept.
 */
export function checkpoint(output: Node, inputs: readonly Node[]): Node {
  const firstId = Math.min(...inputs.map((x) => x.id))
  const given = new Set(inputs)
  const isGiven = (node: Node): boolean =>
    given.has(node) || node.id < firstId || node.value !== undefined || node.inputs.length === 0
  const sources = topologicalOrder([output], isGiven).filter(
    (node) => isGiven(node) && isFloat(node.dtype) && !isOp(node, 'constant'),
  )
  const vjp = (cotangent: Node): (Node | null)[] => {
    const again = recompute(inputs, cotangent)
    const wrt = sources.map((x) => again.of(x))
    const isSource = new Set(wrt)
    // What comes before the sources has no part in this gradient.
    const found = pullBack([again.of(output)], [cotangent], wrt, (node) => isSource.has(node) || node.id < firstId)
    return found.map((c) => c ?? null)
  }
  return build.node('custom', [output, ...sources], { vjp, jvp: 'value' })
}

function recompute(inputs: readonly Node[], cotangent: Node): Rewriting<Node> {
  const again: Rewriting<Node> = new Rewriting<Node>(
    inputs.map((x) => [x, later(x, cotangent)]),
    (node) => node,
    (node, rebuilt) => {
      if (rebuilt.every((x, i) => x === node.inputs[i])) return node
      if (!isOp(node, 'custom')) return build.node(node.op, rebuilt, node.attributes)
      // Its derivative may use what it closes over: that is to be found in the second computation too.
      const vjp = (g: Node): (Node | null)[] => {
        again.give(g, g)
        return node.attributes.vjp(g).map((c) => c && again.of(c))
      }
      return build.node('custom', rebuilt, { ...node.attributes, vjp })
    },
  )
  return again
}

/** The same value, at hand only when the cotangent is: else all would be computed again at once and kept after all. */
function later(x: Node, cotangent: Node): Node {
  if (sizeOf(cotangent.shape) === 0) return x
  const { shape } = cotangent
  const first = build.slice(
    cotangent,
    shape.map(() => 0),
    shape.map(() => 1),
  )
  return build.node('after', [x, build.broadcast(build.reshape(first, []), x.shape)], {})
}
