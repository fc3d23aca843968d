// Keys, bits and uniform numbers: pure functions of a key and the element's index (Threefry-2x32, Salmon et al. 2011), the same on every backend.

import { build } from '../graph/build.ts'
import { checkInteger, checkWhole } from '../graph/check.ts'
import type { DType } from '../graph/dtype.ts'
import { isOp, type Node } from '../graph/node.ts'
import { misfit, mistake } from '../graph/refuse.ts'
import { type Dims, show, sizeOf } from '../graph/shape.ts'
import { concat } from './create.ts'
import { hostLeaf, hostNumber } from './leaf.ts'
import { runtime } from './runtime.ts'
import type { AnyDims, Writable } from './shape-types.ts'
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
  if (!Number.isSafeInteger(seed)) throw misfit(`random.key: the seed is ${seed}, it must be an integer`)
  return keyOf(scalar(highWord(seed)), scalar(seed | 0))
}

/** A key that depends on another key and a number: independent streams for layers, steps and calls. */
export function fold(k: Key, value: number | Tensor): Key {
  if (typeof value === 'number') checkInteger('random.fold', { number: value })
  const { high, low } = wordsOf(k)
  const data = typeof value === 'number' ? scalar(value | 0) : value.cast('int32').reshape([]).node
  const zero = build.constant(0, [], 'int32')
  const word = (w: 0 | 1): Node => build.node('threefry', [high, low, data, zero], { word: w })
  return keyOf(word(0), word(1))
}

/** `count` keys of independent streams, int32 [count, 2]. */
export function split(k: Key, count = 2): Tensor {
  checkWhole('random.split', { count })
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
    throw misfit(`random.uniform: [${low}, ${high}) is no finite interval`)
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

/** Whole numbers in [low, high), int32; no value is likelier than another by more than 2^-32·(high − low). */
export function integers<const S extends AnyDims>(
  shape: S,
  low: number,
  high: number,
  options?: RandomOptions,
): Tensor<Writable<S>, 'int32'>
export function integers(shape: Dims, low: number, high: number, options: RandomOptions = {}): Tensor {
  if (!Number.isInteger(low) || !Number.isInteger(high) || low >= high || low < -(2 ** 31) || high > 2 ** 31)
    throw misfit(`random.integers: [${low}, ${high}) must be a range of int32 with low < high`)
  const unit = unit53(shape, options.key ?? nextKey())
  return unit
    .mul(high - low)
    .floor()
    .add(low)
    .cast('int32')
}

// --- bits --------------------------------------------------------------------

const keyOf = (high: Node, low: Node): Key => concat([wrap(high).reshape([1]), wrap(low).reshape([1])])

/** The two words of a key, each a scalar; a key that was just joined is taken apart without a trace. */
function wordsOf(k: Key): { high: Node; low: Node } {
  if (k.dtype !== 'int32' || k.rank !== 1 || k.shape[0] !== 2)
    throw mistake(
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
export function below(value: number, dtype: DType): number {
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
