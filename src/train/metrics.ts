/** Metrics: what a network's outputs are worth, as sums over batches that the compiled step computes and a value made of them. */
import { iota, oneHot, type Tensor } from '../tensor/index.ts'

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
function chosen(outputs: Tensor): Tensor {
  const single = outputs.rank === 1 || (outputs.rank === 2 && outputs.shape[1] === 1)
  return single ? outputs.reshape([-1]).greater(0).cast('int32') : outputs.argmax(-1)
}

const labels = (targets: Tensor): Tensor => targets.reshape([-1]).cast('int32')
