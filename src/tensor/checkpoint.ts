// checkpoint(fn): less memory for more time; what a function computes inside is not kept for the backward pass.

import { lastId } from '../graph/build.ts'
import { isFloat } from '../graph/dtype.ts'
import type { Node } from '../graph/node.ts'
import { mistake } from '../graph/refuse.ts'
import { sizeOf } from '../graph/shape.ts'
import * as transform from '../transform/checkpoint.ts'
import { concat } from './create.ts'
import { stabilizedBody } from './stabilized.ts'
import { type Tensor, wrap } from './tensor.ts'
import { independent, transforming } from './transforming.ts'
import { mapTree, tensorsOf } from './tree.ts'

/**
 * A function with the same values and gradients (to rounding: compiled, sums may be added up in another order), whose intermediate values are computed again when the gradient needs
 * them instead of being kept until then: in a deep network, memory for one more forward pass. What the function closes
 * over (weights) gets its gradients too; random draws are the same both times; variables are assigned once.
 *
 *     const block = checkpoint((x) => net.forward(x)) //   keeps x alone
 */
export function checkpoint<A extends readonly unknown[], R>(fn: (...args: A) => R): (...args: A) => R {
  return (...args) => {
    const own = independent(args)
    const inputs = tensorsOf(own).map((t) => t.node)
    const startId = lastId()
    const result = transforming(() => fn(...own))
    if (result instanceof Promise)
      throw mistake('checkpoint: the function is async: only synchronous functions of tensors can be computed again')
    if (inputs.length === 0) return result
    const outputs = [...new Set(tensorsOf(result))].filter((t) => isFloat(t.dtype))
    const replaced = new Map<Tensor, Tensor>()
    for (const dtype of ['float32', 'float64'] as const) {
      const same = outputs.filter((t) => t.dtype === dtype)
      joined(same, inputs, startId).forEach((t, i) => {
        replaced.set(same[i] as Tensor, t)
      })
    }
    return mapTree(result, (t) => replaced.get(t) ?? t) as R
  }
}

/** One checkpoint for several outputs, so that they are computed again together. */
function joined(outputs: readonly Tensor[], inputs: readonly Node[], since: number): Tensor[] {
  const [first] = outputs
  if (!first) return []
  // Its gradient is built from its own graph.
  const checkpoint = ({ node }: Tensor): Tensor =>
    wrap(transform.checkpoint(stabilizedBody([node], since)[0] as Node, inputs))
  if (outputs.length === 1) return [checkpoint(first)]
  const all = checkpoint(
    concat(
      outputs.map((t) => t.flatten()),
      0,
    ),
  )
  let start = 0
  return outputs.map(({ shape }) => {
    const from = start
    start += sizeOf(shape)
    return all.slice([from, start]).reshape(shape)
  })
}
