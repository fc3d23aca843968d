// Softmax over a sample of the classes, for where there are too many to ask them all.

import { checkWhole } from '../graph/check.ts'
import { misfit } from '../graph/refuse.ts'
import { sameShape, show } from '../graph/shape.ts'
import { concat, random, type Tensor, withBroadcasting, zeros } from '../tensor/index.ts'
import { softmaxCrossEntropy } from './classification.ts'
import type { LossOptions } from './reduction.ts'
import { scoped } from './scope.ts'

export interface SampledSoftmaxOptions extends LossOptions {
  /** Classes that are drawn, the same for all examples; 64 unless told. */
  readonly samples?: number
  /**
   * 'logUniform' draws class k with a probability of log((k + 2) / (k + 1)) / log(classes + 1), for classes in the order of
   * their frequency; 'uniform' all alike. The former unless told.
   */
  readonly sampler?: 'logUniform' | 'uniform'
  readonly key?: random.Key
}

/**
 * The cross entropy of int32 targets [n] among all classes, of whose exponentials Σ exp(xᵀwₖ + bₖ) all but the target's are estimated
 * from a sample (Bengio and Senécal 2008; Jean et al. 2015): classes are drawn with replacement, those that are the target count for
 * nothing, and each other's score is corrected by −log of the expected number of its draws, so that the sum is right in the mean.
 * x [n, d], weight [classes, d], bias [classes]. Costs samples / classes of the whole; measure with
 * `softmaxCrossEntropy` over all. Throws when shapes do not fit.
 *
 *     const l = loss.sampledSoftmax(hidden, output.weight, output.bias, targets, { samples: 256 })
 */
export function sampledSoftmax(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | undefined,
  targets: Tensor,
  options: SampledSoftmaxOptions = {},
): Tensor {
  return scoped('sampledSoftmax', () => {
    const { samples = 64, sampler = 'logUniform', key = random.nextKey(), reduction } = options
    const [classes] = weight.shape
    checkShapes(x, weight, bias, targets)
    checkWhole('sampledSoftmax', { samples })
    const law = samplers[sampler]
    if (!law) throw misfit(`sampledSoftmax: unknown sampler '${String(sampler)}': use 'logUniform' or 'uniform'`)
    const drawn = law.draw(random.uniform([samples], { key }), classes)
    // The logarithm of how often each is drawn on average.
    const expected = law.logProbability(drawn, classes).add(Math.log(samples)).cast(x.dtype)
    return withBroadcasting('numpy', () => {
      const own = x.mul(weight.take(targets)).sum(1)
      const others = x.matmul(weight.take(drawn).transpose())
      const ownScore = bias ? own.add(bias.take(targets)) : own
      const scores = (bias ? others.add(bias.take(drawn)) : others).sub(expected)
      const isHit = targets.unsqueeze(1).equal(drawn.unsqueeze(0))
      const all = concat([ownScore.unsqueeze(1), isHit.where(-1e30, scores)], 1)
      return softmaxCrossEntropy(all, zeros([x.shape[0]], 'int32'), reduction === undefined ? {} : { reduction })
    })
  })
}

interface Sampler {
  /** Classes, int32, from uniform numbers. */
  draw(u: Tensor, classes: number): Tensor
  /** float32 of int32 classes. */
  logProbability(k: Tensor, classes: number): Tensor
}

const samplers: { readonly [S in NonNullable<SampledSoftmaxOptions['sampler']>]: Sampler } = {
  logUniform: {
    draw: (u, classes) =>
      u
        .mul(Math.log(classes + 1))
        .expm1()
        .floor()
        .cast('int32')
        .clamp(0, classes - 1),
    logProbability: (k, classes) =>
      k
        .cast('float32')
        .add(1)
        .reciprocal()
        .log1p()
        .div(Math.log(classes + 1))
        .log(),
  },
  uniform: {
    draw: (u, classes) =>
      u
        .mul(classes)
        .floor()
        .cast('int32')
        .clamp(0, classes - 1),
    logProbability: (k, classes) => k.cast('float32').mul(0).sub(Math.log(classes)),
  },
}

function checkShapes(x: Tensor, weight: Tensor, bias: Tensor | undefined, targets: Tensor): void {
  const fits =
    x.rank === 2 &&
    weight.rank === 2 &&
    weight.shape[1] === x.shape[1] &&
    (!bias || sameShape(bias.shape, [weight.shape[0]])) &&
    targets.dtype === 'int32' &&
    sameShape(targets.shape, [x.shape[0]])
  if (!fits)
    throw misfit(
      `sampledSoftmax: input ${show(x.shape)}, weight ${show(weight.shape)}${bias ? `, bias ${show(bias.shape)}` : ''} and targets ${targets.dtype} ${show(targets.shape)}: expected [n, d], [classes, d], [classes] and int32 [n]`,
    )
}
