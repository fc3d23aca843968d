// Products of few elements that are long sums, as weight gradients of convolutions are: a batch of products over parts of the sum, then their sum.

import { build } from '../graph/build.ts'
import { isOp, type Node } from '../graph/node.ts'
import { sizeOf } from '../graph/shape.ts'

/** Terms of a sum from which it is cut, and those that each part has at least. */
const longSum = 1 << 13
const shortestPart = 1 << 9
/** Elements of all partial sums together: they are written and read again, and shall stay in a cache. */
const mostPartial = 300_000
const mostParts = 16

/**
 * Blocks of such a product would be few, too few for threads to share well, and each would pack the same operands again; parts of
 * the sum have operands of their own. Other products come back as they are. Parts depend on shapes alone.
 */
export function splitProduct(node: Node): Node {
  if (node.dtype !== 'float32') return node
  if (isOp(node, 'matmul')) return splitMatmul(node)
  return isOp(node, 'conv') ? splitCorrelation(node) : node
}

/** The largest number of parts of an axis that divides it and is worth cutting it, or 1. */
function partsOf(axis: number, terms: number, results: number): number {
  if (terms < longSum) return 1
  const most = Math.min(mostParts, Math.floor(terms / shortestPart), Math.floor(mostPartial / results))
  for (let parts = most; parts > 3; parts--) if (axis % parts === 0) return parts
  return 1
}

function splitMatmul(node: Node<'matmul'>): Node {
  const [x, y] = node.inputs as [Node, Node]
  if (x.shape.length !== 2) return node
  const [[m, k], n] = [x.shape as readonly [number, number], y.shape[1] as number]
  const parts = partsOf(k, k, m * n)
  if (parts === 1) return node
  const left = build.transpose(build.reshape(x, [m, parts, k / parts]), [1, 0, 2])
  const right = build.reshape(y, [parts, k / parts, n])
  return total(build.node('matmul', [left, right], {}), 0)
}

/** The channels of each group are cut: parts are groups of their own. */
function splitCorrelation(node: Node<'conv'>): Node {
  const [x, w] = node.inputs as [Node, Node]
  const { groups } = node.attributes
  const [outputs, channels, ...kernel] = w.shape as [number, number, ...number[]]
  const [n, , ...space] = node.shape as [number, number, ...number[]]
  const inGroup = outputs / groups
  const parts = groups > 3 ? 1 : partsOf(channels, sizeOf(w.shape.slice(1)), sizeOf(node.shape))
  if (parts === 1) return node
  const cut = build.reshape(w, [groups, inGroup, parts, channels / parts, ...kernel])
  const apart = build.transpose(cut, [0, 2, 1, 3, ...kernel.map((_, i) => 4 + i)])
  const filters = build.reshape(apart, [groups * parts * inGroup, channels / parts, ...kernel])
  const partial = build.node('conv', [x, filters], { ...node.attributes, groups: groups * parts })
  return build.reshape(total(build.reshape(partial, [n, groups, parts, inGroup, ...space]), 2), node.shape)
}

const total = (x: Node, axis: number): Node => build.node('sum', [x], { axes: [axis] })
