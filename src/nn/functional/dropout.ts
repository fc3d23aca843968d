// Dropout: noise that keeps the mean.

import { checkProbability } from '../../graph/check.ts'
import { random, type Tensor } from '../../tensor/index.ts'

/** Zeroes each element with probability p and scales the others by 1 / (1 − p), so that the mean stays. Draws anew in each call. */
export function dropout(x: Tensor, p: number, key?: random.Key): Tensor {
  checkProbability('dropout', p)
  if (p === 0) return x
  const kept = random.uniform(x.shape, key ? { key } : {}).less(1 - p)
  return kept.where(p === 1 ? x : x.mul(1 / (1 - p)), 0)
}
