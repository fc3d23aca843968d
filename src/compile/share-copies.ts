// Sharing copies: what has to be moved for real, because no strides express it, is moved once for all of its shapes.

import { isMovement } from '../graph/movements.ts'
import { changed, isOp, type Node } from '../graph/node.ts'
import { mapGraph, topologicalOrder } from '../graph/walk.ts'
import { resolve } from './view.ts'

/** Of reshapes of one value that have to be copies the first stays; the others become other shapes of that, which cost nothing. */
export function shareCopies(outputs: readonly Node[]): readonly Node[] {
  const sources = topologicalOrder(outputs).flatMap((node) => (isCopy(node) ? node.inputs : []))
  if (new Set(sources).size === sources.length) return outputs
  const copies = new Map<Node, Node>()
  return mapGraph(outputs, (node, inputs) => {
    const [source] = inputs
    const known = source && isCopy(node) ? copies.get(source) : undefined
    if (known) return changed(node, { inputs: [known] })
    const same = inputs === node.inputs ? node : changed(node, { inputs })
    if (source && isCopy(node)) copies.set(source, same)
    return same
  }).outputs
}

const isCopy = (node: Node): boolean =>
  isOp(node, 'reshape') && isMovement(node.inputs[0]) && resolve(node).base === node
