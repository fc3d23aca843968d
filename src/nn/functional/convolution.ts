// Convolution over any number of spatial axes.

import { build } from '../../graph/build.ts'
import { promote } from '../../graph/dtype.ts'
import { misfit } from '../../graph/refuse.ts'
import { type Dims, show } from '../../graph/shape.ts'
import { Tensor, withBroadcasting } from '../../tensor/index.ts'
import { type PerAxis, perAxis } from './per-axis.ts'

export interface ConvolutionOptions {
  readonly stride?: PerAxis
  /** Zeros on both sides of each axis; 'same' keeps the extents (with stride 1), 'valid' pads nothing. */
  readonly padding?: PerAxis | 'same' | 'valid'
  /** Distance between the kernel's elements. */
  readonly dilation?: PerAxis
  /** Parts of the channels that are convolved apart. */
  readonly groups?: number
}

/**
 * Cross-correlation: x [n, c, ...spatial] with weight [out, c / groups, ...kernel], plus bias [out]; any number of
 * spatial axes. Throws when channels or ranks do not fit, or the kernel is larger than the padded input.
 */
export function convolution(x: Tensor, weight: Tensor, bias?: Tensor, options: ConvolutionOptions = {}): Tensor {
  const axes = weight.rank - 2
  const kernel = weight.shape.slice(2)
  if (x.rank !== weight.rank) {
    throw misfit(
      `convolution: input ${show(x.shape)} for weight ${show(weight.shape)}: expected ${weight.rank} axes, [n, c, ...spatial]`,
    )
  }
  const groups = options.groups ?? 1
  if (x.shape[1] !== weight.shape[1] * groups) {
    throw misfit(
      `convolution: input ${show(x.shape)} for weight ${show(weight.shape)}: expected ${weight.shape[1] * groups} channels, found ${x.shape[1]}`,
    )
  }
  const strides = perAxis(options.stride ?? 1, axes)
  const dilation = perAxis(options.dilation ?? 1, axes)
  const padding = convolutionPadding(options.padding ?? 0, kernel, strides, dilation)
  const dtype = promote(x.dtype, weight.dtype)
  const padded = x.cast(dtype).pad([[0, 0], [0, 0], ...padding])
  const y = new Tensor(build.node('conv', [padded.node, weight.cast(dtype).node], { strides, dilation, groups }))
  return bias ? withBroadcasting('numpy', () => y.add(bias.reshape([bias.size, ...kernel.map(() => 1)]))) : y
}

function convolutionPadding(
  padding: PerAxis | 'same' | 'valid',
  kernel: Dims,
  strides: Dims,
  dilation: Dims,
): (readonly [number, number])[] {
  if (padding === 'valid') return kernel.map(() => [0, 0] as const)
  if (padding !== 'same') return perAxis(padding, kernel.length).map((p) => [p, p] as const)
  if (strides.some((s) => s !== 1))
    throw misfit(`convolution: padding 'same' needs stride 1, not ${show(strides)}: pad by numbers instead`)
  return kernel.map((k, i) => {
    const total = dilation[i] * (k - 1)
    return [Math.floor(total / 2), Math.ceil(total / 2)] as const
  })
}
