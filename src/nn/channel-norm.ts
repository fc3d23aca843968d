// Normalisation layers beside those of batch and layer: by groups, instances, root mean squares, neighbours, and of weights.

import { misfit, mistake } from '../graph/refuse.ts'
import type { Dims } from '../graph/shape.ts'
import { norm, type Tensor, Variable } from '../tensor/index.ts'
import { defineModule } from './define.ts'
import * as functional from './functional/index.ts'
import { ones } from './init.ts'
import { isModule, type Module } from './module.ts'
import { type LastAxes, type NormOptions, scaleAndShift } from './norm.ts'
import { checkPositive, checkWhole, given, type ParameterOptions, parameter } from './parameter.ts'

type Channels<C extends number, Kind extends string> = Module<['n', C, '...'], ['n', C, '...'], Kind>

/** Standardizes each example over groups of channels of x [n, channels, ...], as PyTorch's `GroupNorm` (Wu and He 2018). Throws when the groups don't divide the channels. */
export function groupNorm<const C extends number>(
  groups: number,
  channels: C,
  options: NormOptions = {},
): Channels<C, 'groupNorm'> {
  checkWhole('groupNorm', { groups, channels })
  if (channels % groups !== 0)
    throw misfit(`groupNorm: ${channels} channels don't divide into ${groups} groups: they must be a multiple of them`)
  const { epsilon = 1e-5, affine, dtype } = options
  checkPositive('groupNorm', { epsilon })
  return defineModule({
    kind: 'groupNorm',
    label: `${channels} in ${groups}`,
    shapes: { in: ['n', channels, '...'], out: ['n', channels, '...'] },
    options: {
      groups,
      channels,
      ...given({ epsilon, affine, dtype }, { epsilon: 1e-5, affine: true, dtype: 'float32' }),
    },
    parameters: scaleAndShift([channels], options),
    forward: (x, own) => functional.groupNorm(x, groups, own.weight, own.bias, epsilon),
  })
}

/** Standardizes each channel of each example of x [n, channels, ...spatial], as PyTorch's `InstanceNorm2d` (Ulyanov et al. 2016); not affine unless told. */
export function instanceNorm<const C extends number>(
  channels: C,
  options: NormOptions = {},
): Channels<C, 'instanceNorm'> {
  checkWhole('instanceNorm', { channels })
  const { epsilon = 1e-5, affine = false, dtype } = options
  checkPositive('instanceNorm', { epsilon })
  return defineModule({
    kind: 'instanceNorm',
    label: `${channels}`,
    shapes: { in: ['n', channels, '...'], out: ['n', channels, '...'] },
    options: { channels, ...given({ epsilon, affine, dtype }, { epsilon: 1e-5, affine: false, dtype: 'float32' }) },
    parameters: scaleAndShift([channels], { ...options, affine }),
    forward: (x, own) => functional.instanceNorm(x, own.weight, own.bias, epsilon),
  })
}

/** x over its root mean square over the last axes, those of `shape`, times weight, as PyTorch's `RMSNorm` (Zhang and Sennrich 2019). */
export function rmsNorm<const S extends number | Dims>(
  shape: S,
  options?: NormOptions,
): Module<LastAxes<S>, LastAxes<S>, 'rmsNorm'>
export function rmsNorm(shape: number | Dims, options: NormOptions = {}): Module {
  const { epsilon = 1e-6, affine = true, init = ones(), dtype } = options
  const extents = typeof shape === 'number' ? [shape] : shape
  for (const size of extents) checkWhole('rmsNorm', { shape: size })
  checkPositive('rmsNorm', { epsilon })
  return defineModule({
    kind: 'rmsNorm',
    label: extents.join('×'),
    shapes: { in: ['...', ...extents], out: ['...', ...extents] },
    options: {
      shape: extents,
      ...given({ epsilon, affine, dtype }, { epsilon: 1e-6, affine: true, dtype: 'float32' }),
    },
    parameters: (affine ? { weight: parameter('weight', extents, init, dtype) } : {}) as { readonly weight?: Variable },
    forward: (x, own) => functional.rmsNorm(x, extents, own.weight, epsilon),
  })
}

/** Divides by what neighbouring channels of x [n, c, ...] add up to, as PyTorch's `LocalResponseNorm` (Krizhevsky et al. 2012). */
export function localResponseNorm(
  options: functional.LocalResponseOptions = {},
): Module<['n', 'c', '...'], ['n', 'c', '...'], 'localResponseNorm'> {
  const { size = 5, alpha = 1e-4, beta = 0.75, k = 1 } = options
  checkWhole('localResponseNorm', { size })
  checkPositive('localResponseNorm', { alpha, beta, k })
  return defineModule({
    kind: 'localResponseNorm',
    label: `${size}`,
    shapes: { in: ['n', 'c', '...'], out: ['n', 'c', '...'] },
    options: given({ size, alpha, beta, k }, { size: 5, alpha: 1e-4, beta: 0.75, k: 1 }),
    forward: (x) => functional.localResponseNorm(x, options),
  })
}

/**
 * A layer whose weight is trained as direction and length, weight_v and weight_g (Salimans and Kingma 2016), which begin at
 * the layer's own weight. Throws when the layer has no weight, or children.
 *
 *     nn.weightNorm(nn.linear(3, 4))
 */
export function weightNorm<M extends Module>(layer: M): M {
  const { weight, ...rest } = (isModule(layer) && layer.definition.parameters) || {}
  if (!(weight instanceof Variable) || weight.rank < 2 || layer.definition.children)
    throw mistake('weightNorm: it takes one layer with a weight of two axes or more, as a linear or a convolution')
  const axes = weight.shape.slice(1).map((_, i) => i + 1)
  const length = norm(weight.detach(), 2, axes, true)
  const dtype = weight.dtype === 'float64' ? 'float64' : 'float32'
  const made: ParameterOptions = { dtype }
  const copy = (name: string, x: Tensor): Variable =>
    parameter(name, x.shape, () => Float64Array.from(x.dataSync()), made.dtype)
  return defineModule({
    kind: 'weightNorm',
    label: `of ${layer.kind} ${layer.definition.label ?? ''}`.trim(),
    ...(layer.definition.shapes ? { shapes: layer.definition.shapes } : {}),
    // It is built again from the layer, which is no child: its weight is not trained.
    options: { children: { layer: layer.config } },
    parameters: { ...rest, weight_g: copy('weight_g', length), weight_v: copy('weight_v', weight) },
    buffers: { ...layer.definition.buffers },
    forward: (x, own) => {
      const { weight_g, weight_v, ...others } = own
      return layer.with({ ...others, weight: functional.weightNorm(weight_v, weight_g) })(x)
    },
  }) as unknown as M
}
