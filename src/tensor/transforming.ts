// Functions while they are transformed: stand-ins for their arguments, compiled functions traced along, draws that differ by example.

import { build } from '../graph/build.ts'
import type { DType } from '../graph/dtype.ts'
import type { Node } from '../graph/node.ts'
import type { Dims } from '../graph/shape.ts'
import { runtime } from './runtime.ts'
import { Tensor } from './tensor.ts'
import { mapTree } from './tree.ts'

/**
 * Runs a function whose graph is transformed afterwards. `example` is the number of the example inside vmap: random
 * draws depend on it.
 */
export function transforming<T>(f: () => T, example?: Node): T {
  const before = runtime.transforms
  runtime.transforms = [...before, example]
  try {
    return f()
  } finally {
    runtime.transforms = before
  }
}

/** A leaf that stands for a value of one example; it has none of its own. */
export function placeholder(shape: Dims, dtype: DType): Node<'leaf'> {
  const storage = (): never => {
    throw new Error(
      'vmap: a value that depends on the example was read, assigned to a variable or kept: inside it has no value of its own. Return it from the function and use what vmap gives',
    )
  }
  return build.leaf({ storage, read: storage }, shape, dtype)
}

/** The same tensors as values of their own, so that uses of them by another way are told apart. */
export const independent = <T>(tree: T): T =>
  mapTree(tree, (t) => new Tensor(build.node('reshape', [t.node], { shape: t.shape }))) as T
