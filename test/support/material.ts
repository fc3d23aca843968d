/** Elements of a value in any shape, picked by computed indices: operands for operations that ask for a shape. */

import { build } from '../../src/graph/build.ts'
import type { Node } from '../../src/graph/node.ts'
import { sizeOf } from '../../src/graph/shape.ts'

export const flat = (x: Node): Node => build.reshape(x, [sizeOf(x.shape)])

export function material(x: Node, shape: readonly number[], dtype = x.dtype, step = 7): Node {
  const [from, size] = [sizeOf(x.shape), sizeOf(shape)]
  if (from === 0 || size === 0) return build.constant(1, shape, dtype)
  const at = build.binary('remainder', build.binary('mul', build.iota([size], 0), step), from)
  return build.cast(build.reshape(build.node('take', [flat(x), at], { axis: 0 }), shape), dtype)
}
