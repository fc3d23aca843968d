// Rows of a table by their indices.

import type { Tensor } from '../../tensor/index.ts'

/** Rows of weight [count, size] at int32 indices [...]: [..., size]. Indices outside of the table are moved to its ends. */
export function embedding(indices: Tensor, weight: Tensor): Tensor {
  if (indices.dtype !== 'int32') throw new TypeError(`embedding: indices are ${indices.dtype}: they must be int32`)
  return weight.take(indices)
}
