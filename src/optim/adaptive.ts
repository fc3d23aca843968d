// Optimizers that scale each element's step by its own history: Adagrad, RMSProp, Adadelta, Rprop.

import { checkPositive, checkRange } from '../graph/check.ts'
import { misfit } from '../graph/refuse.ts'
import { type Optimizer, optimizer } from './optimizer.ts'
import { withDecay } from './rule.ts'
import { type Rate, rateAt } from './schedule.ts'

export interface AdagradOptions {
  /** 0.01 unless told. */
  readonly learningRate?: Rate
  /** The rate at step t is divided by 1 + t·rateDecay; 0 unless told. */
  readonly rateDecay?: number
  /** Times the parameter, added to the gradient. */
  readonly weightDecay?: number
  /** Where the sum of squares begins; 0 unless told. */
  readonly initialSum?: number
  readonly epsilon?: number
}

/** p ← p − rate · g / (√Σg² + ε), as PyTorch's `Adagrad` (Duchi et al. 2011). */
export function adagrad(options: AdagradOptions = {}): Optimizer {
  const { learningRate = 0.01, rateDecay = 0, weightDecay = 0, initialSum = 0, epsilon = 1e-10 } = options
  checkRange('adagrad', { rateDecay, weightDecay, initialSum, epsilon })
  return optimizer(
    {
      kind: 'adagrad',
      slots: ['sum'],
      initial: { sum: initialSum },
      hyper: { rate: (step) => rateAt(learningRate, step) / (1 + step * rateDecay) },
      update: (p, gradient, slots, { rate }) => {
        const g = withDecay(gradient, p, weightDecay)
        const sum = slots.sum.add(g.square())
        return { parameter: p.sub(g.mul(rate).div(sum.sqrt().add(epsilon))), slots: { sum } }
      },
    },
    learningRate,
  )
}

export interface RmsPropOptions {
  /** 0.01 unless told. */
  readonly learningRate?: Rate
  /** How slowly the mean square forgets; 0.99 unless told. */
  readonly smoothing?: number
  readonly momentum?: number
  /** Divides by the standard deviation of the gradient rather than by its root mean square. */
  readonly centered?: boolean
  readonly weightDecay?: number
  readonly epsilon?: number
}

/** p ← p − rate · g / (√mean g² + ε), as PyTorch's `RMSprop` (Tieleman and Hinton 2012). */
export function rmsProp(options: RmsPropOptions = {}): Optimizer {
  const { learningRate = 0.01, smoothing = 0.99, momentum = 0, centered = false } = options
  const { weightDecay = 0, epsilon = 1e-8 } = options
  checkRange('rmsProp', { momentum, weightDecay, epsilon })
  checkRange('rmsProp', { smoothing }, 1)
  return optimizer(
    {
      kind: 'rmsProp',
      slots: ['square', ...(centered ? (['mean'] as const) : []), ...(momentum > 0 ? (['momentum'] as const) : [])],
      hyper: { rate: learningRate },
      update: (p, gradient, slots, { rate }) => {
        const g = withDecay(gradient, p, weightDecay)
        const square = slots.square.mul(smoothing).add(g.square().mul(1 - smoothing))
        const mean = centered ? slots.mean.mul(smoothing).add(g.mul(1 - smoothing)) : square
        const spread = centered ? square.sub(mean.square()) : square
        const direction = g.div(spread.sqrt().add(epsilon))
        const velocity = momentum > 0 ? slots.momentum.mul(momentum).add(direction) : direction
        return { parameter: p.sub(velocity.mul(rate)), slots: { square, mean, momentum: velocity } }
      },
    },
    learningRate,
  )
}

export interface AdadeltaOptions {
  /** 1 unless told. */
  readonly learningRate?: Rate
  /** How slowly both means forget; 0.9 unless told. */
  readonly smoothing?: number
  readonly weightDecay?: number
  readonly epsilon?: number
}

/** Steps of the size of earlier steps, g · √(mean Δ² + ε) / √(mean g² + ε), as PyTorch's `Adadelta` (Zeiler 2012). */
export function adadelta(options: AdadeltaOptions = {}): Optimizer {
  const { learningRate = 1, smoothing = 0.9, weightDecay = 0, epsilon = 1e-6 } = options
  checkRange('adadelta', { weightDecay, epsilon })
  checkRange('adadelta', { smoothing }, 1)
  return optimizer(
    {
      kind: 'adadelta',
      slots: ['square', 'moved'],
      hyper: { rate: learningRate },
      update: (p, gradient, slots, { rate }) => {
        const g = withDecay(gradient, p, weightDecay)
        const square = slots.square.mul(smoothing).add(g.square().mul(1 - smoothing))
        const delta = slots.moved.add(epsilon).sqrt().div(square.add(epsilon).sqrt()).mul(g)
        const moved = slots.moved.mul(smoothing).add(delta.square().mul(1 - smoothing))
        return { parameter: p.sub(delta.mul(rate)), slots: { square, moved } }
      },
    },
    learningRate,
  )
}

export interface RpropOptions {
  /** The size of the first step; 0.01 unless told. */
  readonly learningRate?: number
  /** By what steps shrink when the gradient's sign turns, and grow while it stays; [0.5, 1.2] unless told. */
  readonly factors?: readonly [number, number]
  /** The smallest and the largest step; [1e-6, 50] unless told. */
  readonly sizes?: readonly [number, number]
}

/** Steps by the gradient's sign alone, whose sizes grow and shrink, for full batches; as PyTorch's `Rprop` (Riedmiller and Braun 1993). */
export function rprop(options: RpropOptions = {}): Optimizer {
  const { learningRate = 0.01, factors = [0.5, 1.2], sizes = [1e-6, 50] } = options
  const [shrink, grow] = factors
  checkPositive('rprop', { learningRate })
  if (!(shrink > 0 && shrink < 1 && grow > 1 && grow < Infinity))
    throw misfit(`rprop: factors are ${shrink} and ${grow}, they must lie in (0, 1) and above 1`)
  if (!(sizes[0] > 0 && sizes[0] <= sizes[1]))
    throw misfit(`rprop: sizes are ${sizes[0]} and ${sizes[1]}, they must be above 0 and in order`)
  return optimizer(
    {
      kind: 'rprop',
      slots: ['previous', 'size'],
      initial: { size: learningRate },
      hyper: {},
      update: (p, gradient, slots) => {
        const agreement = gradient.mul(slots.previous).sign()
        const factor = agreement.greater(0).where(grow, agreement.less(0).where(shrink, agreement.mul(0).add(1)))
        const size = slots.size.mul(factor).clamp(...sizes)
        // After a turn the step is left out, once.
        const g = agreement.less(0).where(0, gradient)
        return { parameter: p.sub(g.sign().mul(size)), slots: { previous: g, size } }
      },
    },
    learningRate,
  )
}
