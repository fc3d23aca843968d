// Routines as functions of tensors, and the dtypes and leading axes that they need.

import { build } from '../graph/build.ts'
import { promote } from '../graph/dtype.ts'
import type { Routine } from '../graph/node.ts'
import { misfit } from '../graph/refuse.ts'
import { broadcastShapes, show } from '../graph/shape.ts'
import { eye, floating, type Tensor, wrap } from '../tensor/index.ts'

export const run = (routine: Routine, inputs: readonly Tensor[], parameters: readonly number[] = []): Tensor =>
  wrap(
    build.node(
      'routine',
      inputs.map((x) => x.node),
      { routine, parameters },
    ),
  )

/** In float32 or float64; throws where there are no two axes. */
export function matrixOf(name: string, x: Tensor): Tensor {
  if (x.rank < 2) throw misfit(`${name}: ${show(x.shape)} is no matrix: it needs two axes at least`)
  return floating(x)
}

/** Both in one float dtype with equal leading axes. */
export function system(name: string, a: Tensor, b: Tensor): [Tensor, Tensor] {
  const [x, y] = [matrixOf(name, a), matrixOf(name, b)]
  const dtype = promote(x.dtype, y.dtype)
  const lead = broadcastShapes(x.shape.slice(0, -2), y.shape.slice(0, -2), name)
  const spread = (t: Tensor): Tensor => t.cast(dtype).broadcastTo([...lead, ...t.shape.slice(-2)])
  return [spread(x), spread(y)]
}

export const identityLike = (x: Tensor): Tensor => eye(x.shape.at(-1) as number, undefined, x.dtype)
