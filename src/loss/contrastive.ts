// Losses that bring what belongs together close and hold the rest apart.

import { checkPositive, checkRange } from '../graph/check.ts'
import { misfit } from '../graph/refuse.ts'
import { sameShape, show } from '../graph/shape.ts'
import { arange, norm, type Tensor } from '../tensor/index.ts'
import { softmaxCrossEntropy } from './classification.ts'
import { pairwiseDistance } from './distance.ts'
import { type LossOptions, reduce } from './reduction.ts'
import { scoped } from './scope.ts'

export interface ContrastiveOptions extends LossOptions {
  /** How far apart a pair that does not belong together is to be; 1 unless told. */
  readonly margin?: number
}

/** d²/2 of pairs x, y [n, d] with target 1, max(0, margin − d)²/2 with target 0 (Hadsell, Chopra and LeCun 2006). */
export function contrastive(x: Tensor, y: Tensor, targets: Tensor, options: ContrastiveOptions = {}): Tensor {
  return scoped('contrastive', () => {
    const { margin = 1, reduction } = options
    checkRange('contrastive', { margin })
    if (!sameShape(x.shape, y.shape) || !sameShape(targets.shape, x.shape.slice(0, -1)))
      throw misfit(
        `contrastive: ${show(x.shape)}, ${show(y.shape)} and targets ${show(targets.shape)}: expected [n, d] twice and [n]`,
      )
    const distance = pairwiseDistance(x, y)
    const losses = targets.equal(1).where(distance.square(), distance.neg().add(margin).relu().square()).mul(0.5)
    return reduce(losses, reduction)
  })
}

export interface InfoNceOptions extends LossOptions {
  /** Similarities are divided by it; 0.1 unless told. */
  readonly temperature?: number
  /** Also asks each key for its query, and takes the mean. */
  readonly symmetric?: boolean
}

/**
 * The cross entropy of finding each query's own key among all, by cosine similarity; queries and keys [n, d], row i belongs to row i
 * (van den Oord et al. 2018). Throws when the shapes differ.
 */
export function infoNce(queries: Tensor, keys: Tensor, options: InfoNceOptions = {}): Tensor {
  return scoped('infoNce', () => {
    const { temperature = 0.1, symmetric = false, reduction } = options
    if (queries.rank !== 2 || !sameShape(queries.shape, keys.shape))
      throw misfit(`infoNce: queries ${show(queries.shape)} and keys ${show(keys.shape)}: both must be [n, d]`)
    checkPositive('infoNce', { temperature })
    const unit = (x: Tensor): Tensor => x.div(norm(x, 2, -1, true).maximum(1e-12))
    const logits = unit(queries).matmul(unit(keys).transpose()).div(temperature)
    const labels = arange(queries.shape[0])
    const each = reduction === undefined ? {} : { reduction }
    const forward = softmaxCrossEntropy(logits, labels, each)
    return symmetric ? forward.add(softmaxCrossEntropy(logits.transpose(), labels, each)).mul(0.5) : forward
  })
}
