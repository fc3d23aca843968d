// Max-norm: after each update, the weights of every unit are brought back into a ball.

import { checkPositive } from '../graph/check.ts'
import { assignAll, noGrad, norm, type Tensor, type Variable } from '../tensor/index.ts'
import type { Optimizer } from './optimizer.ts'

export interface MaxNormOptions {
  /** The largest Euclidean norm of a unit's incoming weights; 3 unless told. */
  readonly max?: number
  /** Which parameters are held; those of two axes and more unless told, so not biases. */
  readonly of?: (parameter: Variable) => boolean
}

/**
 * An optimizer whose update is followed by a projection: the weights of each unit (a row of a linear layer's weight, a filter of a
 * convolution's: all axes but the first) are scaled down where their norm exceeds `max`, as PyTorch's `renorm` (Srivastava et al. 2014).
 *
 *     optim.maxNorm(optim.sgd({ learningRate: 0.1, momentum: 0.95 }), { max: 3 })
 */
export function maxNorm(optimizer: Optimizer, { max = 3, of = (p) => p.rank > 1 }: MaxNormOptions = {}): Optimizer {
  checkPositive('maxNorm', { max })
  return {
    kind: `maxNorm(${optimizer.kind})`,
    get stepCount() {
      return optimizer.stepCount
    },
    get learningRate() {
      return optimizer.learningRate
    },
    step(parameters, gradients) {
      optimizer.step(parameters, gradients)
      const held = parameters.filter(of)
      assignAll(
        held,
        held.map((p) => noGrad(() => withinBall(p, max))),
      )
    },
    state: (parameters) => optimizer.state(parameters),
    loadState: (state, parameters) => optimizer.loadState(state, parameters),
  }
}

/** Scaled down where the norm over all axes but the first is larger. */
function withinBall(weight: Tensor, max: number): Tensor {
  const size = norm(
    weight,
    2,
    weight.shape.slice(1).map((_, i) => i + 1),
    true,
  )
  return size.greater(max).where(weight.mul(size.add(1e-7).reciprocal().mul(max)), weight)
}
