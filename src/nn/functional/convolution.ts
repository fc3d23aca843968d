// Convolution over any number of spatial axes.

import { build } from '../../graph/build.ts'
import { checkWhole } from '../../graph/check.ts'
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
  checkWhole('convolution', { groups })
  if (weight.shape[0] % groups !== 0)
    throw misfit(`convolution: weight ${show(weight.shape)}: its outputs don't divide into ${groups} groups`)
  if (x.shape[1] !== weight.shape[1] * groups) {
    throw misfit(
      `convolution: input ${show(x.shape)} for weight ${show(weight.shape)}: expected ${weight.shape[1] * groups} channels, found ${x.shape[1]}`,
    )
  }
  const strides = perAxis(options.stride ?? 1, axes, 'convolution stride')
  const dilation = perAxis(options.dilation ?? 1, axes, 'convolution dilation')
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
  if (padding !== 'same') return perAxis(padding, kernel.length, 'convolution padding', 0).map((p) => [p, p] as const)
  if (strides.some((s) => s !== 1))
    throw misfit(`convolution: padding 'same' needs stride 1, not ${show(strides)}: pad by numbers instead`)
  return kernel.map((k, i) => {
    const total = dilation[i] * (k - 1)
    return [Math.floor(total / 2), Math.ceil(total / 2)] as const
  })
}

/**
 * Each example with a weight of its own: x [n, c, ...spatial] with weight [n, out, c / groups, ...kernel], plus bias [n, out].
 * One convolution with a group for each example and group.
 */
export function convolutionPerExample(
  x: Tensor,
  weight: Tensor,
  bias?: Tensor,
  options: ConvolutionOptions = {},
): Tensor {
  const [n, outputs, ...rest] = weight.shape
  if (x.rank !== weight.rank - 1 || x.shape[0] !== n)
    throw misfit(
      `convolutionPerExample: input ${show(x.shape)} for weight ${show(weight.shape)}: expected [n, c, ...spatial] and [n, out, c / groups, ...kernel]`,
    )
  const { groups = 1 } = options
  checkWhole('convolutionPerExample', { groups })
  if (x.shape[1] !== weight.shape[2] * groups)
    throw misfit(
      `convolutionPerExample: input ${show(x.shape)} for weight ${show(weight.shape)}: expected ${weight.shape[2] * groups} channels, found ${x.shape[1]}`,
    )
  if (n === 0) return convolution(x, weight.sum(0), undefined, options)
  const together = x.reshape([1, n * x.shape[1], ...x.shape.slice(2)])
  const y = convolution(together, weight.reshape([n * outputs, ...rest]), undefined, { ...options, groups: n * groups })
  const apart = y.reshape([n, outputs, ...y.shape.slice(2)])
  return bias
    ? withBroadcasting('numpy', () => apart.add(bias.reshape([n, outputs, ...rest.slice(1).map(() => 1)])))
    : apart
}
