// The arithmetic of a node: how many operations its value takes.

import { isOp, type Node } from './node.ts'
import { isPointwise } from './ops/pointwise.ts'
import { sizeOf } from './shape.ts'

/** Operations of a matrix product or convolution; a multiply and an add are two. 0 for all else. */
export function contractionFlops(node: Node): number {
  if (isOp(node, 'matmul')) return 2 * sizeOf(node.shape) * (node.inputs[0]?.shape.at(-1) ?? 1)
  if (isOp(node, 'conv')) return 2 * sizeOf(node.shape) * sizeOf(node.inputs[1]?.shape.slice(1) ?? [])
  return 0
}

const free: ReadonlySet<string> = new Set(['cast', 'stopGradient', 'custom', 'leaf', 'constant', 'iota'])
const reductions: ReadonlySet<string> = new Set(['sum', 'prod', 'max', 'min', 'argmax', 'argmin'])

/** The same with pointwise operations and reductions, one for each element. */
export function flopsOf(node: Node): number {
  if (free.has(node.op)) return 0
  if (isPointwise(node.op)) return sizeOf(node.shape)
  if (reductions.has(node.op)) return sizeOf(node.inputs[0]?.shape ?? [])
  return contractionFlops(node)
}
