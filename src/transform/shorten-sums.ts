// Sums over the rows of a product, as the gradient of softmax(q kᵀ) v takes them over all keys, as sums over the shorter rows of another one.

import { build, within } from '../graph/build.ts'
import { changed, isOp, type Node } from '../graph/node.ts'
import { type Dims, sameShape } from '../graph/shape.ts'
import { mapGraph, wholeOrder } from '../graph/walk.ts'

/**
 * Σⱼ p[i, j] · (a bᵀ)[i, j] is Σₑ a[i, e] · (p b)[i, e], where the graph has p b anyway (Dao et al. 2022, FlashAttention, B.2): then nobody
 * waits for rows of a bᵀ, and what is left to do to its elements is done where they are computed.
 */
export function shortenSums(outputs: readonly Node[]): readonly Node[] {
  const order = wholeOrder(outputs)
  const productsOf = new Map<Node, Node<'matmul'>[]>()
  for (const node of order) {
    if (!isOp(node, 'matmul')) continue
    const [p] = node.inputs
    const known = productsOf.get(p)
    if (known) known.push(node)
    else productsOf.set(p, [node])
  }
  const shorter = new Map<Node, Node[]>()
  for (const node of order) {
    const factors = isOp(node, 'sum') && shorterFactors(node, productsOf)
    if (factors) shorter.set(node, factors)
  }
  if (shorter.size === 0) return outputs
  return mapGraph(
    outputs,
    (node, inputs) => {
      if (shorter.has(node)) return within(node.scope, () => rowSums(...(inputs as [Node, Node])))
      return inputs === node.inputs ? node : changed(node, { inputs })
    },
    undefined,
    (node) => shorter.get(node) ?? node.inputs,
  ).outputs
}

/** a and p b, where the sum is one over rows of p · (a bᵀ) and these are shorter. */
function shorterFactors(
  sum: Node<'sum'>,
  productsOf: ReadonlyMap<Node, readonly Node<'matmul'>[]>,
): Node[] | undefined {
  const [product] = sum.inputs
  const { axes } = sum.attributes
  if (!isOp(product, 'mul') || axes.length !== 1 || axes[0] !== product.shape.length - 1) return undefined
  for (const [p, long] of [product.inputs, [...product.inputs].reverse()] as [Node, Node][]) {
    if (!isOp(long, 'matmul')) continue
    const [a, turned] = long.inputs
    if (a.shape[a.shape.length - 1] >= p.shape[p.shape.length - 1]) continue
    const short = productsOf.get(p)?.find(({ inputs }) => isTurned(turned, inputs[1]))
    if (short && sameShape(short.shape, a.shape)) return [a, short]
  }
  return undefined
}

/** Σ a · b over their last axis, in the order in which the elements of a lie. */
function rowSums(a: Node, b: Node): Node {
  const sum = (x: Node): Node => build.node('sum', [x], { axes: [x.shape.length - 1] })
  if (!isOp(a, 'transpose') || a.attributes.permutation.at(-1) !== a.shape.length - 1)
    return sum(build.binary('mul', a, b))
  const { permutation } = a.attributes
  const back = permutation.map((_, axis) => permutation.indexOf(axis))
  return build.transpose(sum(build.binary('mul', a.inputs[0], build.transpose(b, back))), permutation.slice(0, -1))
}

/** Whether one node is another with its last two axes swapped. */
function isTurned(a: Node, b: Node): boolean {
  const [one, other] = [orderOf(a), orderOf(b)]
  const rank = a.shape.length
  const swapped = (axis: number): number => (axis < rank - 2 ? axis : 2 * rank - 3 - axis)
  return one.of === other.of && one.axes.every((from, axis) => from === other.axes[swapped(axis)])
}

const orderOf = (x: Node): { readonly of: Node; readonly axes: Dims } =>
  isOp(x, 'transpose')
    ? { of: x.inputs[0], axes: x.attributes.permutation }
    : { of: x, axes: x.shape.map((_, axis) => axis) }
