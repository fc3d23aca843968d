// The loss that belongs to sparsemax.

import { misfit, mistake } from '../graph/refuse.ts'
import { show } from '../graph/shape.ts'
import { oneHot, sparsemax, type Tensor } from '../tensor/index.ts'
import { type LossOptions, reduce } from './reduction.ts'
import { scoped } from './scope.ts'

/**
 * The sparsemax loss of scores [n, classes] and int32 labels [n] (Martins and Astudillo 2016): 0 once the target leads by 1; its
 * gradient is sparsemax − target. Throws when the shapes do not fit.
 */
export function sparsemaxLoss(scores: Tensor, labels: Tensor, options: LossOptions = {}): Tensor {
  return scoped('sparsemaxLoss', () => {
    if (scores.rank !== 2 || labels.rank !== 1 || labels.shape[0] !== scores.shape[0])
      throw misfit(
        `sparsemaxLoss: scores ${show(scores.shape)} and labels ${show(labels.shape)}: expected [n, classes] and [n]`,
      )
    if (labels.dtype !== 'int32') throw mistake(`sparsemaxLoss: labels are ${labels.dtype}: they must be int32`)
    const p = sparsemax(scores)
    const target = oneHot(labels, scores.shape[1]).cast(scores.dtype)
    // ⟨p, z⟩ − ‖p‖²/2 + ½ − z of the target: by the envelope theorem p needs no gradient in it, but has one in its derivative.
    const losses = p.mul(scores).sub(p.square().mul(0.5)).sub(target.mul(scores)).sum(1).add(0.5)
    return reduce(losses, options.reduction)
  })
}
