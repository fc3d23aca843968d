// Initial values of parameters, after the papers that proposed them; drawn on the host.

import { checkFinite, checkPositive, checkRange } from '../graph/check.ts'
import { misfit } from '../graph/refuse.ts'
import { type Dims, show, sizeOf } from '../graph/shape.ts'
import type { RandomStream } from './stream.ts'

/** The initial elements, row-major, of a parameter of the given shape. */
export type Initializer = (shape: Dims, random: RandomStream) => ArrayLike<number>

export interface ScaledOptions {
  /** A factor that makes up for the nonlinearity that follows (see `gain`); 1 unless told. */
  readonly gain?: number
}

export interface HeOptions extends ScaledOptions {
  /** Keep the variance of outputs ('fanIn', the default) or of gradients ('fanOut'). */
  readonly mode?: 'fanIn' | 'fanOut'
}

export type Nonlinearity = 'linear' | 'sigmoid' | 'tanh' | 'relu' | 'leakyRelu' | 'selu'

const gains: { readonly [N in Nonlinearity]: (slope: number) => number } = {
  linear: () => 1,
  sigmoid: () => 1,
  tanh: () => 5 / 3,
  relu: () => Math.SQRT2,
  leakyRelu: (slope) => Math.sqrt(2 / (1 + slope * slope)),
  selu: () => 3 / 4,
}

/** The factor that keeps the variance through a nonlinearity, as PyTorch's `calculate_gain`; `slope` is leakyRelu's. */
export function gain(nonlinearity: Nonlinearity, slope = 0.01): number {
  if (!Object.hasOwn(gains, nonlinearity))
    throw misfit(
      `init.gain: unknown nonlinearity '${String(nonlinearity)}': use one of ${Object.keys(gains).join(', ')}`,
    )
  checkFinite('init.gain', { slope })
  return gains[nonlinearity](slope)
}

/** Inputs and outputs of one unit: for weights [out, in, ...kernel]. Throws when there are fewer than two axes. */
export function fans(shape: Dims): { readonly fanIn: number; readonly fanOut: number } {
  if (shape.length < 2) throw misfit(`init: fans need a weight of two axes or more, not ${show(shape)}`)
  const kernel = sizeOf(shape.slice(2))
  return { fanIn: shape[1] * kernel, fanOut: shape[0] * kernel }
}

const fill = (shape: Dims, next: () => number): Float64Array => {
  const values = new Float64Array(sizeOf(shape))
  for (let i = 0; i < values.length; i++) values[i] = next()
  return values
}

/** Uniform on [low, high). */
export function uniform(low = 0, high = 1): Initializer {
  checkFinite('init.uniform', { low, high })
  return (shape, random) => fill(shape, () => low + (high - low) * random.uniform())
}

/** Normal with the given mean and standard deviation. */
export function normal(mean = 0, std = 1): Initializer {
  checkFinite('init.normal', { mean })
  checkRange('init.normal', { std })
  return (shape, random) => fill(shape, () => mean + std * random.normal())
}

/** One number everywhere. */
export function constant(value: number): Initializer {
  checkFinite('init.constant', { value })
  return (shape) => fill(shape, () => value)
}
/** 0 everywhere. */
export const zeros = (): Initializer => constant(0)
/** 1 everywhere. */
export const ones = (): Initializer => constant(1)

/** Given numbers, row-major. */
export const values =
  (numbers: ArrayLike<number>): Initializer =>
  () =>
    numbers

/** Uniform or normal with the standard deviation that the shape asks for. */
const uniformWith =
  (deviation: Deviation): Initializer =>
  (shape, random) => {
    const bound = Math.sqrt(3) * deviation(shape)
    return uniform(-bound, bound)(shape, random)
  }
const normalWith =
  (deviation: Deviation): Initializer =>
  (shape, random) =>
    normal(0, deviation(shape))(shape, random)

type Deviation = (shape: Dims) => number
function glorot({ gain = 1 }: ScaledOptions): Deviation {
  checkPositive('init.glorot', { gain })
  return (shape) => {
    const { fanIn, fanOut } = fans(shape)
    return gain * Math.sqrt(2 / (fanIn + fanOut))
  }
}
function he({ gain = Math.SQRT2, mode = 'fanIn' }: HeOptions): Deviation {
  checkPositive('init.he', { gain })
  if (mode !== 'fanIn' && mode !== 'fanOut')
    throw misfit(`init.he: unknown mode '${String(mode)}': use 'fanIn' or 'fanOut'`)
  return (shape) => gain / Math.sqrt(fans(shape)[mode])
}
function lecun({ gain = 1 }: ScaledOptions): Deviation {
  checkPositive('init.lecun', { gain })
  return (shape) => gain / Math.sqrt(fans(shape).fanIn)
}

/** Uniform with variance 2 / (fan in + fan out) (Glorot & Bengio 2010). */
export const glorotUniform = (options: ScaledOptions = {}): Initializer => uniformWith(glorot(options))
/** Normal with variance 2 / (fan in + fan out) (Glorot & Bengio 2010). */
export const glorotNormal = (options: ScaledOptions = {}): Initializer => normalWith(glorot(options))
/** Uniform with variance gain² / fan, gain √2 unless told (He et al. 2015). */
export const heUniform = (options: HeOptions = {}): Initializer => uniformWith(he(options))
/** Normal with variance gain² / fan, gain √2 unless told (He et al. 2015): before relu. */
export const heNormal = (options: HeOptions = {}): Initializer => normalWith(he(options))
/** Uniform with variance 1 / fan in (LeCun et al. 1998). */
export const lecunUniform = (options: ScaledOptions = {}): Initializer => uniformWith(lecun(options))
/** Normal with variance 1 / fan in (LeCun et al. 1998); before selu. */
export const lecunNormal = (options: ScaledOptions = {}): Initializer => normalWith(lecun(options))

/** Uniform on ±1/√fan in: PyTorch's default for weights (Kaiming uniform with a = √5). */
export const torchUniform = (): Initializer => lecunUniform({ gain: 1 / Math.sqrt(3) })

/** Orthonormal rows or columns, whichever are fewer, of the weight seen as [out, in · kernel] (Saxe et al. 2014). */
export function orthogonal({ gain = 1 }: ScaledOptions = {}): Initializer {
  checkPositive('init.orthogonal', { gain })
  return (shape, random) => {
    if (shape.length < 2) throw misfit(`init: orthogonal needs a weight of two axes or more, not ${show(shape)}`)
    const [rows, columns] = [shape[0], sizeOf(shape.slice(1))]
    const [count, length] = rows <= columns ? [rows, columns] : [columns, rows]
    const vectors = orthonormal(
      Array.from({ length: count }, () => fill([length], random.normal)),
      random,
    )
    const out = new Float64Array(rows * columns)
    for (let i = 0; i < count; i++) {
      for (let j = 0; j < length; j++) out[rows <= columns ? i * columns + j : j * columns + i] = gain * vectors[i][j]
    }
    return out
  }
}

/** Gram–Schmidt, twice for each vector, which is enough for orthogonality to rounding. */
function orthonormal(vectors: Float64Array[], random: RandomStream): Float64Array[] {
  for (let i = 0; i < vectors.length; i++) {
    const v = vectors[i]
    for (let pass = 0; pass < 2; pass++) {
      for (let k = 0; k < i; k++) {
        const along = dot(v, vectors[k])
        for (let j = 0; j < v.length; j++) v[j] -= along * vectors[k][j]
      }
    }
    const norm = Math.sqrt(dot(v, v))
    if (norm < 1e-12) {
      // All but impossible: a draw in the span of the earlier ones.
      vectors[i--] = fill([v.length], random.normal)
      continue
    }
    for (let j = 0; j < v.length; j++) v[j] /= norm
  }
  return vectors
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i]
  return sum
}
