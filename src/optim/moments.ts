// Relatives of Adam: Adamax, NAdam, RAdam, LAMB, Lion, and averaged gradient descent.

import { checkRange } from '../graph/check.ts'
import { norm, type Tensor } from '../tensor/index.ts'
import { type Optimizer, optimizer } from './optimizer.ts'
import { withDecay } from './rule.ts'
import { type Rate, rateAt } from './schedule.ts'

export interface MomentOptions {
  readonly learningRate?: Rate
  /** How slowly the means of gradient and square forget; [0.9, 0.999] unless told. */
  readonly betas?: readonly [number, number]
  readonly epsilon?: number
  /** Times the parameter, added to the gradient. */
  readonly weightDecay?: number
}

function momentNumbers(kind: string, options: MomentOptions, rate: number) {
  const { learningRate = rate, betas = [0.9, 0.999], epsilon = 1e-8, weightDecay = 0 } = options
  checkRange(kind, { beta1: betas[0], beta2: betas[1] }, 1)
  checkRange(kind, { epsilon, weightDecay })
  return { learningRate, beta1: betas[0], beta2: betas[1], epsilon, weightDecay }
}

const mean = (old: Tensor, beta: number, value: Tensor): Tensor => old.mul(beta).add(value.mul(1 - beta))

/** Adam by the largest rather than the mean square: u ← max(β₂u, |g| + ε), as PyTorch's `Adamax` (Kingma and Ba 2015). Rate 0.002 unless told. */
export function adamax(options: MomentOptions = {}): Optimizer {
  const { learningRate, beta1, beta2, epsilon, weightDecay } = momentNumbers('adamax', options, 2e-3)
  return optimizer(
    {
      kind: 'adamax',
      slots: ['first', 'largest'],
      hyper: { size: (step) => rateAt(learningRate, step) / (1 - beta1 ** (step + 1)) },
      update: (p, gradient, slots, { size }) => {
        const g = withDecay(gradient, p, weightDecay)
        const first = mean(slots.first, beta1, g)
        const largest = slots.largest.mul(beta2).maximum(g.abs().add(epsilon))
        return { parameter: p.sub(first.mul(size).div(largest)), slots: { first, largest } }
      },
    },
    learningRate,
  )
}

export interface NadamOptions extends MomentOptions {
  /** How fast the momentum approaches β₁; 0.004 unless told. */
  readonly momentumDecay?: number
}

/** Adam with Nesterov's look ahead, as PyTorch's `NAdam` (Dozat 2016). Rate 0.002 unless told. */
export function nadam(options: NadamOptions = {}): Optimizer {
  const { learningRate, beta1, beta2, epsilon, weightDecay } = momentNumbers('nadam', options, 2e-3)
  const { momentumDecay = 4e-3 } = options
  checkRange('nadam', { momentumDecay })
  const momentum = (step: number): number => beta1 * (1 - 0.5 * 0.96 ** ((step + 1) * momentumDecay))
  const products: number[] = []
  const product = (step: number): number => {
    for (let i = products.length; i <= step; i++) products.push((products[i - 1] ?? 1) * momentum(i))
    return products[step]
  }
  return optimizer(
    {
      kind: 'nadam',
      slots: ['first', 'second'],
      hyper: {
        now: (step) => (rateAt(learningRate, step) * (1 - momentum(step))) / (1 - product(step)),
        ahead: (step) => (rateAt(learningRate, step) * momentum(step + 1)) / (1 - product(step + 1)),
        correction: (step) => 1 / (1 - beta2 ** (step + 1)),
      },
      update: (p, gradient, slots, { now, ahead, correction }) => {
        const g = withDecay(gradient, p, weightDecay)
        const first = mean(slots.first, beta1, g)
        const second = mean(slots.second, beta2, g.square())
        const direction = g.mul(now).add(first.mul(ahead))
        const parameter = p.sub(direction.div(second.mul(correction).sqrt().add(epsilon)))
        return { parameter, slots: { first, second } }
      },
    },
    learningRate,
  )
}

/** Adam that trusts its second moment once that rests on enough steps, as PyTorch's `RAdam` (Liu et al. 2020). Rate 0.001 unless told. */
export function radam(options: MomentOptions = {}): Optimizer {
  const { learningRate, beta1, beta2, epsilon, weightDecay } = momentNumbers('radam', options, 1e-3)
  const longest = 2 / (1 - beta2) - 1
  /** The rectification, 0 while the variance of the adaptive rate is not known. */
  const rectification = (step: number): number => {
    const power = beta2 ** (step + 1)
    const length = longest - (2 * (step + 1) * power) / (1 - power)
    if (length <= 5) return 0
    return Math.sqrt(((length - 4) * (length - 2) * longest) / ((longest - 4) * (longest - 2) * length))
  }
  const size = (step: number): number => rateAt(learningRate, step) / (1 - beta1 ** (step + 1))
  return optimizer(
    {
      kind: 'radam',
      slots: ['first', 'second'],
      hyper: {
        adaptive: (step) => size(step) * rectification(step) * Math.sqrt(1 - beta2 ** (step + 1)),
        plain: (step) => (rectification(step) === 0 ? size(step) : 0),
      },
      update: (p, gradient, slots, { adaptive, plain }) => {
        const g = withDecay(gradient, p, weightDecay)
        const first = mean(slots.first, beta1, g)
        const second = mean(slots.second, beta2, g.square())
        const scale = second.sqrt().add(epsilon).reciprocal().mul(adaptive).add(plain)
        return { parameter: p.sub(first.mul(scale)), slots: { first, second } }
      },
    },
    learningRate,
  )
}

/** Adam's direction, scaled for each tensor to the length of the tensor, for large batches (You et al. 2020). Rate 0.001, ε 1e-6 unless told. */
export function lamb(options: MomentOptions = {}): Optimizer {
  const { learningRate, beta1, beta2, epsilon, weightDecay } = momentNumbers(
    'lamb',
    { epsilon: 1e-6, ...options },
    1e-3,
  )
  return optimizer(
    {
      kind: 'lamb',
      slots: ['first', 'second'],
      hyper: {
        rate: learningRate,
        correction1: (step) => 1 / (1 - beta1 ** (step + 1)),
        correction2: (step) => 1 / (1 - beta2 ** (step + 1)),
      },
      update: (p, gradient, slots, { rate, correction1, correction2 }) => {
        const first = mean(slots.first, beta1, gradient)
        const second = mean(slots.second, beta2, gradient.square())
        const adapted = first.mul(correction1).div(second.mul(correction2).sqrt().add(epsilon))
        const direction = weightDecay === 0 ? adapted : adapted.add(p.mul(weightDecay))
        const [length, step] = [norm(p), norm(direction)]
        const isKnown = length.greater(0).and(step.greater(0))
        const trust = isKnown.where(length.div(isKnown.where(step, 1)), 1)
        return { parameter: p.sub(direction.mul(trust.mul(rate))), slots: { first, second } }
      },
    },
    learningRate,
  )
}

/** Steps by the sign of an interpolated momentum; the parameter shrinks by weightDecay times the rate (Chen et al. 2023). Rate 1e-4, betas [0.9, 0.99] unless told. */
export function lion(options: Omit<MomentOptions, 'epsilon'> = {}): Optimizer {
  const { learningRate, beta1, beta2, weightDecay } = momentNumbers('lion', { betas: [0.9, 0.99], ...options }, 1e-4)
  return optimizer(
    {
      kind: 'lion',
      slots: ['momentum'],
      hyper: { rate: learningRate, keep: (step) => 1 - rateAt(learningRate, step) * weightDecay },
      update: (p, gradient, slots, { rate, keep }) => {
        const direction = mean(slots.momentum, beta1, gradient).sign()
        const shrunk = weightDecay === 0 ? p : p.mul(keep)
        return {
          parameter: shrunk.sub(direction.mul(rate)),
          slots: { momentum: mean(slots.momentum, beta2, gradient) },
        }
      },
    },
    learningRate,
  )
}

export interface AveragedOptions {
  /** 0.01 unless told. */
  readonly learningRate?: number
  /** Shrinks the parameter by it times the rate; 1e-4 unless told. */
  readonly decay?: number
  /** The power by which the rate falls; 0.75 unless told. */
  readonly power?: number
  /** The step from which parameters are averaged; 1e6 unless told. */
  readonly start?: number
  readonly weightDecay?: number
}

/** Gradient descent that keeps the average of its parameters in the slot `average`, as PyTorch's `ASGD` (Polyak and Juditsky 1992). */
export function averagedSgd(options: AveragedOptions = {}): Optimizer {
  const { learningRate = 0.01, decay = 1e-4, power = 0.75, start = 1e6, weightDecay = 0 } = options
  checkRange('averagedSgd', { learningRate, decay, power, start, weightDecay })
  const rate = (step: number): number => learningRate / (1 + decay * learningRate * step) ** power
  return optimizer(
    {
      kind: 'averagedSgd',
      slots: ['average'],
      hyper: {
        rate,
        keep: (step) => 1 - decay * rate(step),
        part: (step) => 1 / Math.max(1, step - start),
      },
      update: (p, gradient, slots, { rate: size, keep, part }) => {
        const parameter = p.mul(keep).sub(withDecay(gradient, p, weightDecay).mul(size))
        return { parameter, slots: { average: slots.average.add(parameter.sub(slots.average).mul(part)) } }
      },
    },
    rate,
  )
}
