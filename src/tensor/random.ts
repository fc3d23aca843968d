// Random tensors: pure functions of a key and the element's index (Threefry-2x32, Salmon et al. 2011), the same bits on every backend.

import { build } from '../graph/build.ts'
import type { Node } from '../graph/node.ts'
import type { Dims } from '../graph/shape.ts'
import { hostNumber } from './leaf.ts'
import { runtime } from './runtime.ts'
import { type Tensor, wrap } from './tensor.ts'

/** Two int32 scalars that determine a stream of random numbers. */
export interface Key {
  readonly high: Node
  readonly low: Node
}

/** The key of an integer seed. */
export const key = (seed: number): Key => ({
  high: build.constant(Math.floor(seed / 2 ** 32) | 0, [], 'int32'),
  low: build.constant(seed | 0, [], 'int32'),
})

/** A key that depends on another key and a number: independent streams for layers, steps and calls. */
export function fold(k: Key, value: number | Node): Key {
  const data = typeof value === 'number' ? build.constant(value | 0, [], 'int32') : value
  const zero = build.constant(0, [], 'int32')
  const word = (w: 0 | 1): Node => build.node('threefry', [k.high, k.low, data, zero], { word: w })
  return { high: word(0), low: word(1) }
}

/** The next key of the runtime's own stream: another one for every call, the same ones for the same seed. */
export function nextKey(): Key {
  const { trace, random } = runtime
  if (!trace) return fold(fold(key(random.seed), -1), random.step++)
  trace.drawsRandom = true
  const seeded: Key = { high: build.constant(0, [], 'int32'), low: hostNumber(() => runtime.random.seed | 0, 'int32') }
  return fold(
    fold(
      seeded,
      hostNumber(() => runtime.random.step, 'int32'),
    ),
    trace.ordinal++,
  )
}

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
  return low === 0 && high === 1 ? unit : unit.mul(high - low).add(low)
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
