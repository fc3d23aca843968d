// Losses of classification into one of several classes.

import { checkInteger, checkProbability } from '../graph/check.ts'
import { type DType, isFloat } from '../graph/dtype.ts'
import { misfit, mistake } from '../graph/refuse.ts'
import { normalizeAxis, sameShape, show, without } from '../graph/shape.ts'
import { type Checked, iota, type Shape, type Tensor } from '../tensor/index.ts'
import { checkClasses } from './labels.ts'
import type { Loss, Mean, Targets } from './loss-types.ts'
import { type LossOptions, reduce } from './reduction.ts'
import { scoped } from './scope.ts'

export interface NllOptions extends LossOptions {
  /** A factor for each class, [classes]; the mean is weighted by it, too. */
  readonly weight?: Tensor
  /** Examples of this class count for nothing. */
  readonly ignoreIndex?: number
  /** The axis of the classes; 1 unless told, as PyTorch, or 0 for a single example without a batch axis. */
  readonly axis?: number
}

export interface CrossEntropyOptions extends NllOptions {
  /** The part of the target that is spread evenly over all classes; 0 unless told (Szegedy et al. 2016). */
  readonly labelSmoothing?: number
}

/**
 * −log softmax(logits)[target], the cross entropy of the target and the softmax of logits [n, classes, ...]. Targets are
 * int32 labels [n, ...], or probabilities of the logits' shape. A label outside of the classes gives NaN. Finite, with
 * finite gradients softmax − target, for all finite logits. Throws when the shapes do not fit.
 *
 *     loss.softmaxCrossEntropy(net(x), labels, { labelSmoothing: 0.1 })
 */
export function softmaxCrossEntropy<
  A extends Shape,
  B extends Shape,
  Y extends DType,
  const O extends CrossEntropyOptions = Mean,
>(
  logits: Tensor<A>,
  targets: Checked<NoInfer<Targets<'softmaxCrossEntropy', A, B, Y, O>>, Tensor<B, Y>>,
  options?: O,
): Loss<O, Targets<'softmaxCrossEntropy', A, B, Y, O>>
export function softmaxCrossEntropy(logits: Tensor, targets: Tensor, options: CrossEntropyOptions = {}): Tensor {
  return scoped('softmaxCrossEntropy', () => {
    const axis = classAxis('softmaxCrossEntropy', logits, options.axis)
    const { shifted, logTotal } = shiftedLogits(logits, axis)
    if (isFloat(targets.dtype)) return againstProbabilities(shifted.sub(logTotal), targets, axis, options)
    checkLabels('softmaxCrossEntropy', logits, targets, axis)
    const losses = logTotal.squeeze(axis).sub(pick(shifted, targets, axis))
    return againstLabels(
      'softmaxCrossEntropy',
      losses,
      () => shifted.sub(logTotal),
      targets,
      axis,
      logits.shape[axis],
      options,
    )
  })
}

/**
 * The negative of the log-probability [n, classes, ...] of each target label [n, ...], int32. A label outside of the
 * classes gives NaN. Throws when the shapes do not fit.
 */
export function nll<A extends Shape, B extends Shape, const O extends NllOptions = Mean>(
  logProbabilities: Tensor<A>,
  targets: Checked<NoInfer<Targets<'nll', A, B, 'int32', O>>, Tensor<B>>,
  options?: O,
): Loss<O, B>
export function nll(logProbabilities: Tensor, targets: Tensor, options: NllOptions = {}): Tensor {
  return scoped('nll', () => {
    const axis = classAxis('nll', logProbabilities, options.axis)
    checkLabels('nll', logProbabilities, targets, axis)
    const losses = pick(logProbabilities, targets, axis).neg()
    return againstLabels('nll', losses, () => logProbabilities, targets, axis, logProbabilities.shape[axis], options)
  })
}

function classAxis(name: string, x: Tensor, axis = x.rank === 1 ? 0 : 1): number {
  if (x.rank === 0) throw misfit(`${name}: the scores are a scalar, expected [n, classes, ...]`)
  return normalizeAxis(axis, x.rank, name)
}

function checkLabels(name: string, x: Tensor, targets: Tensor, axis: number): void {
  const expected = without(x.shape, [axis])
  if (targets.dtype !== 'int32' && targets.dtype !== 'uint8')
    throw mistake(`${name}: labels are ${targets.dtype}: they must be int32`)
  if (!sameShape(targets.shape, expected)) {
    throw misfit(
      `${name}: scores ${show(x.shape)} with classes on axis ${axis} need labels ${show(expected)}, not ${show(targets.shape)}`,
    )
  }
}

/** Logits less their maximum, and the logarithm of the sum of their exponentials; [.., 1, ..] along the axis. */
function shiftedLogits(logits: Tensor, axis: number): { shifted: Tensor; logTotal: Tensor } {
  const top = logits.amax(axis, true).detach()
  const shifted = logits.sub(top.abs().equal(Infinity).where(0, top))
  return { shifted, logTotal: shifted.exp().sum(axis, true).log() }
}

/** The element of each label, found by comparing with the index, which needs no gather and its gradient no scatter. */
function pick(x: Tensor, labels: Tensor, axis: number): Tensor {
  const isTarget = iota(x.shape, axis).equal(labels.unsqueeze(axis))
  return isTarget.where(x, 0).sum(axis)
}

function againstLabels(
  name: string,
  plain: Tensor,
  logProbabilities: () => Tensor,
  labels: Tensor,
  axis: number,
  classes: number,
  options: CrossEntropyOptions,
): Tensor {
  const { weight, ignoreIndex, labelSmoothing = 0, reduction = 'mean' } = options
  checkProbability('softmaxCrossEntropy', labelSmoothing, 'labelSmoothing')
  if (ignoreIndex !== undefined) checkInteger('loss', { ignoreIndex })
  checkClasses(name, labels, classes, ignoreIndex)
  if (weight && !sameShape(weight.shape, [classes]))
    throw misfit(`loss: weight is ${show(weight.shape)}, expected ${show([classes])}`)
  const known = labels.cast('int32').greaterEqual(0).and(labels.less(classes))
  const factor =
    weight &&
    pick(perClass(weight, plain.rank + 1, axis).broadcastTo(withClasses(labels.shape, axis, classes)), labels, axis)
  let losses = factor ? plain.mul(factor) : plain
  if (labelSmoothing > 0) {
    const all = weight ? logProbabilities().mul(perClass(weight, plain.rank + 1, axis)) : logProbabilities()
    losses = losses.mul(1 - labelSmoothing).sub(all.sum(axis).mul(labelSmoothing / classes))
  }
  losses = known.where(losses, Number.NaN)
  if (ignoreIndex === undefined)
    return reduction === 'mean' && factor ? losses.sum().div(factor.sum()) : reduce(losses, reduction)
  const counts = labels.notEqual(ignoreIndex)
  losses = counts.where(losses, 0)
  if (reduction !== 'mean') return reduce(losses, reduction)
  return losses.sum().div(factor ? counts.where(factor, 0).sum() : counts.cast(plain.dtype).sum())
}

function againstProbabilities(
  logProbabilities: Tensor,
  targets: Tensor,
  axis: number,
  options: CrossEntropyOptions,
): Tensor {
  const { weight, ignoreIndex, labelSmoothing = 0, reduction = 'mean' } = options
  checkProbability('softmaxCrossEntropy', labelSmoothing, 'labelSmoothing')
  if (weight && !sameShape(weight.shape, [logProbabilities.shape[axis]]))
    throw misfit(`loss: weight is ${show(weight.shape)}, expected ${show([logProbabilities.shape[axis]])}`)
  if (!sameShape(targets.shape, logProbabilities.shape)) {
    throw misfit(
      `softmaxCrossEntropy: logits ${show(logProbabilities.shape)} need probabilities of that shape, not ${show(targets.shape)}`,
    )
  }
  if (ignoreIndex !== undefined)
    throw misfit('softmaxCrossEntropy: ignoreIndex is for labels, the targets are probabilities')
  const smooth =
    labelSmoothing > 0 ? targets.mul(1 - labelSmoothing).add(labelSmoothing / targets.shape[axis]) : targets
  const weighted = weight ? logProbabilities.mul(perClass(weight, targets.rank, axis)) : logProbabilities
  // A class that is ruled out by a logit of −∞ counts for nothing where its target is 0.
  const ruledOut = weighted.equal(-Infinity).and(smooth.equal(0))
  const losses = ruledOut.where(0, weighted).mul(smooth).sum(axis).neg()
  return reduce(losses, reduction)
}

const perClass = (weight: Tensor, rank: number, axis: number): Tensor =>
  weight.reshape(Array.from({ length: rank }, (_, a) => (a === axis ? weight.size : 1)))

const withClasses = (labels: readonly number[], axis: number, classes: number): number[] => [
  ...labels.slice(0, axis),
  classes,
  ...labels.slice(axis),
]
