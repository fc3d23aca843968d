// Random tensors: pure functions of a key and the element's index (Threefry-2x32, Salmon et al. 2011), the same bits on every backend.

import { build } from '../graph/build.ts'
import type { DType } from '../graph/dtype.ts'
import { isOp, type Node } from '../graph/node.ts'
import { type Dims, normalizeAxis, show, sizeOf } from '../graph/shape.ts'
import { math } from '../scalar/math.ts'
import { concat } from './create.ts'
import { erfinv } from './gamma.ts'
import { hostLeaf, hostNumber } from './leaf.ts'
import { runtime, withBroadcasting } from './runtime.ts'
import type { AnyDims, Writable } from './shape-types.ts'
import { argsort } from './sort.ts'
import { type Tensor, wrap } from './tensor.ts'

/** Determines a stream of random numbers: int32 [2], a value like any other, that can be passed, stored and mapped over. */
export type Key = Tensor

export interface RandomOptions {
  /** Default: the next key of the runtime's stream. */
  readonly key?: Key
}

export interface FloatOptions extends RandomOptions {
  /** float32 with 24 random bits unless told; float64 has 53. */
  readonly dtype?: 'float32' | 'float64'
}

/** The key of a seed, any safe integer. Throws on other numbers. */
export function key(seed: number): Key {
  if (!Number.isSafeInteger(seed)) throw new RangeError(`random.key: the seed is ${seed}, it must be an integer`)
  return keyOf(scalar(highWord(seed)), scalar(seed | 0))
}

/** A key that depends on another key and a number: independent streams for layers, steps and calls. */
export function fold(k: Key, value: number | Tensor): Key {
  const { high, low } = wordsOf(k)
  const data = typeof value === 'number' ? scalar(value | 0) : value.cast('int32').reshape([]).node
  const zero = build.constant(0, [], 'int32')
  const word = (w: 0 | 1): Node => build.node('threefry', [high, low, data, zero], { word: w })
  return keyOf(word(0), word(1))
}

/** `count` keys of independent streams, int32 [count, 2]. */
export function split(k: Key, count = 2): Tensor {
  if (!Number.isInteger(count) || count < 1)
    throw new RangeError(`random.split: ${count} keys: it must be a positive integer`)
  return wrap(blocks(k, count, 1, 'both')).reshape([count, 2])
}

/** The next key of the runtime's own stream: another one for every call and, in vmap, every example; the same ones for the same seed. */
export function nextKey(): Key {
  return runtime.transforms.reduce((k, example) => (example ? fold(k, wrap(example)) : k), nextOfCall())
}

function nextOfCall(): Key {
  const { trace, random } = runtime
  if (!trace) return fold(fold(key(random.seed), -1), random.step++)
  trace.drawsRandom = true
  if (trace.stream) return fold(wrap(trace.stream()), trace.ordinal++)
  const current = (value: () => number): Node => hostNumber(value, 'int32')
  const seeded = keyOf(
    current(() => highWord(runtime.random.seed)),
    current(() => runtime.random.seed | 0),
  )
  const stepped = fold(seeded, wrap(current(() => runtime.random.step)))
  return fold(stepped, trace.ordinal++)
}

/** 32 random bits per element, int32. */
export function randomBits<const S extends AnyDims>(shape: S, k?: Key): Tensor<Writable<S>, 'int32'>
export function randomBits(shape: Dims, k: Key = nextKey()): Tensor {
  return wrap(blocks(k, sizeOf(shape), 0, 'first')).reshape(shape)
}

/** Uniform on [low, high). */
export function uniform<const S extends AnyDims>(
  shape: S,
  options?: FloatOptions & { readonly low?: number; readonly high?: number },
): Tensor<Writable<S>>
export function uniform(
  shape: Dims,
  options: FloatOptions & { readonly low?: number; readonly high?: number } = {},
): Tensor {
  const { low = 0, high = 1, dtype = 'float32', key: k = nextKey() } = options
  if (!(low <= high && Number.isFinite(high - low)))
    throw new RangeError(`random.uniform: [${low}, ${high}) is no finite interval`)
  const unit = dtype === 'float32' ? unit24(shape, k) : unit53(shape, k)
  // Rounding must not reach the end that is left out.
  if (low === 0 && high === 1) return unit
  const spread = unit.mul(high - low).add(low)
  return low === high ? spread : spread.minimum(below(high, dtype))
}

function unit24(shape: Dims, k: Key): Tensor {
  return shiftRight(randomBits(shape, k), 8)
    .cast('float32')
    .mul(2 ** -24)
}

/** 27 bits of one word and 26 of the other. */
function unit53(shape: Dims, k: Key): Tensor {
  const size = sizeOf(shape)
  const [first, second] = (['first', 'second'] as const).map((which) => wrap(blocks(k, size, 0, which)))
  const high = shiftRight(first, 5)
    .cast('float64')
    .mul(2 ** 26)
  return high
    .add(shiftRight(second, 6).cast('float64'))
    .mul(2 ** -53)
    .reshape(shape)
}

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
  if (!(low < high)) throw new RangeError(`random.truncatedNormal: low is ${low} and high ${high}: low must be less`)
  // Beyond a boundary far out, all of the distribution function's digits are lost.
  const [a, b] = [(low - mean) / std, (high - mean) / std]
  if (Math.min(Math.abs(a), Math.abs(b)) > 4 && a * b > 0)
    throw new RangeError(
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
    throw new RangeError(`random.bernoulli: the probability is ${p}, it must lie in [0, 1]`)
  return uniform(shape, options).less(p)
}

/** Whole numbers in [low, high), int32; no value is likelier than another by more than 2^-32·(high − low). */
export function integers<const S extends AnyDims>(
  shape: S,
  low: number,
  high: number,
  options?: RandomOptions,
): Tensor<Writable<S>, 'int32'>
export function integers(shape: Dims, low: number, high: number, options: RandomOptions = {}): Tensor {
  if (!Number.isInteger(low) || !Number.isInteger(high) || low >= high || low < -(2 ** 31) || high > 2 ** 31)
    throw new RangeError(`random.integers: [${low}, ${high}) must be a range of int32 with low < high`)
  const unit = unit53(shape, options.key ?? nextKey())
  return unit
    .mul(high - low)
    .floor()
    .add(low)
    .cast('int32')
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

/**
 * Gamma-distributed numbers of the given shape parameter, above 0, and scale 1, by Marsaglia and Tsang (2000): of eight proposals, of
 * which each is taken with more than 95 %, the first that is. No gradients.
 */
export function gamma<const S extends Dims>(
  shape: S,
  concentration: number,
  options?: FloatOptions,
): Tensor<Writable<S>>
export function gamma(shape: Dims, concentration: number, options: FloatOptions = {}): Tensor {
  return logGamma('random.gamma', shape, concentration, options).exp()
}

/** Beta-distributed numbers in [0, 1] of two parameters above 0: γ(a) / (γ(a) + γ(b)). No gradients. */
export function beta<const S extends Dims>(shape: S, a: number, b: number, options?: FloatOptions): Tensor<Writable<S>>
export function beta(shape: Dims, a: number, b: number, options: FloatOptions = {}): Tensor {
  const { key: k = nextKey() } = options
  const draw = (concentration: number, stream: number): Tensor =>
    logGamma('random.beta', shape, concentration, { ...options, key: fold(k, stream) })
  return draw(a, 0).sub(draw(b, 1)).sigmoid()
}

/** The logarithm: numbers of a small parameter are too near to 0 themselves. */
function logGamma(what: string, shape: Dims, concentration: number, options: FloatOptions): Tensor {
  const { dtype = 'float32', key: k = nextKey() } = options
  if (!(concentration > 0 && concentration < Infinity))
    throw new RangeError(`${what}: a parameter is ${concentration}, it must be positive and finite`)
  // Below 1 the method needs the next higher parameter: γ(a) = γ(a + 1) · u^(1/a).
  const isSmall = concentration < 1
  const d = (isSmall ? concentration + 1 : concentration) - 1 / 3
  const c = 1 / Math.sqrt(9 * d)
  const proposals = [8, ...shape]
  const x = normal(proposals, { dtype, key: fold(k, 0) })
  const root = x.mul(c).add(1)
  const isPositive = root.greater(0)
  const logV = isPositive.where(root, 1).log().mul(3)
  const bound = x.square().mul(0.5).add(logV.exp().neg().add(1).add(logV).mul(d))
  const chance = exponential(proposals, { dtype, key: fold(k, 1) })
  const isTaken = isPositive.and(chance.neg().less(bound))
  const first = isTaken.cast('int32').argmax(0).unsqueeze(0)
  const drawn = logV.takeAlong(first, 0).squeeze(0).add(Math.log(d))
  if (!isSmall) return drawn.detach()
  return drawn.sub(exponential(shape, { dtype, key: fold(k, 2) }).div(concentration)).detach()
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
  if (logits.rank === 0)
    throw new RangeError('random.categorical: the logits are a scalar: they need an axis of categories')
  const { axis = -1, shape = [], key: k = nextKey() } = options
  const at = normalizeAxis(axis, logits.rank, 'random.categorical')
  if (logits.shape[at] === 0)
    throw new RangeError(`random.categorical: logits ${show(logits.shape)} have no categories along axis ${axis}`)
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
      throw new RangeError(`random.permutation: of ${of}: it must be a whole number of at least 0, or a tensor`)
    return argsort(uniform([of], { dtype: 'float64', key: k }))
  }
  const at = normalizeAxis(axis, of.rank, 'random.permutation')
  return of.take(permutation(of.shape[at] as number, { key: k }), at)
}

// --- bits --------------------------------------------------------------------

const keyOf = (high: Node, low: Node): Key => concat([wrap(high).reshape([1]), wrap(low).reshape([1])])

/** The two words of a key, each a scalar; a key that was just joined is taken apart without a trace. */
function wordsOf(k: Key): { high: Node; low: Node } {
  if (k.dtype !== 'int32' || k.rank !== 1 || k.shape[0] !== 2)
    throw new TypeError(
      `random: a key is int32 [2], as random.key(seed) gives; this is ${k.dtype} ${show(k.shape)}: for one of several keys use keys.at(i)`,
    )
  const { node } = k
  const word = (i: number): Node => {
    const joined = isOp(node, 'concat') ? node.inputs[i] : undefined
    return build.reshape(joined ?? build.slice(node, [i], [1]), [])
  }
  return { high: word(0), low: word(1) }
}

/** The first, second or both words of the blocks of counters 0 … count − 1 in a domain of their own: [count] or [count, 2]. */
function blocks(k: Key, count: number, domain: number, which: 'first' | 'second' | 'both'): Node {
  const { high, low } = wordsOf(k)
  const spread = (n: Node): Node => build.broadcast(n, [count])
  const inputs = [spread(high), spread(low), build.iota([count], 0), build.constant(domain, [count], 'int32')]
  const word = (w: 0 | 1): Node => build.node('threefry', inputs, { word: w })
  if (which !== 'both') return word(which === 'first' ? 0 : 1)
  const column = (n: Node): Node => build.reshape(n, [count, 1])
  return build.node('concat', [column(word(0)), column(word(1))], { axis: 1 })
}

const highWord = (seed: number): number => Math.floor(seed / 2 ** 32) | 0

/** A literal in a trace; data elsewhere, so that other numbers need no other program. */
const scalar = (value: number): Node =>
  runtime.trace ? build.constant(value, [], 'int32') : hostLeaf(Int32Array.of(value), [], 'int32')

const shiftRight = (x: Tensor, bits: number): Tensor => wrap(build.binary('shiftRight', x.node, bits))

/** The next number of the dtype towards −∞. */
function below(value: number, dtype: DType): number {
  const single = dtype === 'float32'
  const rounded = single ? Math.fround(value) : value
  if (rounded < value) return rounded
  if (rounded === 0) return single ? -(2 ** -149) : -Number.MIN_VALUE
  const bits = new DataView(new ArrayBuffer(8))
  const step = rounded > 0 ? -1 : 1
  if (single) {
    bits.setFloat32(0, rounded)
    bits.setInt32(0, bits.getInt32(0) + step)
    return bits.getFloat32(0)
  }
  bits.setFloat64(0, rounded)
  bits.setBigInt64(0, bits.getBigInt64(0) + BigInt(step))
  return bits.getFloat64(0)
}

function checkScale(what: string, std: number): void {
  if (!(std >= 0 && std < Infinity)) throw new RangeError(`${what}: std is ${std}, it must be finite and at least 0`)
}
