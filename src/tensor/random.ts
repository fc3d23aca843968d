// Random tensors: pure functions of a key and the element's index (Threefry-2x32, Salmon et al. 2011), the same bits on every backend.

import { build } from '../graph/build.ts'
import type { Node } from '../graph/node.ts'
import type { Dims } from '../graph/shape.ts'
import { hostLeaf, hostNumber } from './leaf.ts'
import { runtime } from './runtime.ts'
import { type Tensor, wrap } from './tensor.ts'

/** Two int32 scalars that determine a stream of random numbers. */
export interface Key {
  readonly high: Node
  readonly low: Node
}

/** The key of an integer seed. */
export const key = (seed: number): Key => ({ high: scalar(highWord(seed)), low: scalar(seed | 0) })

/** A key that depends on another key and a number: independent streams for layers, steps and calls. */
export function fold(k: Key, value: number | Node): Key {
  const data = typeof value === 'number' ? scalar(value | 0) : value
  const zero = build.constant(0, [], 'int32')
  const word = (w: 0 | 1): Node => build.node('threefry', [k.high, k.low, data, zero], { word: w })
  return { high: word(0), low: word(1) }
}

/** The next key of the runtime's own stream: another one for every call, the same ones for the same seed. */
export function nextKey(): Key {
  const { trace, random } = runtime
  if (!trace) return fold(fold(key(random.seed), -1), random.step++)
  trace.drawsRandom = true
  const current = (value: () => number): Node => hostNumber(value, 'int32')
  const seeded: Key = {
    high: current(() => highWord(runtime.random.seed)),
    low: current(() => runtime.random.seed | 0),
  }
  const stepped = fold(
    seeded,
    current(() => runtime.random.step),
  )
  return fold(stepped, trace.ordinal++)
}

const highWord = (seed: number): number => Math.floor(seed / 2 ** 32) | 0

/** A literal in a trace; data elsewhere, so that other numbers need no other program. */
const scalar = (value: number): Node =>
  runtime.trace ? build.constant(value, [], 'int32') : hostLeaf(Int32Array.of(value), [], 'int32')

/** 32 random bits per element, int32. */
export function randomBits(shape: Dims, k: Key = nextKey()): Tensor {
  const size = shape.reduce((n, d) => n * d, 1)
  const spread = (n: Node): Node => build.broadcast(n, [size])
  const zero = build.constant(0, [size], 'int32')
  const bits = build.node('threefry', [spread(k.high), spread(k.low), build.iota([size], 0), zero], { word: 0 })
  return wrap(build.reshape(bits, shape))
}

/** Uniform on [low, high), float32 with 24 random bits. */
export function uniform(
  shape: Dims,
  options: { readonly low?: number; readonly high?: number; readonly key?: Key } = {},
): Tensor {
  const { low = 0, high = 1 } = options
  const bits = randomBits(shape, options.key ?? nextKey())
  const unit = wrap(build.binary('shiftRight', bits.node, 8))
    .cast('float32')
    .mul(2 ** -24)
  // Rounding must not reach the end that is left out.
  return low === 0 && high === 1
    ? unit
    : unit
        .mul(high - low)
        .add(low)
        .minimum(below(high))
}

/** The next float32 towards −∞. */
function below(value: number): number {
  const single = Math.fround(value)
  if (single < value) return single
  const bits = new DataView(new ArrayBuffer(4))
  bits.setFloat32(0, single)
  if (single > 0) bits.setInt32(0, bits.getInt32(0) - 1)
  else if (single < 0) bits.setInt32(0, bits.getInt32(0) + 1)
  else bits.setInt32(0, -0x7fffffff)
  return bits.getFloat32(0)
}

/** Normal with the given mean and standard deviation, by the Box–Muller transform. */
export function normal(
  shape: Dims,
  options: { readonly mean?: number; readonly std?: number; readonly key?: Key } = {},
): Tensor {
  const { mean = 0, std = 1 } = options
  const k = options.key ?? nextKey()
  // 1 − u lies in (0, 1], so that the logarithm is finite.
  const radius = uniform(shape, { key: fold(k, 0) })
    .neg()
    .add(1)
    .log()
    .mul(-2)
    .sqrt()
  const angle = uniform(shape, { key: fold(k, 1) }).mul(2 * Math.PI)
  return radius.mul(angle.cos()).mul(std).add(mean)
}

/** True with probability p, bool. */
export function bernoulli(shape: Dims, p: number, options: { readonly key?: Key } = {}): Tensor {
  return uniform(shape, options).less(p)
}
