// Sharing copies: what has to be moved for real, because no strides express it, is moved once for all who read it.

import { build, within } from '../graph/build.ts'
import { isMovement } from '../graph/movements.ts'
import { changed, isOp, type Node } from '../graph/node.ts'
import { mapGraph, wholeOrder } from '../graph/walk.ts'
import { classify } from './classify.ts'
import { resolve } from './view.ts'

/**
 * Of reshapes of one value that have to be copies the first stays; the others become other shapes of that, which cost nothing. Whoever else
 * reads a product in that order reads the copy, too: then the product can be written there in the first place.
 */
export function shareCopies(outputs: readonly Node[]): readonly Node[] {
  const order = wholeOrder(outputs)
  const firstOf = new Map<Node, Node>()
  for (const node of order) {
    if (isCopy(node) && !firstOf.has(node.inputs[0])) firstOf.set(node.inputs[0], node)
  }
  const readsCopy = (node: Node, source: Node): boolean => {
    const first = firstOf.get(source)
    return first !== undefined && first !== node && (isCopy(node) || isProduct(resolve(source).base))
  }
  if (!order.some((node) => node.inputs.some((x) => readsCopy(node, x)))) return outputs
  const copies = new Map<Node, Node>()
  return mapGraph(outputs, (node, inputs) => {
    const now = node.inputs.map((source, i) => {
      if (!readsCopy(node, source)) return inputs[i] as Node
      const copy = copyOf(source, inputs[i] as Node)
      return within(copy.scope, () => build.reshape(copy, source.shape))
    })
    if (firstOf.get(node.inputs[0] as Node) === node) return copyOf(node.inputs[0] as Node, now[0] as Node)
    return now.every((x, i) => x === node.inputs[i]) ? node : changed(node, { inputs: now })
  }).outputs

  /** The copy of a value, which may have become another. */
  function copyOf(source: Node, now: Node): Node {
    const first = firstOf.get(source) as Node
    const made = copies.get(source) ?? (now === source ? first : changed(first, { inputs: [now] }))
    copies.set(source, made)
    return made
  }
}

const isCopy = (node: Node): node is Node<'reshape'> =>
  isOp(node, 'reshape') && isMovement(node.inputs[0]) && resolve(node).base === node

const isProduct = (node: Node): boolean => classify(node) === 'contract'
