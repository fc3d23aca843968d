// Statistics beyond mean and variance: what several variables have in common, how often values come, sums that leave out NaN.

import { checkFinite, checkWhole } from '../graph/check.ts'
import { isFloat } from '../graph/dtype.ts'
import { misfit, mistake } from '../graph/refuse.ts'
import { sameShape, show } from '../graph/shape.ts'
import { linspace, onesLike, zeros } from './create.ts'
import { withBroadcasting } from './runtime.ts'
import { searchSorted } from './search.ts'
import { type Axes, floating, type Tensor } from './tensor.ts'

/**
 * The covariances of variables, the rows of x [variables, samples]: [variables, variables], divided by samples − correction (1 unless
 * told), as NumPy's `cov`.
 */
export function cov(x: Tensor, correction = 1): Tensor {
  if (x.rank !== 2) throw misfit(`cov: takes [variables, samples], not ${show(x.shape)}`)
  const value = floating(x)
  const centered = withBroadcasting('numpy', () => value.sub(value.mean(1, true)))
  return centered.matmul(centered.transpose()).div(Math.max(0, x.shape[1] - correction))
}

/** The correlations of variables, the rows of x [variables, samples], in [−1, 1]; NaN for a variable that does not vary, as NumPy's `corrcoef`. */
export function corrcoef(x: Tensor): Tensor {
  if (x.rank !== 2) throw misfit(`corrcoef: takes [variables, samples], not ${show(x.shape)}`)
  const value = floating(x)
  return withBroadcasting('numpy', () => {
    const centered = value.sub(value.mean(1, true))
    const unit = centered.div(centered.square().sum(1, true).sqrt())
    return unit.matmul(unit.transpose()).clamp(-1, 1)
  })
}

/**
 * How often each of 0 … length − 1 comes among integers, or the sum of their weights: int32, or the weights' dtype. What lies
 * outside is not counted.
 *
 *     bincount(tensor([0, 2, 2], { dtype: 'int32' }), 4) // 1, 0, 2, 0
 */
export function bincount(x: Tensor, length: number, weights?: Tensor): Tensor {
  checkWhole('bincount', { length }, 0)
  if (isFloat(x.dtype)) throw mistake(`bincount: the numbers are ${x.dtype}: cast them to int32`)
  if (weights && !sameShape(weights.shape, x.shape))
    throw misfit(`bincount: weights ${show(weights.shape)} for ${show(x.shape)}: they must be equal`)
  const amounts = (weights ?? onesLike(x).cast('int32')).flatten()
  const places = x.cast('int32').flatten()
  // One more place takes what lies outside.
  const isInside = places.greaterEqual(0).and(places.less(length))
  const sums = zeros([length + 1], amounts.dtype).indexAdd(isInside.where(places, length), amounts)
  return sums.slice([0, length])
}

export interface HistogramOptions {
  /** The ends of the first and the last bin. */
  readonly low: number
  readonly high: number
  /** 10 unless told. */
  readonly bins?: number
}

/**
 * How many elements fall into each of several bins of one width: counts, int32 [bins], and their edges [bins + 1]. A bin holds its lower
 * edge, the last one both, as NumPy's `histogram`; what lies outside, and NaN, is not counted.
 */
export function histogram(x: Tensor, { low, high, bins = 10 }: HistogramOptions): { counts: Tensor; edges: Tensor } {
  checkFinite('histogram', { low, high })
  checkWhole('histogram', { bins })
  if (!(low < high)) throw misfit(`histogram: low is ${low} and high ${high}: low must be less`)
  const value = floating(x)
  const edges = linspace(low, high, bins + 1, value.dtype === 'float64' ? 'float64' : 'float32')
  const place = searchSorted(edges, value, { side: 'right' }).sub(1)
  return { counts: bincount(value.equal(edges.at(bins)).where(bins - 1, place), bins), edges }
}

/** The sum of the elements that are numbers. */
export const nanSum = (x: Tensor, axes?: Axes, keepAxes = false): Tensor => numbersOf(x).sum(axes, keepAxes)

/** The mean of the elements that are numbers; NaN where there are none. */
export const nanMean = (x: Tensor, axes?: Axes, keepAxes = false): Tensor =>
  numbersOf(x).sum(axes, keepAxes).div(floating(x.isNaN().not()).sum(axes, keepAxes))

const numbersOf = (x: Tensor): Tensor => x.isNaN().where(0, x)
