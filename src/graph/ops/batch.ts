// Batching rules that many operations share, and the moves that they are made of.

import type { Batch, BatchInput, BatchRule, Build, Node, OpAttributes, OpName } from '../node.ts'

/** The input for all examples, along its first axis. */
export const full = (b: Build, { node, isBatched }: BatchInput, { size }: Pick<Batch, 'size'>): Node =>
  isBatched ? node : b.broadcast(node, [size, ...node.shape])

/** The same operation on inputs with one axis more in front, its attributes changed accordingly. */
export const shifted =
  <O extends OpName>(attributes: (own: OpAttributes[O], node: Node<O>) => OpAttributes[O]): BatchRule<O> =>
  (b, node, inputs, batch) =>
    b.node(
      node.op,
      inputs.map((x) => full(b, x, batch)),
      attributes(node.attributes, node),
    )

/** For operations on elements, and those that count their axes from the end. */
export const unchanged: BatchRule<OpName> = shifted((own) => own)

/** For operations without inputs, which are the same for all examples. */
export const noInputs: BatchRule<OpName> = (_, node) => {
  throw new TypeError(`${node.op}: has no inputs that could be batched`)
}

/** Moves an axis to another place; the others keep their order. */
export function moveAxis(b: Build, x: Node, from: number, to: number): Node {
  const order = [...x.shape.keys()].filter((axis) => axis !== from)
  order.splice(to, 0, from)
  return b.transpose(x, order)
}
