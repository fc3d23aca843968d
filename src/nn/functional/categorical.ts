// A categorical distribution by its logits: what a policy over actions needs.

import { misfit, mistake } from '../../graph/refuse.ts'
import { sameShape, show } from '../../graph/shape.ts'
import { knownValues, random, type Tensor } from '../../tensor/index.ts'

export interface Categorical {
  /** softmax of the logits, [..., k]. */
  readonly probabilities: Tensor
  /** The likeliest category, int32 [...]. */
  readonly mode: Tensor
  /** −Σ p log p, [...]; a category of probability 0 adds nothing. */
  readonly entropy: Tensor
  /** log p of int32 categories [...]; gradients go to the logits. Throws where shapes or dtype do not fit. */
  logProbability(categories: Tensor): Tensor
  /** Draws, int32 [...]. */
  sample(options?: random.RandomOptions): Tensor
}

/**
 * The distribution over k categories with probabilities softmax(logits), logits [..., k], as a policy over actions. Logits may be −∞, for
 * what is not allowed.
 *
 *     const policy = nn.functional.categorical(net(states))
 *     const action = policy.sample()
 *     const l = policy.logProbability(action).mul(returns).mean().neg().sub(policy.entropy.mean().mul(0.01))
 */
export function categorical(logits: Tensor): Categorical {
  if (logits.rank === 0) throw misfit('categorical: the logits are a scalar, expected [..., k]')
  const log = logits.logSoftmax(-1)
  const outer = logits.shape.slice(0, -1)
  return {
    get probabilities() {
      return logits.softmax(-1)
    },
    get mode() {
      return logits.argmax(-1)
    },
    get entropy() {
      return logits.softmax(-1).mul(log.isFinite().where(log, 0)).sum(-1).neg()
    },
    logProbability(categories) {
      if (categories.dtype !== 'int32')
        throw mistake(`categorical: the categories are ${categories.dtype}: they must be int32`)
      if (!sameShape(categories.shape, outer))
        throw misfit(
          `categorical: categories ${show(categories.shape)} for logits ${show(logits.shape)}: expected ${show(outer)}`,
        )
      const wrong = knownValues(categories).find((c) => !(c >= 0 && c < logits.shape[logits.rank - 1]))
      if (wrong !== undefined)
        throw misfit(
          `categorical: a category is ${wrong}, for logits ${show(logits.shape)} use 0 to ${logits.shape[logits.rank - 1] - 1}`,
        )
      return log.takeAlong(categories.unsqueeze(-1), -1).squeeze(-1)
    },
    sample: (options = {}) => random.categorical(logits.detach(), options),
  }
}
