/** Metrics: what a network's outputs are worth, as sums over batches that the compiled step computes and a value made of them. */
import { iota, oneHot, onesLike, stack, type Tensor } from '../tensor/index.ts'

/** A scalar to make small: the mean over the examples of a batch. outputs: [batch, …], targets: [batch, …]. */
export type Loss = (outputs: Tensor, targets: Tensor) => Tensor

/** A number, or a table, about outputs and targets; sums of batches of any size give the same value as one large batch. */
export interface Metric<Value = number> {
  /** What one batch adds, as a tensor of a shape that does not depend on the batch. outputs: [batch, …], targets: [batch, …]. */
  readonly count: (outputs: Tensor, targets: Tensor) => Tensor
  /** The value from the sums over all batches, row-major, and the number of examples. */
  readonly value: (sums: Float64Array, examples: number) => Value
  /** A share of one is shown in percent. */
  readonly unit?: 'share'
}

export type Metrics = { readonly [name: string]: Metric<unknown> }
/** The values of metrics by their names. */
export type Values<M extends Metrics> = { readonly [K in keyof M]: M[K] extends Metric<infer V> ? V : never }

/** The mean of a loss over all examples. */
export const meanLoss = (loss: Loss): Metric => ({
  count: (outputs, targets) => loss(outputs, targets).mul(outputs.shape[0]),
  value: mean,
})

/**
 * The geometric mean of the probabilities that a network gives what is right: e to minus the mean of a loss that is their −log, as
 * softmaxCrossEntropy and its like are.
 */
export const meanProbability = (loss: Loss): Metric => ({
  count: meanLoss(loss).count,
  value: (sums, examples) => Math.exp(-mean(sums, examples)),
  unit: 'share',
})

/** One by `meanProbability`: among how many equally likely choices the network still hesitates. */
export const perplexity = (loss: Loss): Metric => ({
  count: meanLoss(loss).count,
  value: (sums, examples) => Math.exp(mean(sums, examples)),
})

/**
 * The share of examples whose largest logit is the target's; for a single logit, whether its sign is right. outputs: [batch, classes],
 * [batch, 1] or [batch]; targets: labels [batch] or [batch, 1].
 */
export const accuracy: Metric = {
  count: (outputs, targets) => chosen(outputs).equal(labels(targets)).cast('int32').sum(),
  value: mean,
  unit: 'share',
}

/** The share of examples whose target is among the k largest logits. outputs: [batch, classes], targets: labels [batch]. */
export function topK(k: number): Metric {
  if (!Number.isInteger(k) || k < 1) throw new RangeError(`topK: k is ${k}, it must be a whole number of at least 1`)
  return {
    count: (outputs, targets) => {
      const isTarget = iota(outputs.shape, 1).equal(targets.unsqueeze(1))
      const logit = isTarget.where(outputs, 0).sum(1, true)
      // Written so that a NaN counts as larger: a broken network is never right.
      const above = outputs.lessEqual(logit).not().cast('int32').sum(1)
      return above.less(k).cast('int32').sum()
    },
    value: mean,
    unit: 'share',
  }
}

/** How often class i (row) was taken for class j (column). outputs: [batch, classes], targets: labels [batch]. */
export function confusionMatrix(classes: number): Metric<number[][]> {
  return {
    count: (outputs, targets) => {
      const truth = oneHot(labels(targets), classes)
      return truth.transpose().matmul(oneHot(chosen(outputs), classes))
    },
    value: (sums) =>
      Array.from({ length: classes }, (_, i) => Array.from(sums.subarray(i * classes, (i + 1) * classes))),
  }
}

/** How far a network's probabilities can be trusted. */
export interface Reliability {
  /** The expected calibration error: the mean over examples of |accuracy − confidence| of their bin (Guo et al. 2017). */
  readonly error: number
  /** From the least confident on; the means of a bin without examples are NaN. */
  readonly bins: readonly { readonly share: number; readonly confidence: number; readonly accuracy: number }[]
}

/**
 * What the probability that a network gives its own choice is worth: how often the choice is right, in `bins` of equal width. outputs:
 * logits [batch, classes], or one [batch, 1] or [batch]; targets: labels [batch] or [batch, 1]. Throws unless `bins` is a whole number of at least 1.
 */
export function calibration(bins = 15): Metric<Reliability> {
  if (!Number.isInteger(bins) || bins < 1)
    throw new RangeError(`calibration: bins is ${bins}, it must be a whole number of at least 1`)
  return {
    count: (outputs, targets) => {
      const p = probabilities(outputs)
      const confidence = p.amax(-1)
      const isRight = p.argmax(-1).equal(labels(targets)).cast(confidence.dtype)
      const bin = confidence
        .mul(bins)
        .floor()
        .clamp(0, bins - 1)
        .cast('int32')
      const columns = stack([onesLike(confidence), confidence, isRight], 1)
      return oneHot(bin, bins).cast(confidence.dtype).transpose().matmul(columns)
    },
    value: (sums, examples) => {
      const rows = Array.from({ length: bins }, (_, i) => {
        const [count, confidence, right] = sums.subarray(3 * i)
        return { share: count / examples, confidence: confidence / count, accuracy: right / count }
      })
      const gap = Array.from({ length: bins }, (_, i) => Math.abs(sums[3 * i + 2] - sums[3 * i + 1]))
      return { error: gap.reduce((a, b) => a + b) / examples, bins: rows }
    },
  }
}

/** Brier's score: the mean of Σ (p − target)² over classes, of (p − target)² for one logit; outputs and targets as `calibration` takes them. */
export const brier: Metric = {
  count: (outputs, targets) => {
    const p = probabilities(outputs)
    const squares = p
      .sub(oneHot(labels(targets), p.shape[1]).cast(p.dtype))
      .square()
      .sum()
    return isSingle(outputs) ? squares.mul(0.5) : squares
  },
  value: mean,
}

/** The mean of |output − target| over all elements of all examples. */
export const meanAbsoluteError: Metric = {
  count: (outputs, targets) => {
    const error = outputs
      .reshape([...targets.shape])
      .sub(targets)
      .abs()
    return error.mean().mul(targets.shape[0])
  },
  value: mean,
}

function mean(sums: Float64Array, examples: number): number {
  return sums[0] / examples
}

/** The class that each example is taken for, int32 [batch]. */
const chosen = (outputs: Tensor): Tensor =>
  isSingle(outputs) ? outputs.reshape([-1]).greater(0).cast('int32') : outputs.argmax(-1)

/** Of each class, [batch, classes]. */
function probabilities(outputs: Tensor): Tensor {
  if (!isSingle(outputs)) return outputs.softmax(-1)
  const z = outputs.reshape([-1])
  return stack([z.neg().sigmoid(), z.sigmoid()], 1)
}

const isSingle = (outputs: Tensor): boolean => outputs.rank === 1 || (outputs.rank === 2 && outputs.shape[1] === 1)

const labels = (targets: Tensor): Tensor => targets.reshape([-1]).cast('int32')
