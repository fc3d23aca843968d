// Transposed convolution: the adjoint of convolution, as a layer of its own.

import { build } from '../../graph/build.ts'
import { checkWhole } from '../../graph/check.ts'
import { promote } from '../../graph/dtype.ts'
import { convAdjoint } from '../../graph/ops/contract.ts'
import { misfit } from '../../graph/refuse.ts'
import { show } from '../../graph/shape.ts'
import { Tensor } from '../../tensor/index.ts'
import { type PerAxis, perAxis } from './per-axis.ts'

export interface TransposedConvolutionOptions {
  readonly stride?: PerAxis
  /** Elements that are left off on both sides of each axis of the result. */
  readonly padding?: PerAxis
  /** Elements that are added at the end of each axis, where the stride leaves the extent open; less than stride or dilation. */
  readonly outputPadding?: PerAxis
  readonly dilation?: PerAxis
  readonly groups?: number
}

/**
 * x [n, in, ...spatial] with weight [in, out / groups, ...kernel], plus bias [out], as PyTorch's `conv_transpose`: extents become
 * (extent − 1)·stride − 2·padding + dilation·(kernel − 1) + outputPadding + 1. Throws when channels or ranks do not fit.
 */
export function transposedConvolution(
  x: Tensor,
  weight: Tensor,
  bias?: Tensor,
  options: TransposedConvolutionOptions = {},
): Tensor {
  const axes = weight.rank - 2
  const { groups = 1 } = options
  checkWhole('transposedConvolution', { groups })
  if (x.rank !== weight.rank || axes < 1)
    throw misfit(
      `transposedConvolution: input ${show(x.shape)} for weight ${show(weight.shape)}: expected ${weight.rank} axes, [n, c, ...spatial]`,
    )
  const [inputs, perGroup, ...kernel] = weight.shape
  if (x.shape[1] !== inputs || inputs % groups !== 0)
    throw misfit(
      `transposedConvolution: input ${show(x.shape)} for weight ${show(weight.shape)} in ${groups} groups: expected ${inputs} channels, a multiple of the groups, found ${x.shape[1]}`,
    )
  const stride = perAxis(options.stride ?? 1, axes, 'transposedConvolution stride')
  const padding = perAxis(options.padding ?? 0, axes, 'transposedConvolution padding', 0)
  const extra = perAxis(options.outputPadding ?? 0, axes, 'transposedConvolution outputPadding', 0)
  const dilation = perAxis(options.dilation ?? 1, axes, 'transposedConvolution dilation')
  if (extra.some((e, i) => e >= Math.max(stride[i], dilation[i])))
    throw misfit(
      `transposedConvolution: outputPadding ${show(extra)} must be less than stride ${show(stride)} or dilation ${show(dilation)}`,
    )
  const dtype = promote(x.dtype, weight.dtype)
  // The outputs as inputs of a convolution: all places that a kernel reaches.
  const places = kernel.map((k, i) => (x.shape[2 + i] - 1) * stride[i] + dilation[i] * (k - 1) + 1 + extra[i])
  const ones = kernel.map(() => 1)
  const whole = new Tensor(
    convAdjoint(
      build,
      [x.shape[0], groups * perGroup, ...places],
      weight.cast(dtype).node,
      { strides: stride, dilation, groups },
      x.cast(dtype).node,
    ),
  )
  const extents = whole.shape.slice(2).map((d, i) => d - 2 * padding[i])
  if (extents.some((d) => d < 1))
    throw misfit(`transposedConvolution: padding ${show(padding)} leaves nothing of ${show(whole.shape.slice(2))}`)
  const y = whole.slice(null, null, ...padding.map((p, i) => [p, p + extents[i]] as const))
  return bias ? y.add(bias.reshape([bias.size, ...ones])) : y
}
