// Normalisations: by layers, batches, groups, instances, root mean squares, neighbours, and of weights.

import { build } from '../../graph/build.ts'
import { checkFinite, checkRange } from '../../graph/check.ts'
import { misfit } from '../../graph/refuse.ts'
import { type Dims, normalizeAxis, show, sizeOf } from '../../graph/shape.ts'
import { norm, Tensor, withBroadcasting, withGradient } from '../../tensor/index.ts'

/** Standardizes over the last axes, those of `shape`; then times weight, plus bias, both of that shape (Ba et al. 2016). */
export function layerNorm(x: Tensor, shape: Dims, weight?: Tensor, bias?: Tensor, epsilon = 1e-5): Tensor {
  checkRange('layerNorm', { epsilon })
  const tail = x.shape.slice(Math.max(0, x.rank - shape.length))
  if (show(tail) !== show(shape)) {
    throw misfit(`layerNorm: input ${show(x.shape)}: expected its last axes to be ${show(shape)}`)
  }
  const { normalized } = standardize(x, lastAxes(shape), epsilon)
  return withBroadcasting('numpy', () => {
    const times = weight ? normalized.mul(weight) : normalized
    return bias ? times.add(bias) : times
  })
}

/** Standardizes each channel of x [n, c, ...] by the batch (Ioffe & Szegedy 2015); gives mean and biased variance, both [c], too. */
export function batchNormTraining(
  x: Tensor,
  weight?: Tensor,
  bias?: Tensor,
  epsilon = 1e-5,
): { y: Tensor; mean: Tensor; variance: Tensor } {
  checkRange('batchNorm', { epsilon })
  checkChannels('batchNorm', x, weight, bias)
  const axes = [...x.shape.keys()].filter((axis) => axis !== 1)
  const standard = standardize(x, axes, epsilon)
  return {
    y: scaled(standard, x, axes, weight, bias),
    mean: standard.mean.reshape([x.shape[1]]),
    variance: standard.variance.reshape([x.shape[1]]),
  }
}

/** Standardizes each channel of x [n, c, ...] by the given statistics [c]. */
export function batchNorm(
  x: Tensor,
  mean: Tensor,
  variance: Tensor,
  weight?: Tensor,
  bias?: Tensor,
  epsilon = 1e-5,
): Tensor {
  checkRange('batchNorm', { epsilon })
  checkChannels('batchNorm', x, mean, variance, weight, bias)
  const scale = variance.add(epsilon).rsqrt()
  const normalized = withBroadcasting('numpy', () => x.sub(perChannel(mean, x)).mul(perChannel(scale, x)))
  return affine(normalized, weight, bias)
}

/** Standardizes each example of x [n, c, ...] over groups of channels; then times weight, plus bias, both [c] (Wu and He 2018). Throws when the groups do not divide the channels. */
export function groupNorm(x: Tensor, groups: number, weight?: Tensor, bias?: Tensor, epsilon = 1e-5): Tensor {
  const [n, channels] = x.shape
  if (x.rank < 2 || !Number.isInteger(groups) || groups < 1 || channels % groups !== 0)
    throw misfit(
      `groupNorm: input ${show(x.shape)}: its channels don't divide into ${groups} groups: they must be a multiple of them`,
    )
  checkRange('groupNorm', { epsilon })
  checkChannels('groupNorm', x, weight, bias)
  const parts = x.reshape([n, groups, sizeOf(x.shape.slice(1)) / groups])
  return affine(standardize(parts, [-1], epsilon).normalized.reshape(x.shape), weight, bias)
}

/** Standardizes each channel of each example of x [n, c, ...spatial] (Ulyanov et al. 2016). */
export const instanceNorm = (x: Tensor, weight?: Tensor, bias?: Tensor, epsilon = 1e-5): Tensor => {
  if (x.rank < 3) throw misfit(`instanceNorm: input ${show(x.shape)}: expected [n, c, ...spatial]`)
  return groupNorm(x, x.shape[1], weight, bias, epsilon)
}

/** x over its root mean square over the last axes, those of `shape`, times weight (Zhang and Sennrich 2019). */
export function rmsNorm(x: Tensor, shape: Dims, weight?: Tensor, epsilon = 1e-6): Tensor {
  const tail = x.shape.slice(Math.max(0, x.rank - shape.length))
  if (show(tail) !== show(shape))
    throw misfit(`rmsNorm: input ${show(x.shape)}: expected its last axes to be ${show(shape)}`)
  checkRange('rmsNorm', { epsilon })
  const y = x.mul(x.square().mean(lastAxes(shape), true).add(epsilon).rsqrt())
  return weight ? y.mul(weight) : y
}

export interface LocalResponseOptions {
  /** Neighbouring channels, the own included; 5 unless told. */
  readonly size?: number
  readonly alpha?: number
  readonly beta?: number
  readonly k?: number
}

/** x / (k + α·mean of the squares of neighbouring channels)^β of x [n, c, ...] (Krizhevsky et al. 2012), as PyTorch. */
export function localResponseNorm(x: Tensor, options: LocalResponseOptions = {}): Tensor {
  const { size = 5, alpha = 1e-4, beta = 0.75, k = 1 } = options
  if (!Number.isInteger(size) || size < 1) throw misfit(`localResponseNorm: size is ${size}, it must be at least 1`)
  checkFinite('localResponseNorm', { alpha, beta, k })
  if (x.rank < 2) throw misfit(`localResponseNorm: input ${show(x.shape)}: expected [n, c, ...]`)
  const last = x.transpose(1, -1)
  const before = Math.floor(size / 2)
  const padded = last
    .square()
    .pad(last.shape.map((_, a) => (a === last.rank - 1 ? [before, size - 1 - before] : [0, 0])))
  const windows = build.node('windows', [padded.node], { size: [size], stride: [1], dilation: [1] })
  const mean = new Tensor(windows).mean(-1)
  return last.div(mean.mul(alpha).add(k).pow(beta)).transpose(1, -1)
}

/** x / max(‖x‖ₚ, ε) along an axis, 1 unless told. */
export function normalize(
  x: Tensor,
  options: { readonly p?: number; readonly axis?: number; readonly epsilon?: number } = {},
): Tensor {
  const { p = 2, axis = 1, epsilon = 1e-12 } = options
  checkRange('normalize', { epsilon })
  return x.div(norm(x, p, normalizeAxis(axis, x.rank, 'normalize'), true).maximum(epsilon))
}

/** v·g/‖v‖ over all axes but the first: direction and length of each row apart (Salimans and Kingma 2016). g [rows, 1, ...]. */
export function weightNorm(direction: Tensor, length: Tensor): Tensor {
  const axes = direction.shape.slice(1).map((_, i) => i + 1)
  return direction.mul(length.div(norm(direction, 2, axes, true)))
}

interface Standardized {
  readonly normalized: Tensor
  readonly mean: Tensor
  readonly variance: Tensor
  /** 1 / √(variance + ε). */
  readonly scale: Tensor
}

/**
 * x less its mean, over its standard deviation: (x − μ) / √(σ² + ε), over the given axes. Two passes over the data, not
 * E[x²] − μ². Backward in two more: the sums of g and g·y, then (g − mean(g) − y·mean(g·y)) / √(σ² + ε).
 */
function standardize(x: Tensor, axes: Dims, epsilon: number): Standardized {
  const mean = x.mean(axes, true)
  const centred = x.sub(mean)
  const variance = centred.mul(centred).mean(axes, true)
  const scale = variance.add(epsilon).rsqrt()
  const standard = withGradient(
    () => centred.mul(scale),
    (g, _, y) => [
      g
        .sub(g.mean(axes, true))
        .sub(y.mul(g.mul(y).mean(axes, true)))
        .mul(scale),
    ],
  )
  return { normalized: standard(x), mean, variance, scale }
}

/** Times weight [c], plus bias [c]; the sums that their gradients are serve the input's too. */
function scaled({ normalized: y, scale }: Standardized, x: Tensor, axes: Dims, weight?: Tensor, bias?: Tensor): Tensor {
  if (!weight || !bias) return affine(y, weight, bias)
  const count = x.size / weight.size
  const of = withGradient(
    () => affine(y, weight, bias),
    (g, [_, w]) =>
      withBroadcasting('numpy', () => {
        const sum = g.sum(axes, true)
        const product = g.mul(y).sum(axes, true)
        const rest = g.sub(sum.div(count)).sub(y.mul(product.div(count)))
        return [rest.mul(scale.mul(perChannel(w, x))), product.reshape(w.shape), sum.reshape(w.shape)]
      }),
  )
  return of(x, weight, bias)
}

/** x [n, c, ...] times weight [c], plus bias [c]. */
export function affine(x: Tensor, weight?: Tensor, bias?: Tensor): Tensor {
  return withBroadcasting('numpy', () => {
    const scaled = weight ? x.mul(perChannel(weight, x)) : x
    return bias ? scaled.add(perChannel(bias, x)) : scaled
  })
}

/** Throws unless x has channels, as many as each of the vectors has elements. */
function checkChannels(name: string, x: Tensor, ...vectors: readonly (Tensor | undefined)[]): void {
  const odd = vectors.find((v) => v && (v.rank !== 1 || v.size !== x.shape[1]))
  if (x.rank < 2 || odd)
    throw misfit(
      `${name}: input ${show(x.shape)}${odd ? ` with a vector ${show(odd.shape)}` : ''}: expected [n, c, ...]${odd ? ' and [c]' : ''}`,
    )
}

const perChannel = (v: Tensor, x: Tensor): Tensor => v.reshape([v.size, ...new Array<number>(x.rank - 2).fill(1)])

/** The axes that a shape of the last axes stands for. */
const lastAxes = (shape: Dims): number[] => shape.map((_, i) => i - shape.length)
