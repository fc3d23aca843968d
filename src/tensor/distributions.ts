// Random numbers of the usual distributions, each a function of uniform ones.

import { misfit } from '../graph/refuse.ts'
import type { Dims } from '../graph/shape.ts'
import { normalizeAxis, show } from '../graph/shape.ts'
import { math } from '../scalar/math.ts'
import { erfinv } from './gamma.ts'
import { below, type FloatOptions, fold, nextKey, type RandomOptions, uniform } from './random-bits.ts'
import { withBroadcasting } from './runtime.ts'
import type { AnyDims, Writable } from './shape-types.ts'
import { argsort } from './sort.ts'
import type { Tensor } from './tensor.ts'
/** Normal with the given mean and standard deviation, by the Box–Muller transform. */
export function normal<const S extends AnyDims>(
  shape: S,
  options?: FloatOptions & { readonly mean?: number; readonly std?: number },
): Tensor<Writable<S>>
export function normal(
  shape: Dims,
  options: FloatOptions & { readonly mean?: number; readonly std?: number } = {},
): Tensor {
  const { mean = 0, std = 1, dtype = 'float32', key: k = nextKey() } = options
  checkScale('random.normal', std)
  // 1 − u lies in (0, 1], so that the logarithm is finite.
  const radius = uniform(shape, { dtype, key: fold(k, 0) })
    .neg()
    .add(1)
    .log()
    .mul(-2)
    .sqrt()
  const angle = uniform(shape, { dtype, key: fold(k, 1) }).mul(2 * Math.PI)
  return radius.mul(angle.cos()).mul(std).add(mean)
}

export interface TruncatedOptions extends FloatOptions {
  readonly mean?: number
  readonly std?: number
  readonly low?: number
  readonly high?: number
}

/**
 * Normal with the given mean and standard deviation, conditioned on [low, high] (default: two standard deviations around the mean), by inversion of
 * the distribution function.
 */
export function truncatedNormal<const S extends AnyDims>(shape: S, options?: TruncatedOptions): Tensor<Writable<S>>
export function truncatedNormal(shape: Dims, options: TruncatedOptions = {}): Tensor {
  const { mean = 0, std = 1, dtype = 'float32', key: k = nextKey() } = options
  const { low = mean - 2 * std, high = mean + 2 * std } = options
  checkScale('random.truncatedNormal', std)
  if (!(low < high)) throw misfit(`random.truncatedNormal: low is ${low} and high ${high}: low must be less`)
  // Beyond a boundary far out, all of the distribution function's digits are lost.
  const [a, b] = [(low - mean) / std, (high - mean) / std]
  if (Math.min(Math.abs(a), Math.abs(b)) > 4 && a * b > 0)
    throw misfit(
      `random.truncatedNormal: [${low}, ${high}] lies ${Math.min(Math.abs(a), Math.abs(b))} standard deviations from the mean ${mean}: at most 4 can be drawn from`,
    )
  const cumulative = (z: number): number => math.erf(z * Math.SQRT1_2)
  const u = uniform(shape, { dtype, key: k })
  const [from, to] = [cumulative(a), cumulative(b)]
  const drawn = erfinv(u.mul(to - from).add(from)).mul(Math.SQRT2 * std)
  return drawn.add(mean).maximum(low).minimum(high)
}

/** True with probability p, a number or a tensor that broadcasts to the shape; bool. */
export function bernoulli<const S extends AnyDims>(
  shape: S,
  p: number | Tensor,
  options?: RandomOptions,
): Tensor<Writable<S>, 'bool'>
export function bernoulli(shape: Dims, p: number | Tensor, options: RandomOptions = {}): Tensor {
  if (typeof p === 'number' && !(p >= 0 && p <= 1))
    throw misfit(`random.bernoulli: the probability is ${p}, it must lie in [0, 1]`)
  return uniform(shape, options).less(p)
}

/** The standard Gumbel distribution, −log(−log u): the largest of many draws. */
export function gumbel<const S extends AnyDims>(shape: S, options?: FloatOptions): Tensor<Writable<S>>
export function gumbel(shape: Dims, options: FloatOptions = {}): Tensor {
  const { dtype = 'float32', key: k = nextKey() } = options
  // The middle of each of the intervals that uniform numbers stand for: both logarithms are finite.
  const half = dtype === 'float32' ? 2 ** -25 : 2 ** -54
  return uniform(shape, { dtype, key: k }).add(half).minimum(below(1, dtype)).log().neg().log().neg()
}

/** Standard exponential numbers, −log(1 − u). */
export function exponential<const S extends AnyDims>(shape: S, options?: FloatOptions): Tensor<Writable<S>>
export function exponential(shape: Dims, options: FloatOptions = {}): Tensor {
  return uniform(shape, options).neg().log1p().neg()
}

/** Numbers of the Laplace distribution around 0, of density e^(−|x|)/2. */
export function laplace<const S extends AnyDims>(shape: S, options?: FloatOptions): Tensor<Writable<S>>
export function laplace(shape: Dims, options: FloatOptions = {}): Tensor {
  const { dtype = 'float32', key: k = nextKey() } = options
  const side = bernoulli(shape, 0.5, { key: fold(k, 0) })
  const size = exponential(shape, { dtype, key: fold(k, 1) })
  return side.where(size, size.neg())
}

/**
 * Draws from the categories of an axis with probabilities softmax(logits), int32, by the Gumbel-max trick; `shape`, if
 * given, comes before the remaining axes, for several draws each.
 *
 *     random.categorical(tensor([0, Math.log(3)]), { shape: [1000] })   // 1 in three quarters of the draws
 */
export function categorical(
  logits: Tensor,
  options: RandomOptions & { readonly axis?: number; readonly shape?: Dims } = {},
): Tensor {
  if (logits.rank === 0) throw misfit('random.categorical: the logits are a scalar: they need an axis of categories')
  const { axis = -1, shape = [], key: k = nextKey() } = options
  const at = normalizeAxis(axis, logits.rank, 'random.categorical')
  if (logits.shape[at] === 0)
    throw misfit(`random.categorical: logits ${show(logits.shape)} have no categories along axis ${axis}`)
  const dtype = logits.dtype === 'float64' ? 'float64' : 'float32'
  const noise = gumbel([...shape, ...logits.shape], { dtype, key: k })
  return withBroadcasting('numpy', () => logits.add(noise)).argmax(at + shape.length)
}

/**
 * The numbers 0 … n − 1 in random order, int32; or the rows of a tensor, along an axis, in random order.
 *
 *     const shuffled = random.permutation(examples)
 */
export function permutation(of: number | Tensor, options: RandomOptions & { readonly axis?: number } = {}): Tensor {
  const { axis = 0, key: k = nextKey() } = options
  if (typeof of === 'number') {
    if (!Number.isInteger(of) || of < 0)
      throw misfit(`random.permutation: of ${of}: it must be a whole number of at least 0, or a tensor`)
    return argsort(uniform([of], { dtype: 'float64', key: k }))
  }
  const at = normalizeAxis(axis, of.rank, 'random.permutation')
  return of.take(permutation(of.shape[at] as number, { key: k }), at)
}

function checkScale(what: string, std: number): void {
  if (!(std >= 0 && std < Infinity)) throw misfit(`${what}: std is ${std}, it must be finite and at least 0`)
}
