// Normalisation layers.

import { misfit } from '../graph/refuse.ts'
import { type Dims, show } from '../graph/shape.ts'
import { assignAll, runtime, type Shape, Variable } from '../tensor/index.ts'
import { defineModule } from './define.ts'
import * as functional from './functional/index.ts'
import { ones, zeros } from './init.ts'
import type { Module } from './module.ts'
import {
  buffer,
  checkPositive,
  checkProbability,
  checkWhole,
  given,
  type ParameterOptions,
  parameter,
} from './parameter.ts'

export interface NormOptions extends ParameterOptions {
  /** Added to the variance; 1e-5 unless told. */
  readonly epsilon?: number
  /** Whether there are a weight and a bias; true unless told. */
  readonly affine?: boolean
}

const defaults = { epsilon: 1e-5, affine: true, momentum: 0.1, dtype: 'float32' }

/** The weight and the bias of a layer that has them. */
export const scaleAndShift = (
  shape: Dims,
  { affine = true, init = ones(), biasInit = zeros(), dtype = 'float32' }: NormOptions,
): {
  readonly weight?: Variable
  readonly bias?: Variable
} =>
  affine ? { weight: parameter('weight', shape, init, dtype), bias: parameter('bias', shape, biasInit, dtype) } : {}

/** A pattern of shapes by their last axes. */
export type LastAxes<S extends number | Dims> = S extends number
  ? ['...', S]
  : S extends Dims
    ? number extends S['length']
      ? Shape
      : ['...', ...S]
    : never

/** Standardizes each example over its last axes, those of `shape`, as PyTorch's `LayerNorm` (Ba et al. 2016). */
export function layerNorm<const S extends number | Dims>(
  shape: S,
  options?: NormOptions,
): Module<LastAxes<S>, LastAxes<S>, 'layerNorm'>
export function layerNorm(shape: number | Dims, options: NormOptions = {}): Module {
  const { epsilon = 1e-5, affine, dtype } = options
  checkPositive('layerNorm', { epsilon })
  const extents = typeof shape === 'number' ? [shape] : shape
  for (const size of extents) checkWhole('layerNorm', { shape: size })
  return defineModule({
    kind: 'layerNorm',
    shapes: { in: ['...', ...extents], out: ['...', ...extents] },
    label: extents.join('×'),
    options: { shape: extents, ...given({ epsilon, affine, dtype }, defaults) },
    parameters: scaleAndShift(extents, options),
    forward: (x, own) => functional.layerNorm(x, extents, own.weight, own.bias, epsilon),
  })
}

export interface BatchNormOptions extends NormOptions {
  /** The weight of the newest batch in the running statistics; 0.1 unless told. */
  readonly momentum?: number
}

/**
 * Standardizes each channel of x [n, c] or [n, c, ...]: while training by the batch, which also updates running_mean and
 * running_var (unbiased); otherwise by those. As PyTorch's `BatchNorm1d` and `2d` (Ioffe & Szegedy 2015).
 */
export function batchNorm<const C extends number>(
  channels: C,
  options: BatchNormOptions = {},
): Module<['n', C, '...'], ['n', C, '...'], 'batchNorm'> {
  checkWhole('batchNorm', { channels })
  const { epsilon = 1e-5, momentum = 0.1, affine, dtype } = options
  checkPositive('batchNorm', { epsilon })
  checkProbability('batchNorm', momentum, 'momentum')
  return defineModule({
    kind: 'batchNorm',
    shapes: { in: ['n', channels, '...'], out: ['n', channels, '...'] },
    label: `${channels}`,
    options: { channels, ...given({ epsilon, momentum, affine, dtype }, defaults) },
    parameters: scaleAndShift([channels], options),
    buffers: {
      running_mean: buffer('running_mean', [channels], 0, dtype),
      running_var: buffer('running_var', [channels], 1, dtype),
    },
    forward: (x, own) => {
      const { weight, bias, running_mean: mean, running_var: variance } = own
      if (!runtime.training) return functional.batchNorm(x, mean, variance, weight, bias, epsilon)
      const count = x.size / channels
      if (count < 2)
        throw misfit(`batchNorm: input ${show(x.shape)} has ${count} value per channel, training needs two or more`)
      const batch = functional.batchNormTraining(x, weight, bias, epsilon)
      if (mean instanceof Variable && variance instanceof Variable) {
        const unbiased = batch.variance.mul(count / (count - 1))
        assignAll(
          [mean, variance],
          [
            mean
              .mul(1 - momentum)
              .add(batch.mean.mul(momentum))
              .detach(),
            variance
              .mul(1 - momentum)
              .add(unbiased.mul(momentum))
              .detach(),
          ],
        )
      }
      return batch.y
    },
  })
}
