// The functions that modules compute, on plain tensors.

import { build } from '../graph/build.ts'
import { promote } from '../graph/dtype.ts'
import { misfit } from '../graph/refuse.ts'
import { type Dims, normalizeAxes, show, sizeOf } from '../graph/shape.ts'
import { concat, iota, ones, random, split, Tensor, tensor, withBroadcasting } from '../tensor/index.ts'

/** x [..., in] times weight [out, in] transposed, plus bias [out]. Throws when the last axis is not `in`. */
export function linear(x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  const inputs = weight.shape[1]
  if (x.rank === 0 || x.shape[x.rank - 1] !== inputs) {
    throw misfit(
      `linear: input ${show(x.shape)} for weight ${show(weight.shape)}: expected last axis ${inputs}, found ${x.shape.at(-1) ?? 'none'}`,
    )
  }
  const y = x.matmul(weight.transpose())
  return bias ? withBroadcasting('numpy', () => y.add(bias)) : y
}

/** One number for all spatial axes, or one for each. */
export type PerAxis = number | Dims

export interface ConvolutionOptions {
  readonly stride?: PerAxis
  /** Zeros on both sides of each axis; 'same' keeps the extents (with stride 1), 'valid' pads nothing. */
  readonly padding?: PerAxis | 'same' | 'valid'
  /** Distance between the kernel's elements. */
  readonly dilation?: PerAxis
  /** Parts of the channels that are convolved apart. */
  readonly groups?: number
}

/**
 * Cross-correlation: x [n, c, ...spatial] with weight [out, c / groups, ...kernel], plus bias [out]; any number of
 * spatial axes. Throws when channels or ranks do not fit, or the kernel is larger than the padded input.
 */
export function convolution(x: Tensor, weight: Tensor, bias?: Tensor, options: ConvolutionOptions = {}): Tensor {
  const axes = weight.rank - 2
  const kernel = weight.shape.slice(2)
  if (x.rank !== weight.rank) {
    throw misfit(
      `convolution: input ${show(x.shape)} for weight ${show(weight.shape)}: expected ${weight.rank} axes, [n, c, ...spatial]`,
    )
  }
  const groups = options.groups ?? 1
  if (x.shape[1] !== weight.shape[1] * groups) {
    throw misfit(
      `convolution: input ${show(x.shape)} for weight ${show(weight.shape)}: expected ${weight.shape[1] * groups} channels, found ${x.shape[1]}`,
    )
  }
  const strides = perAxis(options.stride ?? 1, axes)
  const dilation = perAxis(options.dilation ?? 1, axes)
  const padding = convolutionPadding(options.padding ?? 0, kernel, strides, dilation)
  const dtype = promote(x.dtype, weight.dtype)
  const padded = x.cast(dtype).pad([[0, 0], [0, 0], ...padding])
  const y = new Tensor(build.node('conv', [padded.node, weight.cast(dtype).node], { strides, dilation, groups }))
  return bias ? withBroadcasting('numpy', () => y.add(bias.reshape([bias.size, ...kernel.map(() => 1)]))) : y
}

function convolutionPadding(
  padding: PerAxis | 'same' | 'valid',
  kernel: Dims,
  strides: Dims,
  dilation: Dims,
): (readonly [number, number])[] {
  if (padding === 'valid') return kernel.map(() => [0, 0] as const)
  if (padding !== 'same') return perAxis(padding, kernel.length).map((p) => [p, p] as const)
  if (strides.some((s) => s !== 1))
    throw misfit(`convolution: padding 'same' needs stride 1, not ${show(strides)}: pad by numbers instead`)
  return kernel.map((k, i) => {
    const total = dilation[i] * (k - 1)
    return [Math.floor(total / 2), Math.ceil(total / 2)] as const
  })
}

/** A number for each axis. Throws when there are too many or too few. */
export const perAxis = (value: PerAxis, axes: number): Dims => {
  if (typeof value === 'number') return new Array<number>(axes).fill(value)
  if (value.length !== axes) throw misfit(`${show(value)} has ${value.length} numbers for ${axes} spatial axes`)
  return value
}

export interface PoolOptions {
  readonly kernel: PerAxis
  /** The kernel's extents unless told. */
  readonly stride?: PerAxis
  /** On both sides of each axis; at most half the kernel. */
  readonly padding?: PerAxis
  /** Whether a last window may reach past the end; false unless told. */
  readonly ceil?: boolean
}

/** The windows of the spatial axes as last axes: x [n, c, ...spatial] to [n, c, ...positions, ...kernel]. */
export function poolWindows(x: Tensor, options: PoolOptions, value: number, axes: number): Tensor {
  if (x.rank !== axes + 2) throw misfit(`pool: input ${show(x.shape)}: expected ${axes + 2} axes, [n, c, ...spatial]`)
  const size = perAxis(options.kernel, axes)
  const stride = perAxis(options.stride ?? size, axes)
  const padding = perAxis(options.padding ?? 0, axes)
  if (padding.some((p, i) => p > size[i] / 2)) {
    throw misfit(
      `pool: padding ${show(padding)} is more than half the kernel ${show(size)}: whole windows would lie in it`,
    )
  }
  const around = options.ceil
    ? padding.map((p, i) => [p, p + lacking(x.shape[i + 2], size[i], stride[i], p)])
    : undefined
  const amounts = around ?? padding.map((p) => [p, p])
  const padded = x.pad([[0, 0], [0, 0], ...amounts.map(([low, high]) => [low, high] as const)], value)
  return new Tensor(build.node('windows', [padded.node], { size, stride, dilation: size.map(() => 1) }))
}

/** What the last window lacks at the end of an axis; a window that would begin past the input is left out, as PyTorch does. */
function lacking(extent: number, size: number, stride: number, padding: number): number {
  const positions = Math.ceil((extent + 2 * padding - size) / stride) + 1
  const last = (positions - 1) * stride < extent + padding ? positions - 1 : positions - 2
  return Math.max(0, last * stride + size - extent - 2 * padding)
}

const lastAxes = (x: Tensor, count: number): number[] => Array.from({ length: count }, (_, i) => x.rank - count + i)

/** The largest element of each window; the gradient goes to the first of equal ones. x: [n, c, ...spatial], `axes` of them. */
export function maxPool(x: Tensor, options: PoolOptions, axes = 2): Tensor {
  const windows = poolWindows(x, options, -Infinity, axes)
  return new Tensor(build.node('max', [windows.node], { axes: lastAxes(windows, axes), ties: 'first' }))
}

export interface AveragePoolOptions extends PoolOptions {
  /** Whether padding counts as zeros; true unless told. */
  readonly countPadding?: boolean
}

/** The mean of each window. x: [n, c, ...spatial], `axes` of them. */
export function averagePool(x: Tensor, options: AveragePoolOptions, axes = 2): Tensor {
  const windows = poolWindows(x, options, 0, axes)
  const total = windows.sum(lastAxes(windows, axes))
  const { countPadding = true, ceil = false } = options
  if (countPadding && !ceil) return total.div(sizeOf(perAxis(options.kernel, axes)))
  // What a window that reaches past the end lacks is never counted.
  const counted = countPadding ? perAxis(options.padding ?? 0, axes) : perAxis(0, axes)
  const elements = ones([1, 1, ...x.shape.slice(2).map((d, i) => d + 2 * counted[i])], x.dtype)
  const inside = poolWindows(elements, countPadding ? { ...options, padding: 0 } : options, 0, axes)
  const cut = inside.slice(null, null, ...total.shape.slice(2).map((d) => [0, d] as const))
  return total.div(cut.sum(lastAxes(cut, axes)))
}

/** Zeroes each element with probability p and scales the others by 1 / (1 − p), so that the mean stays. Draws anew in each call. */
export function dropout(x: Tensor, p: number, key?: random.Key): Tensor {
  if (!(p >= 0 && p <= 1)) throw misfit(`dropout: the probability is ${p}, it must lie in [0, 1]`)
  if (p === 0) return x
  const kept = random.uniform(x.shape, key ? { key } : {}).less(1 - p)
  return kept.where(p === 1 ? x : x.mul(1 / (1 - p)), 0)
}

/** x less its mean, over its standard deviation: (x − μ) / √(σ² + ε), over the given axes. Two passes over the data, not E[x²] − μ². */
function standardize(x: Tensor, axes: Dims, epsilon: number): { normalized: Tensor; mean: Tensor; variance: Tensor } {
  const mean = x.mean(axes, true)
  const centred = x.sub(mean)
  const variance = centred.mul(centred).mean(axes, true)
  return { normalized: centred.mul(variance.add(epsilon).rsqrt()), mean, variance }
}

/** Standardizes over the last axes, those of `shape`; then times weight, plus bias, both of that shape (Ba et al. 2016). */
export function layerNorm(x: Tensor, shape: Dims, weight?: Tensor, bias?: Tensor, epsilon = 1e-5): Tensor {
  const tail = x.shape.slice(x.rank - shape.length)
  if (x.rank < shape.length || show(tail) !== show(shape)) {
    throw misfit(`layerNorm: input ${show(x.shape)}: expected its last axes to be ${show(shape)}`)
  }
  const { normalized } = standardize(x, lastAxes(x, shape.length), epsilon)
  return withBroadcasting('numpy', () => {
    const scaled = weight ? normalized.mul(weight) : normalized
    return bias ? scaled.add(bias) : scaled
  })
}

/** Standardizes each channel of x [n, c, ...] by the batch (Ioffe & Szegedy 2015); gives mean and biased variance, both [c], too. */
export function batchNormTraining(
  x: Tensor,
  weight?: Tensor,
  bias?: Tensor,
  epsilon = 1e-5,
): { y: Tensor; mean: Tensor; variance: Tensor } {
  const axes = [...x.shape.keys()].filter((axis) => axis !== 1)
  const { normalized, mean, variance } = standardize(x, axes, epsilon)
  return {
    y: affine(normalized, weight, bias),
    mean: mean.reshape([x.shape[1]]),
    variance: variance.reshape([x.shape[1]]),
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
  const scale = variance.add(epsilon).rsqrt()
  const normalized = withBroadcasting('numpy', () => x.sub(perChannel(mean, x)).mul(perChannel(scale, x)))
  return affine(normalized, weight, bias)
}

const perChannel = (v: Tensor, x: Tensor): Tensor => v.reshape([v.size, ...new Array<number>(x.rank - 2).fill(1)])

/** x [n, c, ...] times weight [c], plus bias [c]. */
export function affine(x: Tensor, weight?: Tensor, bias?: Tensor): Tensor {
  return withBroadcasting('numpy', () => {
    const scaled = weight ? x.mul(perChannel(weight, x)) : x
    return bias ? scaled.add(perChannel(bias, x)) : scaled
  })
}

/** Rows of weight [count, size] at int32 indices [...]: [..., size]. Indices outside of the table are moved to its ends. */
export function embedding(indices: Tensor, weight: Tensor): Tensor {
  if (indices.dtype !== 'int32') throw new TypeError(`embedding: indices are ${indices.dtype}: they must be int32`)
  return weight.take(indices)
}

export interface AttentionOptions {
  /** Position i sees positions up to i alone. */
  readonly causal?: boolean
  /** Where the first query stands among the keys, for `causal`; 0 unless told. */
  readonly offset?: number
  /** bool, true where attention may go, or numbers to add to the scores; broadcasts to [..., queries, keys]. */
  readonly mask?: Tensor | undefined
  /** Factor of the scores; 1/√d unless told. */
  readonly scale?: number
  /** Zeroes weights with this probability; 0 unless told. */
  readonly dropout?: number
}

/**
 * softmax(q kᵀ · scale) v for q [..., queries, d], k [..., keys, d], v [..., keys, e] (Vaswani et al. 2017). A query that
 * may see nothing gives 0, and gets no gradient.
 */
export function scaledDotProductAttention(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  options: AttentionOptions = {},
): Tensor {
  const weights = attentionWeights(query, key, options)
  return (options.dropout ? dropout(weights, options.dropout) : weights).matmul(value)
}

/** softmax(q kᵀ · scale), masked, [..., queries, keys]: what `scaledDotProductAttention` weighs values by. */
export function attentionWeights(query: Tensor, key: Tensor, options: AttentionOptions = {}): Tensor {
  const { causal = false, offset = 0, mask, scale = 1 / Math.sqrt(query.shape[query.rank - 1]) } = options
  let scores = query.mul(scale).matmul(key.transpose())
  return withBroadcasting('numpy', () => {
    if (causal) {
      const last = scores.shape.slice(-2)
      const place = iota(last, 0)
      scores = (offset === 0 ? place : place.add(offset)).less(iota(last, 1)).where(-Infinity, scores)
    }
    if (!mask) return scores.softmax(-1)
    scores = mask.dtype === 'bool' ? mask.where(scores, -Infinity) : scores.add(mask)
    const isBlind = scores.amax(-1, true).equal(-Infinity)
    return isBlind.where(0, isBlind.where(0, scores).softmax(-1))
  })
}

/**
 * Rotary positions (Su et al. 2021): turns the pairs (xᵢ, xᵢ₊d/₂) of x [..., time, d] by (offset + time)·base^(−2i/d), so that
 * products of two rows depend on their distance alone. Throws when d is odd.
 */
export function rotary(
  x: Tensor,
  options: { readonly base?: number; readonly offset?: number | undefined } = {},
): Tensor {
  const { base = 10_000, offset = 0 } = options
  const [time, width] = x.shape.slice(-2)
  if (x.rank < 2 || width % 2 !== 0)
    throw misfit(`rotary: input ${show(x.shape)}: expected [..., time, d] with an even d`)
  const half = width / 2
  const turns = Float64Array.from({ length: time * half }, (_, k) => {
    const [t, i] = [Math.floor(k / half), k % half]
    return (offset + t) * base ** (-i / half)
  })
  const table = (f: (angle: number) => number): Tensor => tensor(turns.map(f), { shape: [time, half] }).cast(x.dtype)
  const [a, b] = split(x, half, -1)
  const [cosine, sine] = [table(Math.cos), table(Math.sin)]
  return withBroadcasting('numpy', () => concat([a.mul(cosine).sub(b.mul(sine)), a.mul(sine).add(b.mul(cosine))], -1))
}

/** Queries, keys and values side by side, [..., time, 3 · heads · d], as three of [..., heads, time, d]. */
export function splitProjections(x: Tensor, heads: number): [Tensor, Tensor, Tensor] {
  const lead = x.shape.slice(0, -2)
  const [time, width] = x.shape.slice(-2)
  const split = x.reshape([...lead, time, 3, heads, width / 3 / heads])
  const axes = lead.length
  const apart = split.permute([axes + 1, ...lead.keys(), axes + 2, axes, axes + 3])
  return [apart.at(0), apart.at(1), apart.at(2)]
}

/** x [..., time, heads · d] as [..., heads, time, d]. */
export function splitHeads(x: Tensor, heads: number): Tensor {
  const [time, width] = x.shape.slice(-2)
  return x.reshape([...x.shape.slice(0, -2), time, heads, width / heads]).transpose(-3, -2)
}

/** x [..., heads, time, d] as [..., time, heads · d]. */
export function joinHeads(x: Tensor): Tensor {
  const [heads, time, width] = x.shape.slice(-3)
  return x.transpose(-3, -2).reshape([...x.shape.slice(0, -3), time, heads * width])
}

/** Keeps the axes before `startAxis`, and after `endAxis`, and makes one of those between. */
export const flatten = (x: Tensor, startAxis = 1, endAxis = -1): Tensor => {
  normalizeAxes([startAxis], x.rank, 'flatten')
  return x.flatten(startAxis, endAxis)
}
