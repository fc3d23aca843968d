// Augmentations of what examples are to give: mixtures of two examples, and wrong labels.

import { isFloat } from '../graph/dtype.ts'
import { misfit } from '../graph/refuse.ts'
import { oneHot, random, type Tensor, withBroadcasting } from '../tensor/index.ts'
import { type Augmentation, checkWhole, checkWithin, type Draw, type Examples } from './augmentation.ts'
import { apart } from './geometry.ts'

export interface MixupOptions {
  /** The number of classes, where targets are labels; `fit` knows that of the data. */
  readonly classes?: number
}

/**
 * Mixes each example with another one of the batch, inputs and targets alike: λ·a + (1 − λ)·b with λ from Beta(α, α), drawn for each
 * (Zhang et al. 2018). Labels become probabilities [n, classes], which `softmaxCrossEntropy` takes. Throws when it has
 * labels and does not know the number of classes.
 */
export function mixup(alpha: number, options: MixupOptions = {}): Augmentation {
  checkWithin('mixup', 'alpha', alpha, Number.MIN_VALUE)
  if (options.classes !== undefined) checkWhole('mixup', 'classes', options.classes, 1)
  return {
    kind: 'mixup',
    options: { alpha, ...(options.classes === undefined ? {} : { classes: options.classes }) },
    apply: (examples, { key, classes = options.classes }) => {
      const [n] = examples.inputs.shape
      const dtype = examples.inputs.dtype === 'float64' ? 'float64' : 'float32'
      const share = random.beta([n], alpha, alpha, { dtype, key: random.fold(key, 0) })
      return mixed(asNumbers(examples, classes), random.permutation(n, { key: random.fold(key, 1) }), share)
    },
  }
}

/** share·example + (1 − share)·partner, inputs and targets; `partners` int32 [n] are places in the batch, `share` [n]. */
export function mixed({ inputs, targets }: Examples, partners: Tensor, share: Tensor): Examples {
  const mix = (x: Tensor): Tensor => {
    const other = x.take(partners)
    return withBroadcasting('numpy', () => other.add(x.sub(other).mul(apart(share.cast(x.dtype), x.rank))))
  }
  return { inputs: mix(inputs), targets: mix(targets) }
}

function asNumbers({ inputs, targets }: Examples, classes: number | undefined): Examples {
  if (isFloat(targets.dtype)) return { inputs, targets }
  if (classes === undefined)
    throw misfit(
      'augment.mixup: targets are labels of an unknown number of classes: say augment.mixup(alpha, { classes })',
    )
  return { inputs, targets: oneHot(targets, classes).cast(inputs.dtype) }
}

/** With probability p puts one of the classes, each as likely, in place of a label, int32 [n] (Szegedy et al. 2016: as smoothing on average). */
export function labelNoise(p: number, options: MixupOptions = {}): Augmentation {
  checkWithin('labelNoise', 'p', p, 0, 1)
  if (options.classes !== undefined) checkWhole('labelNoise', 'classes', options.classes, 1)
  return {
    kind: 'labelNoise',
    options: { p, ...(options.classes === undefined ? {} : { classes: options.classes }) },
    apply: ({ inputs, targets }: Examples, { key, classes = options.classes }: Draw) => {
      if (targets.dtype !== 'int32' || classes === undefined)
        throw misfit(
          `augment.labelNoise: targets are ${targets.dtype} of ${classes ?? 'an unknown number of'} classes: it needs int32 labels, and { classes }`,
        )
      const other = random.integers(targets.shape, 0, classes, { key: random.fold(key, 0) })
      const isWrong = random.bernoulli(targets.shape, p, { key: random.fold(key, 1) })
      return { inputs, targets: isWrong.where(other, targets) }
    },
  }
}
