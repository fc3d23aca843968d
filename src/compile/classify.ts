// Classes of nodes: how each is computed, if at all, and over which iteration space.

import { dtypes } from '../graph/dtype.ts'
import { isMovement } from '../graph/movements.ts'
import { isOp, type Node, type OpName } from '../graph/node.ts'
import { type Dims, sizeOf } from '../graph/shape.ts'
import { isDilation, movedFrom, resolve } from './view.ts'

/** How a node is computed, if at all. */
export type NodeClass =
  | 'leaf'
  /** Written into expressions as a number. */
  | 'constant'
  /** A view; computed only where it has to be moved for real. */
  | 'movement'
  | 'pointwise'
  /** take and takeAlong: a load whose place is read from memory. */
  | 'lookup'
  /** A reduction over few elements at computed places (pooling): unrolled into a pointwise expression of loads. */
  | 'window'
  | 'reduce'
  /** A product too small or of the wrong type for the blocked skeleton: a reduction of a product of two loads. */
  | 'product'
  | 'contract'
  /** concat, dilation: parts written into places of one buffer. */
  | 'assemble'
  | 'scatter'
  | 'routine'
  /** cond, scan and whileLoop, and their results. */
  | 'control'
  | 'part'

const largestWindow = 25

const smallestContraction = 1 << 13

export function classify(node: Node): NodeClass {
  const found = classes[node.op] as NodeClass | ((node: Node) => NodeClass) | undefined
  return typeof found === 'function' ? found(node) : (found ?? 'pointwise')
}

/** The class of each operation; what has none here is pointwise. */
const classes: { readonly [O in OpName]?: NodeClass | ((node: Node<O>) => NodeClass) } = {
  leaf: 'leaf',
  constant: 'constant',
  part: 'part',
  cond: 'control',
  scan: 'control',
  whileLoop: 'control',
  reshape: 'movement',
  transpose: 'movement',
  broadcast: 'movement',
  slice: 'movement',
  windows: 'movement',
  pad: (node) => (isDilation(node) ? 'assemble' : 'movement'),
  take: 'lookup',
  takeAlong: 'lookup',
  concat: 'assemble',
  routine: 'routine',
  scatterAdd: 'scatter',
  scatterAddAlong: 'scatter',
  matmul: (node) => (isLarge(node) ? 'contract' : 'product'),
  conv: (node) => (isLarge(node) ? 'contract' : 'product'),
  sum: reduction,
  prod: reduction,
  max: reduction,
  min: reduction,
  argmax: reduction,
  argmin: reduction,
}
function reduction(node: Node): NodeClass {
  return isWindow(node) ? 'window' : 'reduce'
}

function isLarge(node: Node<'matmul'> | Node<'conv'>): boolean {
  const [a, b] = node.inputs as [Node, Node]
  const inner = isOp(node, 'matmul') ? (a.shape.at(-1) as number) : sizeOf(b.shape.slice(1))
  const [m, n] = isOp(node, 'matmul')
    ? [node.shape.at(-2) as number, node.shape.at(-1) as number]
    : [b.shape[0] as number, sizeOf(node.shape) / (b.shape[0] as number)]
  const isProduct = m > 1 && n > 1 && inner > 1 && !(isOp(node, 'conv') && isDepthwise(node))
  return node.dtype === 'float32' && isProduct && sizeOf(node.shape) * inner >= smallestContraction
}

/** Whether each filter has a channel of its own, whose elements are read one after the other: nothing is worth packing then. */
function isDepthwise({ inputs, attributes: { groups, strides, dilation } }: Node<'conv'>): boolean {
  return groups > 1 && inputs[1].shape[0] === groups && [...strides, ...dilation].every((step) => step === 1)
}

function isWindow(node: Node): boolean {
  let at = node.inputs[0] as Node
  while (isMovement(at) && at.op !== 'windows') at = at.inputs[0] as Node
  const { axes } = node.attributes as { axes: Dims }
  const view = resolve(node.inputs[0] as Node)
  if (axes.some((a) => view.bounds[a])) return false
  return at.op === 'windows' && sizeOf(axes.map((a) => (node.inputs[0] as Node).shape[a] as number)) <= largestWindow
}

/** The space over which a node iterates: for reductions the input's, for small products with the inner axes appended. */
export function domainOf(node: Node, kind: NodeClass): { domain: Dims; reduced: boolean[] } {
  const none = (shape: Dims): { domain: Dims; reduced: boolean[] } => ({
    domain: shape,
    reduced: shape.map(() => false),
  })
  if (kind === 'reduce') {
    const { shape } = node.inputs[0] as Node
    const { axes } = node.attributes as { axes: Dims }
    return { domain: shape, reduced: shape.map((_, a) => axes.includes(a)) }
  }
  if (kind === 'product') {
    const [a, b] = node.inputs as [Node, Node]
    const inner = isOp(node, 'matmul') ? [a.shape.at(-1) as number] : b.shape.slice(1)
    const outer = isOp(node, 'conv') ? groupedConvShape(node) : node.shape
    return { domain: [...outer, ...inner], reduced: [...outer.map(() => false), ...inner.map(() => true)] }
  }
  if (kind === 'contract' && isOp(node, 'conv')) return none(groupedConvShape(node))
  if (kind === 'movement') return none(movedFrom(node).shape)
  return none(node.shape)
}

/** The output of a convolution with its channels split by groups: [n, groups, o / groups, ...spatial]. */
export const groupedConvShape = (node: Node<'conv'>): number[] => {
  const { groups } = node.attributes
  return [node.shape[0] as number, groups, (node.shape[1] as number) / groups, ...node.shape.slice(2)]
}

/** The bytes of a node's value. */
export const bytesOf = (node: Node): number => sizeOf(node.shape) * dtypes[node.dtype].bytes
