/** Where every shipped function of one element and its gradient are finite, and where they cannot be, and why. */

import type { UnaryName } from '../../src/graph/node.ts'
import { type UnaryRecord, unaryTable } from '../../src/graph/ops/unary.ts'
import * as loss from '../../src/loss/index.ts'
import type * as activations from '../../src/tensor/activations.ts'
import type { Tensor } from '../../src/tensor/index.ts'
import * as t from '../../src/tensor/index.ts'

/** Zeros of both signs, ±1, ±1e2, ±1e4 and both infinities. */
export const points = [0, -0, 1, -1, 100, -100, 1e4, -1e4, Infinity, -Infinity]

/** At these points value or gradient is infinite or NaN. */
export interface Exception {
  readonly at: readonly number[]
  readonly what: 'value' | 'gradient' | 'value and gradient'
  readonly why: string
  /** Only in this type. */
  readonly dtype?: 'float32'
}

export interface Entry {
  readonly f: (x: Tensor) => Tensor
  /** Where the function is defined, if not everywhere: as text, and as a test. */
  readonly domain?: readonly [text: string, holds: (x: number) => boolean]
  readonly exceptions?: readonly Exception[]
}

const grows: Exception = { at: [Infinity, -Infinity], what: 'gradient', why: 'the slope grows without bound' }
const growsUp: Exception = { ...grows, at: [Infinity] }
const pole = (...at: number[]): Exception => ({ at, what: 'value and gradient', why: 'a pole' })
const steep = (...at: number[]): Exception => ({ at, what: 'gradient', why: 'the slope is infinite' })
const oscillates: Exception = {
  at: [Infinity, -Infinity],
  what: 'value and gradient',
  why: 'oscillates: there is no limit',
}
const overflows = (...at: number[]): readonly Exception[] => [
  { at: at.map((s) => s * 100), what: 'value and gradient', why: 'the result is beyond 3.4e38', dtype: 'float32' },
  { at: at.map((s) => s * 1e4), what: 'value and gradient', why: 'the result is beyond 1.8e308' },
  { ...grows, at: at.map((s) => s * Infinity) },
]
const notNegative = ['x ≥ 0', (x: number) => x >= 0] as const
const ball = ['|x| ≤ 1', (x: number) => Math.abs(x) <= 1] as const

const one = (f: (x: Tensor) => Tensor, ...exceptions: readonly Exception[]): Entry => ({ f, exceptions })
const unary = <N extends UnaryName & keyof Tensor>(name: N, ...exceptions: readonly Exception[]): Entry =>
  one((x) => (x[name] as () => Tensor).call(x), ...exceptions)
const constant = (x: Tensor, value: number): Tensor => t.zerosLike(x).add(value)

/** Of an operation that says no more of itself than its record does. */
const fromRecord = (name: UnaryName, { domain }: UnaryRecord): Entry => ({
  f: t.pointwise[name],
  ...(domain ? { domain: [`${domain[0]} < x < ${domain[1]}`, (x: number) => domain[0] < x && x < domain[1]] } : {}),
})

const operations: { readonly [name: string]: Entry } = {
  ...Object.fromEntries(
    (Object.keys(unaryTable) as UnaryName[]).flatMap((name) =>
      name === 'not' ? [] : [[name, fromRecord(name, unaryTable[name])]],
    ),
  ),
  neg: unary('neg'),
  abs: unary('abs'),
  sign: unary('sign'),
  floor: unary('floor'),
  ceil: unary('ceil'),
  round: unary('round'),
  trunc: unary('trunc'),
  sqrt: { ...unary('sqrt', steep(0)), domain: notNegative },
  exp: unary('exp', ...overflows(1)),
  expm1: unary('expm1', ...overflows(1)),
  log: { ...unary('log', pole(0)), domain: notNegative },
  log1p: { ...unary('log1p', pole(-1)), domain: ['x ≥ −1', (x) => x >= -1] },
  sin: unary('sin', oscillates),
  cos: unary('cos', oscillates),
  tan: unary('tan', oscillates),
  asin: { ...unary('asin', steep(1, -1)), domain: ball },
  acos: { ...unary('acos', steep(1, -1)), domain: ball },
  atan: unary('atan'),
  sinh: unary('sinh', ...overflows(1, -1)),
  cosh: unary('cosh', ...overflows(1, -1)),
  tanh: unary('tanh'),
  asinh: unary('asinh'),
  acosh: { ...unary('acosh', steep(1)), domain: ['x ≥ 1', (x) => x >= 1] },
  atanh: { ...unary('atanh', pole(1, -1)), domain: ball },
  erf: unary('erf'),
  sigmoid: unary('sigmoid'),
}

type Activation = Exclude<keyof typeof activations, 'glu' | 'softmin' | 'prelu' | 'gelu'>

const activation: { readonly [N in Activation]: Entry } = {
  leakyRelu: one(t.leakyRelu),
  elu: one(t.elu),
  selu: one(t.selu),
  celu: one(t.celu),
  silu: one(t.silu),
  mish: one(t.mish),
  softplus: one(t.softplus),
  logSigmoid: one(t.logSigmoid),
  hardTanh: one(t.hardTanh),
  relu6: one(t.relu6),
  hardSigmoid: one(t.hardSigmoid),
  hardSwish: one(t.hardSwish),
  softSign: one(t.softSign),
  tanhShrink: one(t.tanhShrink),
  hardShrink: one(t.hardShrink),
  threshold: one((x: Tensor) => t.threshold(x, 0.5, -1)),
  softShrink: one(t.softShrink),
}

const gammaPoles = [0, -1, -100, -1e4]
const belowInfinity = ['x > −∞', (x: number) => x > -Infinity] as const

const others: { readonly [name: string]: Entry } = {
  relu: one((x) => x.relu()),
  gelu: one((x) => t.gelu(x)),
  "gelu 'tanh'": one((x) => t.gelu(x, 'tanh')),
  prelu: one((x) => t.prelu(x, t.full([1], 0.25, x.dtype))),
  'softplus, β = 3, threshold 20': one((x) => t.softplus(x, 3, 20)),
  clamp: one((x) => x.clamp(-1, 1)),
  square: one((x) => x.square(), grows),
  reciprocal: one((x) => x.reciprocal(), pole(0)),
  rsqrt: { ...one((x) => x.rsqrt(), pole(0)), domain: notNegative },
  log2: { ...one((x) => x.log2(), pole(0)), domain: notNegative },
  'x⁰': one((x) => x.pow(t.zerosLike(x))),
  'x^½': { ...one((x) => x.pow(0.5), steep(0)), domain: notNegative },
  'x^1': one((x) => x.pow(1)),
  'x^1.5': { ...one((x) => x.pow(1.5), growsUp), domain: notNegative },
  'x³': one((x) => x.pow(3), grows),
  'x⁻¹': one((x) => x.pow(-1), pole(0)),
  '0^|x|': one((x) => t.zerosLike(x).pow(x.abs())),
  'x / 3': one((x) => x.div(3)),
  '3 / x': one((x) => constant(x, 3).div(x), pole(0)),
  'max(x, 0)': one((x) => x.maximum(0)),
  'min(x, x)': one((x) => x.minimum(x)),
  'x mod 3': one((x) => x.remainder(3), {
    at: [Infinity, -Infinity],
    what: 'value',
    why: 'oscillates: there is no limit',
  }),
  'atan2(x, 1)': one((x) => x.atan2(t.onesLike(x))),
  'atan2(1, x)': one((x) => t.onesLike(x).atan2(x)),
  'atan2(x, 0)': one((x) => x.atan2(t.zerosLike(x))),
  'atan2(x, x)': one((x) => x.atan2(x)),
  'hypot(x, 0)': one((x) => t.hypot(x, t.zerosLike(x))),
  'hypot(x, x)': one((x) => t.hypot(x, x)),
  'logAddExp(x, 0)': one((x) => t.logAddExp(x, t.zerosLike(x))),
  'logAddExp(x, x)': one((x) => t.logAddExp(x, x)),
  'xlogy(0, x)': { ...one((x) => t.xlogy(t.zerosLike(x), x)), domain: notNegative },
  'xlogy(x, 1)': one((x) => t.xlogy(x, t.onesLike(x)), {
    at: [Infinity, -Infinity],
    what: 'value',
    why: 'infinity times 0 has no value',
  }),
  sinc: one((x) => t.sinc(x)),
  lgamma: { ...one((x) => t.lgamma(x), pole(...gammaPoles), growsUp), domain: belowInfinity },
  digamma: { ...one((x) => t.digamma(x), pole(...gammaPoles)), domain: belowInfinity },
  'polygamma 1': { ...one((x) => t.polygamma(1, x), pole(...gammaPoles)), domain: belowInfinity },
  'lerp(x, 1, 1/4)': one((x) => t.lerp(x, t.onesLike(x), 0.25), {
    at: [Infinity, -Infinity],
    what: 'value',
    why: 'infinity less infinity has no value',
  }),
  erfinv: { ...one((x) => t.erfinv(x), pole(1, -1)), domain: ball },
  mse: one((x) => loss.mse(x, t.zerosLike(x), { reduction: 'none' }), grows),
  l1: one((x) => loss.l1(x, t.zerosLike(x), { reduction: 'none' })),
  huber: one((x) => loss.huber(x, t.zerosLike(x), { reduction: 'none' })),
  ...Object.fromEntries(
    [0, 0.3, 1].flatMap((target): [string, Entry][] => [
      [
        `sigmoidBinaryCrossEntropy, target ${target}`,
        one((x) => loss.sigmoidBinaryCrossEntropy(x, constant(x, target), { reduction: 'none' })),
      ],
      [
        `binaryCrossEntropy of a sigmoid, target ${target}`,
        one((x) => loss.binaryCrossEntropy(x.sigmoid(), constant(x, target), { reduction: 'none' })),
      ],
    ]),
  ),
}

export const finiteTable: { readonly [name: string]: Entry } = { ...operations, ...activation, ...others }
