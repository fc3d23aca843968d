// The convolution layer of images.

import { defineModule } from './define.ts'
import * as functional from './functional.ts'
import { torchUniform, uniform } from './init.ts'
import type { Module } from './module.ts'
import { checkWhole, given, type ParameterOptions, parameter } from './parameter.ts'

export interface Conv2dOptions extends ParameterOptions, functional.ConvolutionOptions {
  /** true unless told. */
  readonly bias?: boolean
}

const defaults = { stride: 1, padding: 0, dilation: 1, groups: 1, bias: true, dtype: 'float32' }

/**
 * Cross-correlation of x [n, inputs, h, w] to [n, outputs, h', w'], with weight [outputs, inputs / groups, kh, kw] and
 * bias [outputs] as PyTorch's `Conv2d`. Throws when channels don't divide into the groups.
 *
 *     nn.conv2d(1, 6, 5, { padding: 2 })
 */
export function conv2d<const In extends number, const Out extends number>(
  inputs: In,
  outputs: Out,
  kernel: functional.PerAxis,
  options: Conv2dOptions = {},
): Module<['n', In, 'h', 'w'], ['n', Out, number, number], 'conv2d'> {
  const {
    stride = 1,
    padding = 0,
    dilation = 1,
    groups = 1,
    bias = true,
    init = torchUniform(),
    dtype = 'float32',
  } = options
  checkWhole('conv2d', { inputs, outputs, groups })
  const [height, width] = typeof kernel === 'number' ? [kernel, kernel] : kernel
  checkWhole('conv2d', { 'kernel height': height, 'kernel width': width })
  if (inputs % groups !== 0 || outputs % groups !== 0) {
    throw new RangeError(`conv2d: ${inputs} inputs and ${outputs} outputs don't divide into ${groups} groups`)
  }
  const shape = [outputs, inputs / groups, height, width]
  const bound = 1 / Math.sqrt((inputs / groups) * height * width)
  const weight = parameter('weight', shape, init, dtype)
  const parameters = bias
    ? { weight, bias: parameter('bias', [outputs], options.biasInit ?? uniform(-bound, bound), dtype) }
    : { weight }
  return defineModule({
    kind: 'conv2d',
    label: `${inputs}→${outputs} ${height}×${width}`,
    options: { inputs, outputs, kernel, ...given({ stride, padding, dilation, groups, bias, dtype }, defaults) },
    shapes: { in: ['n', inputs, 'h', 'w'], out: ['n', outputs, '?', '?'] },
    parameters,
    forward: (x, own) => functional.convolution(x, own.weight, own.bias, { stride, padding, dilation, groups }),
  })
}
