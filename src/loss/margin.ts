// Losses that are content once a margin is kept.

import { checkFinite } from '../graph/check.ts'
import { misfit, mistake } from '../graph/refuse.ts'
import { sameShape, show } from '../graph/shape.ts'
import { cumsum, iota, softplus, type Tensor, withBroadcasting } from '../tensor/index.ts'
import { cosineSimilarity, pairwiseDistance } from './distance.ts'
import { checkClasses } from './labels.ts'
import { type LossOptions, reduce } from './reduction.ts'
import { scoped } from './scope.ts'

export interface MarginOptions extends LossOptions {
  readonly margin?: number
}

/** max(0, margin − t·y) of scores y and targets t = ±1 of one shape; the margin is 1 unless told. */
export function hinge(scores: Tensor, targets: Tensor, options: MarginOptions = {}): Tensor {
  return scoped('hinge', () => {
    checkEqual('hinge', scores, targets)
    const { margin = 1, reduction } = options
    checkFinite('hinge', { margin })
    return reduce(scores.mul(targets).neg().add(margin).relu(), reduction)
  })
}

/** log(1 + e^(−t·y)) of scores y and targets t = ±1 of one shape: the smooth hinge. */
export function softMargin(scores: Tensor, targets: Tensor, options: LossOptions = {}): Tensor {
  return scoped('softMargin', () => {
    checkEqual('softMargin', scores, targets)
    return reduce(softplus(scores.mul(targets).neg()), options.reduction)
  })
}

/** Distances x with targets ±1: x itself for 1, max(0, margin − x) for −1; the margin is 1 unless told. */
export function hingeEmbedding(distances: Tensor, targets: Tensor, options: MarginOptions = {}): Tensor {
  return scoped('hingeEmbedding', () => {
    checkEqual('hingeEmbedding', distances, targets)
    const { margin = 1, reduction } = options
    checkFinite('hingeEmbedding', { margin })
    return reduce(targets.equal(1).where(distances, distances.neg().add(margin).relu()), reduction)
  })
}

/** max(0, −t·(x − y) + margin): t = 1 wants x above y, −1 below; the margin is 0 unless told. */
export function marginRanking(x: Tensor, y: Tensor, targets: Tensor, options: MarginOptions = {}): Tensor {
  return scoped('marginRanking', () => {
    checkEqual('marginRanking', x, y)
    const { margin = 0, reduction } = options
    checkFinite('marginRanking', { margin })
    return reduce(x.sub(y).mul(targets).neg().add(margin).relu(), reduction)
  })
}

/** 1 − cos(x, y) for targets 1, max(0, cos(x, y) − margin) for −1; x and y [n, d], targets [n]; the margin is 0 unless told. */
export function cosineEmbedding(x: Tensor, y: Tensor, targets: Tensor, options: MarginOptions = {}): Tensor {
  return scoped('cosineEmbedding', () => {
    checkEqual('cosineEmbedding', x, y)
    const { margin = 0, reduction } = options
    checkFinite('cosineEmbedding', { margin })
    const cosine = cosineSimilarity(x, y)
    checkEqual('cosineEmbedding', cosine, targets)
    return reduce(targets.equal(1).where(cosine.neg().add(1), cosine.sub(margin).relu()), reduction)
  })
}

export interface TripletOptions extends MarginOptions {
  /** How far apart two embeddings are; the Euclidean distance unless told. */
  readonly distance?: (x: Tensor, y: Tensor) => Tensor
  /** Takes the negative's distance to the positive where that is smaller (Balntas et al. 2016). */
  readonly swap?: boolean
}

/**
 * max(0, d(anchor, positive) − d(anchor, negative) + margin) of embeddings [..., d] (Weinberger and Saul 2009); the margin is 1 unless
 * told. Throws when the shapes differ.
 */
export function triplet(anchor: Tensor, positive: Tensor, negative: Tensor, options: TripletOptions = {}): Tensor {
  return scoped('triplet', () => {
    checkEqual('triplet', anchor, positive)
    checkEqual('triplet', anchor, negative)
    const { margin = 1, distance = pairwiseDistance, swap = false, reduction } = options
    checkFinite('triplet', { margin })
    const far = distance(anchor, negative)
    const farthest = swap ? far.minimum(distance(positive, negative)) : far
    return reduce(distance(anchor, positive).sub(farthest).add(margin).relu(), reduction)
  })
}

export interface MultiMarginOptions extends MarginOptions {
  /** 1 (the default) or 2: the power of each violation. */
  readonly p?: 1 | 2
  /** A factor for the examples of each class, [classes]. */
  readonly weight?: Tensor
}

/** Σⱼ max(0, margin − y_target + yⱼ)^p / classes over the other classes j, of scores [n, classes] and int32 labels [n]; the margin is 1 unless told. */
export function multiMargin(scores: Tensor, labels: Tensor, options: MultiMarginOptions = {}): Tensor {
  return scoped('multiMargin', () => {
    const { margin = 1, p = 1, weight, reduction } = options
    checkFinite('multiMargin', { margin })
    if (scores.rank !== 2 || !sameShape(labels.shape, scores.shape.slice(0, 1)))
      throw misfit(
        `multiMargin: scores ${show(scores.shape)} and labels ${show(labels.shape)}: expected [n, classes] and [n]`,
      )
    if (p !== 1 && p !== 2) throw misfit(`multiMargin: the power p is ${String(p)}, it must be 1 or 2`)
    if (labels.dtype !== 'int32') throw mistake(`multiMargin: labels are ${labels.dtype}: they must be int32`)
    if (weight && !sameShape(weight.shape, scores.shape.slice(1)))
      throw misfit(`multiMargin: weight is ${show(weight.shape)}, expected ${show(scores.shape.slice(1))}`)
    checkClasses('multiMargin', labels, scores.shape[1])
    const isTarget = iota(scores.shape, 1).equal(labels.unsqueeze(1))
    const own = isTarget.where(scores, 0).sum(1, true)
    const violation = scores.sub(own).add(margin).relu()
    const powered = isTarget.where(0, p === 1 ? violation : violation.square())
    const losses = powered.sum(1).div(scores.shape[1])
    return reduce(weight ? losses.mul(weight.take(labels)) : losses, reduction)
  })
}

/**
 * Σ max(0, 1 − y_target + yⱼ) / classes over a row's targets and the classes j that are none of them, of scores and int32 labels, both
 * [n, classes]: a row's targets come first, the first −1 ends them, as in PyTorch's `MultiLabelMarginLoss`.
 */
export function multilabelMargin(scores: Tensor, labels: Tensor, options: LossOptions = {}): Tensor {
  return scoped('multilabelMargin', () => {
    if (scores.rank !== 2) throw misfit(`multilabelMargin: scores ${show(scores.shape)}: expected [n, classes]`)
    checkEqual('multilabelMargin', scores, labels)
    if (labels.dtype !== 'int32') throw mistake(`multilabelMargin: labels are ${labels.dtype}: they must be int32`)
    const classes = scores.shape[1]
    checkClasses('multilabelMargin', labels, classes, -1)
    const isNamed = cumsum(labels.less(0).cast('int32'), 1).equal(0)
    const places = isNamed.where(labels, 0)
    return withBroadcasting('numpy', () => {
      const [n] = scores.shape as [number]
      const names = isNamed
        .where(labels, -1)
        .unsqueeze(2)
        .equal(iota([n, 1, classes], 2))
      const isOther = names.any(1).not().unsqueeze(1)
      const gaps = scores.unsqueeze(1).sub(scores.takeAlong(places, 1).unsqueeze(2)).add(1).relu()
      const counted = isNamed.unsqueeze(2).and(isOther).where(gaps, 0)
      return reduce(counted.sum([1, 2]).div(classes), options.reduction)
    })
  })
}

/** The mean over classes of the logistic losses of logits and targets 0 or 1, both [n, classes]. */
export function multilabelSoftMargin(logits: Tensor, targets: Tensor, options: LossOptions = {}): Tensor {
  return scoped('multilabelSoftMargin', () => {
    checkEqual('multilabelSoftMargin', logits, targets)
    const signed = targets.cast(logits.dtype).mul(2).sub(1)
    return reduce(softplus(logits.mul(signed).neg()).mean(-1), options.reduction)
  })
}

function checkEqual(name: string, x: Tensor, y: Tensor): void {
  if (!sameShape(x.shape, y.shape))
    throw misfit(`${name}: ${show(x.shape)} and ${show(y.shape)} differ: reshape one of them`)
}
