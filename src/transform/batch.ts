// Batching: a graph for one example becomes one for all examples at once, by the batching rule of each operation.

import { build } from '../graph/build.ts'
import type { Batch, BatchInput, BatchRule, Node, OpName } from '../graph/node.ts'
import { full } from '../graph/ops/batch.ts'
import { ops } from '../graph/ops/index.ts'
import { show } from '../graph/shape.ts'
import { topologicalOrder } from '../graph/walk.ts'

/** Nodes of one example and what they are for all of them: `size` values along a first axis, in place of each of `examples`. */
export class Batching implements Batch {
  readonly size: number
  private readonly known = new Map<Node, BatchInput>()
  /** Nodes made before the first placeholder cannot depend on one. */
  private readonly firstId: number

  /** Each placeholder, a leaf, with the node that holds its values for all examples. */
  constructor(size: number, examples: readonly (readonly [placeholder: Node, all: Node])[]) {
    this.size = size
    this.firstId = Math.min(...examples.map(([placeholder]) => placeholder.id))
    for (const [placeholder, all] of examples) this.known.set(placeholder, { node: all, isBatched: true })
  }

  /** The node for all examples, or the node itself where it does not depend on the example. */
  of(output: Node): BatchInput {
    const isKnown = (node: Node): boolean =>
      this.known.has(node) || node.id < this.firstId || node.value !== undefined || node.inputs.length === 0
    for (const node of topologicalOrder([output], isKnown)) {
      if (this.known.has(node)) continue
      const inputs = isKnown(node) ? [] : node.inputs.map((x) => this.known.get(x) as BatchInput)
      this.known.set(
        node,
        inputs.some((x) => x.isBatched)
          ? { node: this.batched(node, inputs), isBatched: true }
          : { node, isBatched: false },
      )
    }
    return this.known.get(output) as BatchInput
  }

  /** The node for all examples, repeated where it does not depend on the example. */
  all(output: Node): Node {
    return full(build, this.of(output), this)
  }

  lift(f: (x: Node) => readonly (Node | null)[], like: Node): (x: Node) => readonly (Node | null)[] {
    return (x) => {
      const placeholder = build.leaf({}, like.shape, like.dtype)
      this.known.set(placeholder, { node: x, isBatched: true })
      return f(placeholder).map((y) => y && this.all(y))
    }
  }

  private batched(node: Node, inputs: readonly BatchInput[]): Node {
    const result = (ops[node.op].batch as BatchRule<OpName>)(build, node, inputs, this)
    if (result.shape.length !== node.shape.length + 1)
      throw new Error(`vmap: ${node.op} ${show(node.shape)} for ${this.size} examples became ${show(result.shape)}`)
    return result
  }
}
