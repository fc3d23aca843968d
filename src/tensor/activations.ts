// Activation functions composed of primitives, in forms whose values and gradients stay finite wherever the function is.

import { checkFinite, checkPositive, checkRange } from '../graph/check.ts'
import type { DType } from '../graph/dtype.ts'
import { misfit } from '../graph/refuse.ts'
import { normalizeAxis, show } from '../graph/shape.ts'
import * as forms from '../transform/stability/forms.ts'
import type { Floating } from './dtype-types.ts'
import type { Shape } from './shape-types.ts'
import { floating, type Tensor, wrap } from './tensor.ts'

/** A function of each element for itself. */
type Pointwise<Options extends readonly unknown[] = []> = <S extends Shape, D extends DType>(
  x: Tensor<S, D>,
  ...options: Options
) => Tensor<S, Floating<D>>

/** x where it is positive, slope·x elsewhere. */
export const leakyRelu: Pointwise<[slope?: number]> = (x: Tensor, slope = 0.01) => {
  checkFinite('leakyRelu', { slope })
  return like(x.lessEqual(0).where(x.mul(slope), x))
}

/** x where it is greater than `at`, `value` elsewhere, as PyTorch's `threshold`; the derivative at the place itself is 0. */
export const threshold: Pointwise<[at: number, value: number]> = (x: Tensor, at: number, value: number) => {
  checkFinite('threshold', { at, value })
  return like(x.lessEqual(at).where(value, x))
}

/** leakyRelu with a learned slope per channel: x [n, channels, ...], slope [channels] or one element (He 2015). */
export function prelu<S extends Shape, D extends DType>(x: Tensor<S, D>, slope: Tensor): Tensor<S, D>
export function prelu(x: Tensor, slope: Tensor): Tensor {
  if (slope.size !== 1 && (slope.rank !== 1 || slope.size !== x.shape[1]))
    throw misfit(
      `prelu: slopes ${show(slope.shape)} for ${show(x.shape)}: expected one, or one for each of its channels, axis 1`,
    )
  const shape = slope.size === 1 ? [] : x.shape.map((_, axis) => (axis === 1 ? slope.size : 1))
  return x.lessEqual(0).where(x.mul(slope.reshape(shape)), x)
}

/** x where it is positive, alpha·(e^x − 1) elsewhere (Clevert 2016). */
export const elu: Pointwise<[alpha?: number]> = (x: Tensor, alpha = 1) => {
  checkFinite('elu', { alpha })
  const isPositive = x.greater(0)
  return like(isPositive.where(x, isPositive.where(0, x).expm1().mul(alpha)))
}

/** The elu whose outputs keep mean 0 and variance 1 (Klambauer 2017). */
export const selu: Pointwise = (x: Tensor) => like(elu(x, 1.6732632423543772).mul(1.0507009873554805))

/** elu with a derivative that is continuous for every alpha (Barron 2017). */
export const celu: Pointwise<[alpha?: number]> = (x: Tensor, alpha = 1) => {
  checkPositive('celu', { alpha })
  return like(elu(x.div(alpha)).mul(alpha))
}

/** x·Φ(x), Φ the normal distribution; 'tanh' approximates it (Hendrycks 2016). */
export function gelu<S extends Shape, D extends DType>(
  x: Tensor<S, D>,
  approximate?: 'none' | 'tanh',
): Tensor<S, Floating<D>>
export function gelu(x: Tensor, approximate: 'none' | 'tanh' = 'none'): Tensor {
  if (approximate !== 'none' && approximate !== 'tanh')
    throw misfit(`gelu: unknown form '${String(approximate)}': use 'none' or 'tanh'`)
  return gated(floating(x), (v) => {
    const twice =
      approximate === 'tanh'
        ? v
            .square()
            .mul(0.044715)
            .add(1)
            .mul(v)
            .mul(Math.sqrt(2 / Math.PI))
            .tanh()
        : v.mul(Math.SQRT1_2).erf()
    return twice.add(1).mul(0.5)
  })
}

/** x·sigmoid(x), also called swish (Elfwing 2018). */
export const silu: Pointwise = (x: Tensor) => like(gated(floating(x), (v) => v.sigmoid()))

/** x·tanh(softplus(x)) (Misra 2019). */
export const mish: Pointwise = (x: Tensor) => like(gated(floating(x), (v) => softplus(v).tanh()))

/** log(1 + e^(βx)) / β, a smooth relu; exactly x where βx is above the threshold (PyTorch's is 20). */
export function softplus<S extends Shape, D extends DType>(
  x: Tensor<S, D>,
  beta?: number,
  threshold?: number,
): Tensor<S, Floating<D>>
export function softplus(x: Tensor, beta = 1, threshold = Infinity): Tensor {
  checkPositive('softplus', { beta })
  if (Number.isNaN(threshold)) throw misfit('softplus: threshold is NaN, it must be a number')
  const scaled = beta === 1 ? floating(x) : floating(x).mul(beta)
  const value = wrap(forms.softplus(scaled.node))
  const smooth = beta === 1 ? value : value.div(beta)
  return threshold === Infinity ? smooth : scaled.greater(threshold).where(x, smooth)
}

/** log(sigmoid(x)), finite for every x. */
export const logSigmoid: Pointwise = (x: Tensor) => wrap(forms.logSigmoid(floating(x).node))

/** x cut to [low, high]; the derivative is 0 at the ends. */
export const hardTanh: Pointwise<[low?: number, high?: number]> = (x: Tensor, low = -1, high = 1) => {
  if (!(low < high)) throw misfit(`hardTanh: low is ${low} and high ${high}, low must be less`)
  return like(x.lessEqual(low).where(low, x.greaterEqual(high).where(high, x)))
}

/** x cut to [0, 6]. */
export const relu6: Pointwise = (x: Tensor) => like(hardTanh(x, 0, 6))

/** The line x/6 + 1/2, cut to [0, 1]. */
export const hardSigmoid: Pointwise = (x: Tensor) => like(relu6(floating(x).add(3)).div(6))

/** x·hardSigmoid(x) (Howard 2019). */
export const hardSwish: Pointwise = (x: Tensor) => like(gated(floating(x), hardSigmoid))

/** x / (1 + |x|). */
export const softSign: Pointwise = (x: Tensor) =>
  like(
    withLimit(
      floating(x),
      (v) => v.sign(),
      (v) => v.div(v.abs().add(1)),
    ),
  )

/** x − tanh(x). */
export const tanhShrink: Pointwise = (x: Tensor) => like(x.sub(x.tanh()))

/** 0 where |x| ≤ threshold, x elsewhere. */
export const hardShrink: Pointwise<[threshold?: number]> = (x: Tensor, threshold = 0.5) => {
  checkRange('hardShrink', { threshold })
  return like(x.abs().lessEqual(threshold).where(0, x))
}

/** x moved towards 0 by the threshold, and not past it: the proximal step of the L1 norm. */
export const softShrink: Pointwise<[threshold?: number]> = (x: Tensor, threshold = 0.5) => {
  checkRange('softShrink', { threshold })
  return like(x.greater(threshold).where(x.sub(threshold), x.less(-threshold).where(x.add(threshold), x.mul(0))))
}

/** The first half of an axis, gated by the sigmoid of the second (Dauphin 2017). */
export function glu(x: Tensor, axis = -1): Tensor {
  const at = normalizeAxis(axis, x.rank, 'glu')
  if (x.shape[at] % 2 !== 0) throw misfit(`glu: axis ${at} of ${show(x.shape)} cannot be halved`)
  const half = x.shape[at] / 2
  const part = (from: number): Tensor =>
    x.slice(...x.shape.map((_, a) => (a === at ? ([from, from + half] as const) : null)))
  return part(0).mul(part(half).sigmoid())
}

/** The softmax of −x. */
export const softmin: Pointwise<[axis?: number]> = (x: Tensor, axis = -1) => like(x.neg().softmax(axis))

/** A result of the argument's shape. */
const like = <S extends Shape, D extends DType>(x: Tensor): Tensor<S, D> => x as Tensor<S, D>

/** x·gate(x), of a gate that is 0 below −10⁴ and 1 above 10⁴, where it is held: infinity is never multiplied by 0. */
function gated(x: Tensor, gate: (x: Tensor) => Tensor): Tensor {
  const least = x.maximum(-1e4)
  const held = least.minimum(1e4)
  const share = gate(held)
  return wrap(forms.withSlope(least.mul(share).node, x.node, held.mul(share).node, held.node))
}

/** f, but `limit` at ±∞, where f multiplies infinity by 0. */
function withLimit(x: Tensor, limit: (x: Tensor) => Tensor, f: (x: Tensor) => Tensor): Tensor {
  const isInfinite = x.abs().equal(Infinity)
  return wrap(forms.withSlope(isInfinite.where(limit(x), f(isInfinite.where(0, x))).node, x.node))
}
