// Losses of numbers.

import { checkPositive, checkRange } from '../graph/check.ts'
import { misfit } from '../graph/refuse.ts'
import { sameShape, show } from '../graph/shape.ts'
import type { Checked, Shape, Tensor } from '../tensor/index.ts'
import type { Alike, Loss, Mean } from './loss-types.ts'
import { type LossOptions, reduce } from './reduction.ts'
import { scoped } from './scope.ts'

/** (prediction − target)². Both have one shape; throws when they differ, since broadcasting here is nearly always a mistake. */
export function mse<A extends Shape, B extends Shape, const O extends LossOptions = Mean>(
  predictions: Tensor<A>,
  targets: Checked<NoInfer<Alike<'mse', A, B>>, Tensor<B>>,
  options?: O,
): Loss<O, A>
export function mse(predictions: Tensor, targets: Tensor, options: LossOptions = {}): Tensor {
  return scoped('mse', () => reduce(difference('mse', predictions, targets).square(), options.reduction))
}

/** |prediction − target|; the gradient at 0 is 0. Throws when the shapes differ. */
export function l1<A extends Shape, B extends Shape, const O extends LossOptions = Mean>(
  predictions: Tensor<A>,
  targets: Checked<NoInfer<Alike<'l1', A, B>>, Tensor<B>>,
  options?: O,
): Loss<O, A>
export function l1(predictions: Tensor, targets: Tensor, options: LossOptions = {}): Tensor {
  return scoped('l1', () => reduce(difference('l1', predictions, targets).abs(), options.reduction))
}

export interface HuberOptions extends LossOptions {
  /** Where the parabola becomes a line; 1 unless told. */
  readonly delta?: number
}

/** d²/2 for differences up to delta, then the line delta·(|d| − delta/2) (Huber 1964). Throws when the shapes differ. */
export function huber<A extends Shape, B extends Shape, const O extends HuberOptions = Mean>(
  predictions: Tensor<A>,
  targets: Checked<NoInfer<Alike<'huber', A, B>>, Tensor<B>>,
  options?: O,
): Loss<O, A>
export function huber(predictions: Tensor, targets: Tensor, options: HuberOptions = {}): Tensor {
  return scoped('huber', () => {
    const { delta = 1 } = options
    checkPositive('huber', { delta })
    const d = difference('huber', predictions, targets)
    const isNear = d.abs().lessEqual(delta)
    // The parabola's derivative is infinite where the line's is needed.
    const parabola = isNear.where(d, 0).square().mul(0.5)
    const line = d
      .abs()
      .sub(delta / 2)
      .mul(delta)
    const losses = isNear.where(parabola, line)
    return reduce(losses, options.reduction)
  })
}

export interface SmoothL1Options extends LossOptions {
  /** Where the parabola becomes a line; 1 unless told, and with 0 it is `l1`. */
  readonly beta?: number
}

/** d²/(2·beta) for differences up to beta, then the line |d| − beta/2, as PyTorch's `SmoothL1Loss`: `huber` over its delta. */
export function smoothL1(predictions: Tensor, targets: Tensor, options: SmoothL1Options = {}): Tensor {
  return scoped('smoothL1', () => {
    const { beta = 1, reduction } = options
    checkRange('smoothL1', { beta })
    const d = difference('smoothL1', predictions, targets)
    if (beta === 0) return reduce(d.abs(), reduction)
    const isNear = d.abs().lessEqual(beta)
    const parabola = isNear
      .where(d, 0)
      .square()
      .div(2 * beta)
    return reduce(isNear.where(parabola, d.abs().sub(beta / 2)), reduction)
  })
}

function difference(name: string, predictions: Tensor, targets: Tensor): Tensor {
  if (!sameShape(predictions.shape, targets.shape)) {
    throw misfit(
      `${name}: predictions ${show(predictions.shape)} and targets ${show(targets.shape)} differ: reshape one of them`,
    )
  }
  return predictions.sub(targets)
}
