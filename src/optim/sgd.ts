// Stochastic gradient descent, with momentum.

import { checkRange } from '../graph/check.ts'
import { misfit } from '../graph/refuse.ts'
import { type Optimizer, optimizer } from './optimizer.ts'
import { type Rule, withDecay } from './rule.ts'
import type { Rate } from './schedule.ts'

export interface SgdOptions {
  readonly learningRate: Rate
  /** The part of the last step that goes on; 0 unless told. */
  readonly momentum?: number
  /** Looks ahead along the momentum (Nesterov 1983). */
  readonly nesterov?: boolean
  /** The part of the gradient that is kept out of the momentum, but for the first step. */
  readonly dampening?: number
  /** Times the parameter, added to the gradient. */
  readonly weightDecay?: number
}

/** p ← p − rate · v with v ← momentum · v + (1 − dampening) · gradient, as PyTorch's `SGD`. Throws on options that don't fit. */
export function sgd(options: SgdOptions): Optimizer {
  const { learningRate, momentum = 0, nesterov = false, dampening = 0, weightDecay = 0 } = options
  checkRange('sgd', { momentum, dampening, weightDecay })
  if (nesterov && (momentum <= 0 || dampening !== 0))
    throw misfit('sgd: nesterov needs a momentum above 0 and no dampening')
  return momentum === 0
    ? optimizer(plain(learningRate, weightDecay), learningRate)
    : optimizer(withMomentum(options), learningRate)
}

const plain = (rate: Rate, weightDecay: number): Rule<never, 'rate'> => ({
  kind: 'sgd',
  slots: [],
  hyper: { rate },
  update: (p, gradient, slots, { rate }) => {
    const g = withDecay(gradient, p, weightDecay)
    return { parameter: p.sub(g.mul(rate)), slots }
  },
})

const withMomentum = ({
  learningRate,
  momentum = 0,
  nesterov = false,
  dampening = 0,
  weightDecay = 0,
}: SgdOptions): Rule<'momentum', 'rate' | 'fresh'> => ({
  kind: 'sgd',
  slots: ['momentum'],
  // The first step is not dampened.
  hyper: { rate: learningRate, fresh: dampening === 0 ? 1 : (step) => (step === 0 ? 1 : 1 - dampening) },
  update: (p, gradient, slots, { rate, fresh }) => {
    const g = withDecay(gradient, p, weightDecay)
    const velocity = slots.momentum.mul(momentum).add(fresh === 1 ? g : g.mul(fresh))
    const direction = nesterov ? g.add(velocity.mul(momentum)) : velocity
    return { parameter: p.sub(direction.mul(rate)), slots: { momentum: velocity } }
  },
})
