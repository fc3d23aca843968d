// Batching: a graph for one example becomes one for all examples at once, by the batching rule of each operation.

import { build } from '../graph/build.ts'
import {
  type Batch,
  type BatchInput,
  type BatchRule,
  type ControlBatch,
  type ControlName,
  isControl,
  isOp,
  type Node,
  type OpName,
} from '../graph/node.ts'
import { full } from '../graph/ops/batch.ts'
import { ops } from '../graph/ops/index.ts'
import { show } from '../graph/shape.ts'
import { Rewriting } from './rewrite.ts'

/** Nodes of one example, and what they are for all of them: `size` values along a first axis. */
export class Batching implements Batch {
  readonly size: number
  private readonly rewriting: Rewriting<BatchInput>
  /** What operations with several results give for all examples. */
  private readonly results = new Map<Node, readonly BatchInput[]>()

  /** Each placeholder with the node that holds its values for all examples; `same` are taken as they are, whatever they are made of. */
  constructor(
    size: number,
    examples: readonly (readonly [placeholder: Node, all: Node])[],
    same: readonly Node[] = [],
  ) {
    this.size = size
    this.rewriting = new Rewriting<BatchInput>(
      examples.map(([placeholder, all]) => [placeholder, { node: all, isBatched: true }]),
      (node) => ({ node, isBatched: false }),
      (node, inputs) => (inputs.some((x) => x.isBatched) ? this.forAll(node, inputs) : this.once(node, inputs)),
    )
    for (const node of same) this.rewriting.give(node, { node, isBatched: false })
  }

  /** The node for all examples, or the node itself where it does not depend on the example. */
  of(node: Node): BatchInput {
    return this.rewriting.of(node)
  }

  /** The node for all examples, repeated where it does not depend on the example. */
  all(node: Node): Node {
    return full(build, this.of(node), this)
  }

  lift(f: (x: Node) => readonly (Node | null)[], like: Node): (x: Node) => readonly (Node | null)[] {
    return (x) => {
      const placeholder = build.leaf({}, like.shape, like.dtype)
      this.rewriting.give(placeholder, { node: x, isBatched: true })
      return f(placeholder).map((y) => y && this.all(y))
    }
  }

  private forAll(node: Node, inputs: readonly BatchInput[]): BatchInput {
    if (isControl(node)) this.results.set(node, this.control(node, inputs))
    // Some results may be the same for all examples; the operation's own node has no value.
    else if (isOp(node, 'part')) return this.results.get(node.inputs[0] as Node)?.[node.attributes.index] as BatchInput
    return { node: isControl(node) ? node : this.batched(node, inputs), isBatched: true }
  }

  /** Of inputs that are the same for all examples, which may yet be other nodes now: results of a loop over examples. */
  private once(node: Node, inputs: readonly BatchInput[]): BatchInput {
    if (inputs.every((x, i) => x.node === node.inputs[i])) return { node, isBatched: false }
    if (isOp(node, 'custom')) {
      // Its rule is lifted with it, and knows the nodes that were.
      return this.forAll(
        node,
        inputs.map((x) => ({ node: full(build, x, this), isBatched: true })),
      )
    }
    const nodes = inputs.map((x) => x.node)
    return { node: build.node(node.op, nodes, node.attributes), isBatched: false }
  }

  private control(node: Node<ControlName>, inputs: readonly BatchInput[]): readonly BatchInput[] {
    const { size } = this
    return (ops[node.op].batch as ControlBatch<ControlName>)(
      {
        b: build,
        size,
        stand: ({ shape, dtype }) => build.leaf({}, shape, dtype),
        batch: (outputs, examples, same) => {
          const inside = new Batching(size, examples, same)
          return outputs.map((y) => inside.of(y))
        },
      },
      node,
      inputs,
    )
  }

  private batched(node: Node, inputs: readonly BatchInput[]): Node {
    const result = (ops[node.op].batch as BatchRule<OpName>)(build, node, inputs, this)
    if (result.shape.length !== node.shape.length + 1)
      throw new Error(`vmap: ${node.op} ${show(node.shape)} for ${this.size} examples became ${show(result.shape)}`)
    return result
  }
}
