// Losses of yes-or-no decisions.

import { checkRange } from '../graph/check.ts'
import { misfit } from '../graph/refuse.ts'
import { sameShape, show } from '../graph/shape.ts'
import { type Checked, type Shape, type Tensor, withBroadcasting, withGradient } from '../tensor/index.ts'
import type { Alike, Loss, Mean } from './loss-types.ts'
import { type LossOptions, reduce } from './reduction.ts'
import { scoped } from './scope.ts'

export interface SigmoidOptions extends LossOptions {
  /** A factor of each example, broadcast. */
  readonly weight?: Tensor
  /** A factor of the positive part, broadcast: above 1 it favours recall. */
  readonly posWeight?: Tensor | number
}

/**
 * The binary cross entropy of targets in [0, 1] and the sigmoid of logits of the same shape: with t the target,
 * t·p·log(1 + e⁻ᶻ) + (1 − t)·log(1 + eᶻ). Exact and with finite gradients σ(z) − t for all finite logits. Throws when
 * the shapes differ.
 */
export function sigmoidBinaryCrossEntropy<A extends Shape, B extends Shape, const O extends SigmoidOptions = Mean>(
  logits: Tensor<A>,
  targets: Checked<NoInfer<Alike<'sigmoidBinaryCrossEntropy', A, B>>, Tensor<B>>,
  options?: O,
): Loss<O, A>
export function sigmoidBinaryCrossEntropy(logits: Tensor, targets: Tensor, options: SigmoidOptions = {}): Tensor {
  return scoped('sigmoidBinaryCrossEntropy', () => {
    checkShapes('sigmoidBinaryCrossEntropy', logits, targets)
    if (typeof options.posWeight === 'number') checkRange('sigmoidBinaryCrossEntropy', { posWeight: options.posWeight })
    const t = targets.cast(logits.dtype)
    const positive = weighted(t, options.posWeight)
    const losses = logistic(logits, positive, t.neg().add(1))
    return reduce(weighted(losses, options.weight), options.reduction)
  })
}

/**
 * a·log(1 + e⁻ᶻ) + b·log(1 + eᶻ). The terms are not negative, so that nothing cancels; the derivative is given, as that
 * of max and |z| would be wrong at 0.
 */
const logistic = withGradient(
  (z, a, b) =>
    product(a, z.neg().relu())
      .add(product(b, z.relu()))
      .add(a.add(b).mul(tail(z))),
  (g, [z, a, b]) => [
    g.mul(b.mul(z.sigmoid()).sub(a.mul(z.neg().sigmoid()))),
    g.mul(z.neg().relu().add(tail(z))),
    g.mul(z.relu().add(tail(z))),
  ],
)

/** 0 where the factor is 0, also times infinity: what is certain and right costs nothing. */
const product = (factor: Tensor, x: Tensor): Tensor => factor.mul(factor.equal(0).where(0, x))

const tail = (z: Tensor): Tensor => z.abs().neg().exp().log1p()

export interface BinaryOptions extends LossOptions {
  readonly weight?: Tensor
}

/**
 * −t·log p − (1 − t)·log(1 − p) for probabilities and targets in [0, 1] of one shape, with the logarithms at least −100 and
 * the gradient's divisor at least 1e-12, as PyTorch. From logits use `sigmoidBinaryCrossEntropy`, which is exact. Throws when the shapes differ.
 */
export function binaryCrossEntropy<A extends Shape, B extends Shape, const O extends BinaryOptions = Mean>(
  probabilities: Tensor<A>,
  targets: Checked<NoInfer<Alike<'binaryCrossEntropy', A, B>>, Tensor<B>>,
  options?: O,
): Loss<O, A>
export function binaryCrossEntropy(probabilities: Tensor, targets: Tensor, options: BinaryOptions = {}): Tensor {
  return scoped('binaryCrossEntropy', () => {
    checkShapes('binaryCrossEntropy', probabilities, targets)
    const losses = clampedEntropy(probabilities, targets.cast(probabilities.dtype))
    return reduce(weighted(losses, options.weight), options.reduction)
  })
}

const clampedEntropy = withGradient(
  (p, t) =>
    t
      .mul(logOf(p))
      .add(t.neg().add(1).mul(logOfRest(p)))
      .neg(),
  (g, [p, t]) => [g.mul(p.sub(t)).div(p.neg().add(1).mul(p).clamp(1e-12)), g.mul(logOfRest(p).sub(logOf(p)))],
)

const logOf = (p: Tensor): Tensor => p.log().clamp(-100)
const logOfRest = (p: Tensor): Tensor => p.neg().log1p().clamp(-100)

function checkShapes(name: string, x: Tensor, targets: Tensor): void {
  if (!sameShape(x.shape, targets.shape)) {
    throw misfit(`${name}: predictions ${show(x.shape)} and targets ${show(targets.shape)} differ: reshape one of them`)
  }
}

/** With a factor that broadcasts, as its option says. */
const weighted = (x: Tensor, weight: Tensor | number | undefined): Tensor =>
  weight === undefined ? x : withBroadcasting('numpy', () => x.mul(weight))
