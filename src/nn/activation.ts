// Layers that work on elements, or along an axis, without parameters: activations, softmax and its relatives, flatten.

import { misfit } from '../graph/refuse.ts'
import type { Tensor } from '../tensor/index.ts'
import * as tensors from '../tensor/index.ts'
import { defineModule } from './define.ts'
import * as functional from './functional/index.ts'
import { constant } from './init.ts'
import type { Module } from './module.ts'
import {
  checkFinite,
  checkInteger,
  checkPositive,
  checkRange,
  checkWhole,
  given,
  type ParameterOptions,
  parameter,
} from './parameter.ts'
import type { ShapeRule } from './shape-rules.ts'

type Same<Kind extends string> = Module<['...'], ['...'], Kind>
const same = { in: ['...'], out: ['...'] } as const

const pointwise =
  <const Kind extends string>(kind: Kind, forward: (x: Tensor) => Tensor): (() => Same<Kind>) =>
  () =>
    defineModule({ kind, shapes: same, forward })

/** A layer with one number, which has a name in configurations. */
const withNumber =
  <const Kind extends string>(
    kind: Kind,
    name: string,
    usual: number,
    forward: (x: Tensor, value: number) => Tensor,
    check = checkFinite,
  ): ((value?: number) => Same<Kind>) =>
  (value = usual) => {
    check(kind, { [name]: value })
    return defineModule({
      kind,
      shapes: same,
      ...(value === usual ? {} : { label: `${value}` }),
      options: given({ [name]: value }, { [name]: usual }),
      forward: (x) => forward(x, value),
    })
  }

/** A layer along an axis, the last unless told. */
const along = <const Kind extends string>(
  kind: Kind,
  forward: (x: Tensor, axis: number) => Tensor,
): ((axis?: number) => Same<Kind>) => {
  const make = withNumber(kind, 'axis', -1, forward)
  return (axis) => {
    if (axis !== undefined) checkInteger(kind, { axis })
    return make(axis)
  }
}

/** max(x, 0). */
export const relu = pointwise('relu', (x) => x.relu())
/** 1 / (1 + e⁻ˣ). */
export const sigmoid = pointwise('sigmoid', (x) => x.sigmoid())
export const tanh = pointwise('tanh', (x) => x.tanh())
/** x as it is. */
export const identity = pointwise('identity', (x) => x)
/** x cut to [0, 6]. */
export const relu6 = pointwise('relu6', (x) => tensors.relu6(x))
/** The elu whose outputs keep mean 0 and variance 1 (Klambauer et al. 2017). */
export const selu = pointwise('selu', (x) => tensors.selu(x))
/** x·sigmoid(x), also called swish. */
export const silu = pointwise('silu', (x) => tensors.silu(x))
/** x·tanh(softplus(x)) (Misra 2019). */
export const mish = pointwise('mish', (x) => tensors.mish(x))
/** log sigmoid(x). */
export const logSigmoid = pointwise('logSigmoid', (x) => tensors.logSigmoid(x))
/** The line x/6 + 1/2, cut to [0, 1]. */
export const hardSigmoid = pointwise('hardSigmoid', (x) => tensors.hardSigmoid(x))
/** x·hardSigmoid(x). */
export const hardSwish = pointwise('hardSwish', (x) => tensors.hardSwish(x))
/** x / (1 + |x|). */
export const softSign = pointwise('softSign', (x) => tensors.softSign(x))
/** x − tanh(x). */
export const tanhShrink = pointwise('tanhShrink', (x) => tensors.tanhShrink(x))

/** x where it is positive, slope·x elsewhere; the slope is 0.01 unless told. */
export const leakyRelu = withNumber('leakyRelu', 'slope', 0.01, (x, slope) => tensors.leakyRelu(x, slope))
/** x where it is positive, alpha·(eˣ − 1) elsewhere. */
export const elu = withNumber('elu', 'alpha', 1, (x, alpha) => tensors.elu(x, alpha))
/** elu with a derivative that is continuous for every alpha. */
export const celu = withNumber('celu', 'alpha', 1, (x, alpha) => tensors.celu(x, alpha), checkPositive)
/** log(1 + e^(βx)) / β. */
export const softplus = withNumber('softplus', 'beta', 1, (x, beta) => tensors.softplus(x, beta), checkPositive)
/** 0 where |x| ≤ threshold, x elsewhere. */
export const hardShrink = withNumber('hardShrink', 'threshold', 0.5, (x, t) => tensors.hardShrink(x, t), checkRange)
/** x moved towards 0 by the threshold, and not past it. */
export const softShrink = withNumber('softShrink', 'threshold', 0.5, (x, t) => tensors.softShrink(x, t), checkRange)

/** eˣ / Σ eˣ along an axis, the last unless told. For training use `loss.softmaxCrossEntropy` on what goes in here. */
export const softmax = along('softmax', (x, axis) => x.softmax(axis))
/** The softmax of −x. */
export const softmin = along('softmin', (x, axis) => tensors.softmin(x, axis))
/** The logarithm of softmax. */
export const logSoftmax = along('logSoftmax', (x, axis) => x.logSoftmax(axis))
/** The nearest distribution, which can have zeros (Martins and Astudillo 2016). */
export const sparsemax = along('sparsemax', (x, axis) => tensors.sparsemax(x, axis))
/** Half way between softmax and sparsemax (Peters et al. 2019). */
export const entmax15 = along('entmax15', (x, axis) => tensors.entmax15(x, axis))

/** x cut to [low, high]; [−1, 1] unless told. */
export const hardTanh = (low = -1, high = 1): Same<'hardTanh'> => {
  checkFinite('hardTanh', { low, high })
  if (!(low < high)) throw misfit(`hardTanh: low is ${low} and high ${high}, low must be less`)
  return defineModule({
    kind: 'hardTanh',
    shapes: same,
    options: given({ low, high }, { low: -1, high: 1 }),
    forward: (x) => tensors.hardTanh(x, low, high),
  })
}

/** x where it is greater than `at`, `value` elsewhere; both 0 unless told: then it is relu. */
export const threshold = (at = 0, value = 0): Same<'threshold'> => {
  checkFinite('threshold', { at, value })
  return defineModule({
    kind: 'threshold',
    label: `${at}, ${value}`,
    shapes: same,
    options: { at, value },
    forward: (x) => tensors.threshold(x, at, value),
  })
}

/**
 * leakyRelu with a slope that is drawn anew for each element while training, between low and high (1/8 and 1/3 unless told), and their mean
 * otherwise (Xu et al. 2015).
 */
export const rrelu = (low = 1 / 8, high = 1 / 3): Same<'rrelu'> => {
  checkFinite('rrelu', { low, high })
  if (!(low <= high)) throw misfit(`rrelu: low is ${low} and high ${high}, low must not be more`)
  return defineModule({
    kind: 'rrelu',
    shapes: same,
    options: given({ low, high }, { low: 1 / 8, high: 1 / 3 }),
    forward: (x) => {
      if (!tensors.runtime.training) return tensors.leakyRelu(x, (low + high) / 2)
      const slope = tensors.random.uniform(x.shape, { low, high }).cast(x.dtype)
      return x.lessEqual(0).where(x.mul(slope), x)
    },
  })
}

/** x·Φ(x), exactly ('none') or by the hyperbolic tangent ('tanh'). */
export const gelu = (form: 'none' | 'tanh' = 'none'): Same<'gelu'> => {
  if (form !== 'none' && form !== 'tanh') throw misfit(`gelu: unknown form '${String(form)}': use 'none' or 'tanh'`)
  return defineModule({
    kind: 'gelu',
    shapes: same,
    ...(form === 'tanh' ? { label: form } : {}),
    options: given({ form }, { form: 'none' }),
    forward: (x) => tensors.gelu(x, form),
  })
}

/** leakyRelu with a learned slope: one, or one for each of `channels` of x [n, channels, ...]; as PyTorch's `PReLU` (He et al. 2015). */
export const prelu = (channels = 1, options: Omit<ParameterOptions, 'biasInit'> = {}): Module => {
  checkWhole('prelu', { channels })
  const { init = constant(0.25), dtype = 'float32' } = options
  return defineModule({
    kind: 'prelu',
    label: `${channels}`,
    shapes: (channels === 1 ? same : { in: ['n', channels, '...'], out: ['n', channels, '...'] }) as ShapeRule,
    options: given({ channels, dtype }, { channels: 1, dtype: 'float32' }),
    parameters: { weight: parameter('weight', [channels], init, dtype) },
    forward: (x, { weight }) => tensors.withBroadcasting('numpy', () => tensors.prelu(x, weight)),
  })
}

/** Makes one axis of those from `startAxis` to `endAxis`: [n, c, h, w] to [n, c·h·w] unless told. */
export function flatten(): Module<['n', '...'], ['n', '(...)'], 'flatten'>
export function flatten(startAxis?: number, endAxis?: number): Module
export function flatten(startAxis = 1, endAxis = -1): Module {
  checkInteger('flatten', { startAxis, endAxis })
  return defineModule({
    kind: 'flatten',
    options: given({ startAxis, endAxis }, { startAxis: 1, endAxis: -1 }),
    ...(startAxis === 1 && endAxis === -1 ? { shapes: { in: ['n', '...'], out: ['n', '(...)'] } } : {}),
    forward: (x) => functional.flatten(x, startAxis, endAxis),
  })
}
