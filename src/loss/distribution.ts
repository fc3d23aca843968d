// Losses of predicted distributions.

import { checkPositive, checkProbability, checkRange } from '../graph/check.ts'
import { misfit } from '../graph/refuse.ts'
import { broadcastShapes, sameShape, show } from '../graph/shape.ts'
import { softplus, type Tensor, xlogy } from '../tensor/index.ts'
import { type LossOptions, reduce } from './reduction.ts'
import { scoped } from './scope.ts'

export interface DivergenceOptions extends LossOptions {
  /** Whether the targets are logarithms of probabilities, too. */
  readonly logTargets?: boolean
}

/**
 * Σ t·(log t − log q) along the last axis, of predicted log q and targets t [..., classes]: Kullback and Leibler's divergence of each
 * distribution, of which the mean is taken. Throws when the shapes differ.
 */
export function klDivergence(logProbabilities: Tensor, targets: Tensor, options: DivergenceOptions = {}): Tensor {
  return scoped('klDivergence', () => {
    checkEqual('klDivergence', logProbabilities, targets)
    const { logTargets = false, reduction } = options
    // What cannot happen adds nothing, however impossible it is held to be: 0·∞ would be NaN.
    const isNever = logTargets ? targets.equal(-Infinity) : targets.equal(0)
    const log = isNever.and(logProbabilities.equal(-Infinity)).where(0, logProbabilities)
    if (!logTargets) return reduce(xlogy(targets, targets).sub(targets.mul(log)).sum(-1), reduction)
    const finite = isNever.where(0, targets)
    return reduce(isNever.where(0, finite.exp().mul(finite.sub(log))).sum(-1), reduction)
  })
}

export interface PoissonOptions extends LossOptions {
  /** Whether predictions are logarithms of rates, as they are unless told. */
  readonly logInput?: boolean
  /** Adds Stirling's approximation of log t! for targets above 1. */
  readonly full?: boolean
  /** Added to rates before their logarithm; 1e-8 unless told. */
  readonly epsilon?: number
}

/** rate − t·log rate: the negative log-likelihood of counts t under Poisson's distribution, but for a constant. */
export function poissonNll(predictions: Tensor, targets: Tensor, options: PoissonOptions = {}): Tensor {
  return scoped('poissonNll', () => {
    checkEqual('poissonNll', predictions, targets)
    const { logInput = true, full = false, epsilon = 1e-8, reduction } = options
    checkRange('poissonNll', { epsilon })
    const losses = logInput
      ? predictions.exp().sub(targets.mul(predictions))
      : predictions.sub(targets.mul(predictions.add(epsilon).log()))
    if (!full) return reduce(losses, reduction)
    const isLarge = targets.greater(1)
    const t = isLarge.where(targets, 1)
    const stirling = t
      .mul(t.log())
      .sub(t)
      .add(
        t
          .mul(2 * Math.PI)
          .log()
          .mul(0.5),
      )
    return reduce(losses.add(isLarge.where(stirling, 0)), reduction)
  })
}

export interface GaussianOptions extends LossOptions {
  /** The least variance that is divided by; 1e-6 unless told. */
  readonly epsilon?: number
  /** Adds log(2π)/2. */
  readonly full?: boolean
}

/** (log σ² + (y − t)²/σ²)/2: the negative log-likelihood of t under a normal distribution with mean y and variance σ², which broadcasts. */
export function gaussianNll(
  predictions: Tensor,
  targets: Tensor,
  variance: Tensor,
  options: GaussianOptions = {},
): Tensor {
  return scoped('gaussianNll', () => {
    checkEqual('gaussianNll', predictions, targets)
    const { epsilon = 1e-6, full = false, reduction } = options
    checkPositive('gaussianNll', { epsilon })
    if (!sameShape(broadcastShapes(variance.shape, predictions.shape, 'gaussianNll'), predictions.shape))
      throw misfit(
        `gaussianNll: variances ${show(variance.shape)} for predictions ${show(predictions.shape)}: they must broadcast to them`,
      )
    // The bound is no part of the function: below it the gradient still says in which direction to leave.
    const bounded = variance.add(variance.maximum(epsilon).sub(variance).detach())
    const losses = bounded.log().add(predictions.sub(targets).square().div(bounded)).mul(0.5)
    return reduce(full ? losses.add(0.5 * Math.log(2 * Math.PI)) : losses, reduction)
  })
}

export interface FocalOptions extends LossOptions {
  /** How strongly easy examples fade; 2 unless told, 0 gives the cross entropy. */
  readonly gamma?: number
  /** A factor of positive targets, 1 − alpha of negative ones; none unless told. */
  readonly alpha?: number
}

/** −(1 − p)^γ log p of the probability p that sigmoid(logits) gives the targets, 0 or 1, of one shape (Lin et al. 2017). */
export function sigmoidFocal(logits: Tensor, targets: Tensor, options: FocalOptions = {}): Tensor {
  return scoped('sigmoidFocal', () => {
    checkEqual('sigmoidFocal', logits, targets)
    const { gamma = 2, alpha, reduction } = options
    checkRange('sigmoidFocal', { gamma })
    if (alpha !== undefined) checkProbability('sigmoidFocal', alpha, 'alpha')
    const t = targets.cast(logits.dtype)
    const signed = logits.mul(t.mul(2).sub(1))
    // (1 − p)^γ as a power of e, so that its derivative is finite where 1 − p is 0.
    const losses = softplus(signed).mul(-gamma).exp().mul(softplus(signed.neg()))
    if (alpha === undefined) return reduce(losses, reduction)
    return reduce(losses.mul(t.mul(2 * alpha - 1).add(1 - alpha)), reduction)
  })
}

function checkEqual(name: string, x: Tensor, y: Tensor): void {
  if (!sameShape(x.shape, y.shape))
    throw misfit(`${name}: predictions ${show(x.shape)} and targets ${show(y.shape)} differ: reshape one of them`)
}
