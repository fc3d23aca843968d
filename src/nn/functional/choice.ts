// Gradients through a hard choice: straight-through, Gumbel-softmax and score-function estimators.

import { checkPositive } from '../../graph/check.ts'
import { misfit } from '../../graph/refuse.ts'
import { sameShape, show } from '../../graph/shape.ts'
import { oneHot, random, type Tensor } from '../../tensor/index.ts'

/** The values of `hard` with the gradient of `soft` (Bengio et al. 2013); both of one shape. */
export function straightThrough(hard: Tensor, soft: Tensor): Tensor {
  if (!sameShape(hard.shape, soft.shape))
    throw misfit(`straightThrough: ${show(hard.shape)} and ${show(soft.shape)} differ: they must be equal`)
  return soft.add(hard.sub(soft).detach())
}

export interface GumbelOptions {
  /** The lower, the nearer to one-hot vectors; 1 unless told. */
  readonly temperature?: number
  /** Whether values are one-hot vectors, with the gradient of the soft ones. */
  readonly hard?: boolean
  readonly key?: random.Key
}

/** Samples of a categorical distribution by its logits [..., k], relaxed so that gradients pass (Jang et al. 2017; Maddison et al. 2017). */
export function gumbelSoftmax(logits: Tensor, options: GumbelOptions = {}): Tensor {
  const { temperature = 1, hard = false, key } = options
  checkPositive('gumbelSoftmax', { temperature })
  if (logits.rank === 0) throw misfit('gumbelSoftmax: the logits are a scalar, expected [..., k]')
  const dtype = logits.dtype === 'float64' ? 'float64' : 'float32'
  const noise = random.gumbel(logits.shape, { dtype, ...(key ? { key } : {}) })
  const soft = logits.add(noise).div(temperature).softmax(-1)
  if (!hard) return soft
  return straightThrough(oneHot(soft.argmax(-1), logits.shape[logits.rank - 1], dtype), soft)
}

/**
 * A tensor whose gradient estimates that of the mean of `value`: of value itself and, by the score function, through the
 * choice that was drawn with `logProbability` (Williams 1992). Take `baseline` from values to lower the variance.
 *
 *     grad(scoreFunction(f(k), logits.logSoftmax().at(k)).mean(), [logits])
 */
export const scoreFunction = (value: Tensor, logProbability: Tensor, baseline: Tensor | number = 0): Tensor => {
  const surrogate = value.sub(baseline).detach().mul(logProbability)
  return value.add(surrogate.sub(surrogate.detach()))
}
