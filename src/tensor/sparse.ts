// Softmax's sparse relatives: distributions that can give exactly 0 to what scores low.

import { cumsum } from './cumulative.ts'
import { withGradient } from './differentiate.ts'
import { sort } from './sort.ts'
import { floating, type Tensor } from './tensor.ts'

/**
 * The point of the simplex nearest to x along an axis (Martins and Astudillo 2016): max(x − τ, 0), with τ such that the sum is 1.
 */
export function sparsemax(x: Tensor, axis = -1): Tensor {
  const of = withGradient(
    (z) => {
      const shifted = z.sub(z.max(axis, true))
      const { sorted, rank } = ranked(shifted, axis)
      const total = cumsum(sorted, axis)
      const isIn = sorted.mul(rank).add(1).greater(total)
      const count = isIn.cast(z.dtype).sum(axis, true)
      const threshold = isIn.where(sorted, 0).sum(axis, true).sub(1).div(count)
      return shifted.sub(threshold).maximum(0)
    },
    // The mean of the cotangent over the support is taken from it.
    (g, _, p) => {
      const support = p.greater(0)
      const mean = support.where(g, 0).sum(axis, true).div(support.cast(g.dtype).sum(axis, true))
      return [support.where(g.sub(mean), 0)]
    },
  )
  return of(floating(x))
}

/**
 * α-entmax with α = 1.5 along an axis, half way between softmax and sparsemax (Peters, Niculae and Martins 2019):
 * max(x/2 − τ, 0)², with τ such that the sum is 1.
 */
export function entmax15(x: Tensor, axis = -1): Tensor {
  const of = withGradient(
    (z) => {
      const shifted = z.sub(z.max(axis, true)).mul(0.5)
      const { sorted, rank } = ranked(shifted, axis)
      const mean = cumsum(sorted, axis).div(rank)
      const meanOfSquares = cumsum(sorted.square(), axis).div(rank)
      const spread = meanOfSquares.sub(mean.square()).mul(rank)
      const delta = spread.neg().add(1).div(rank)
      const thresholds = mean.sub(delta.maximum(0).sqrt())
      const count = thresholds.lessEqual(sorted).cast('int32').sum(axis, true)
      return shifted
        .sub(thresholds.takeAlong(count.sub(1), axis))
        .maximum(0)
        .square()
    },
    // With √p in place of sparsemax's indicator of the support.
    (g, _, p) => {
      const support = p.greater(0)
      const weight = support.where(support.where(p, 1).sqrt(), 0)
      const mean = g.mul(weight).sum(axis, true).div(weight.sum(axis, true))
      return [g.sub(mean).mul(weight)]
    },
  )
  return of(floating(x))
}

/** In descending order, and the numbers 1, 2, … along the axis. */
function ranked(x: Tensor, axis: number): { sorted: Tensor; rank: Tensor } {
  const sorted = sort(x, { axis, descending: true })
  return { sorted, rank: cumsum(sorted.mul(0).add(1).detach(), axis) }
}
