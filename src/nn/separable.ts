// A convolution in two steps: each channel by itself, then all channels at each place.

import { sequential } from './container.ts'
import { type ConvolutionLayerOptions, conv2d } from './convolution.ts'
import type * as functional from './functional/index.ts'
import type { Module } from './module.ts'
import { checkWhole } from './parameter.ts'

export interface SeparableOptions extends Omit<ConvolutionLayerOptions, 'groups'> {
  /** Filters for each input channel; 1 unless told. */
  readonly multiplier?: number
}

/**
 * A depthwise convolution, then one of 1 × 1 (Chollet 2017; Howard et al. 2017): x [n, inputs, h, w] to [n, outputs, h', w'] with
 * inputs · (kernel elements + outputs) weights instead of inputs · kernel elements · outputs. Its parts are `depthwise`, which has no
 * bias, and `pointwise`.
 *
 *     nn.separableConv2d(32, 64, 3, { padding: 1 })
 */
export function separableConv2d<const In extends number, const Out extends number>(
  inputs: In,
  outputs: Out,
  kernel: functional.PerAxis,
  options?: SeparableOptions,
): Module<['n', In, 'h', 'w'], ['n', Out, number, number], 'sequential'>
export function separableConv2d(
  inputs: number,
  outputs: number,
  kernel: functional.PerAxis,
  options: SeparableOptions = {},
): Module {
  const { multiplier = 1, bias = true, biasInit, stride = 1, padding = 0, dilation = 1, ...common } = options
  checkWhole('separableConv2d', { inputs, outputs, multiplier })
  const middle = inputs * multiplier
  return sequential({
    depthwise: conv2d(inputs, middle, kernel, { ...common, stride, padding, dilation, groups: inputs, bias: false }),
    pointwise: conv2d(middle, outputs, 1, { ...common, bias, ...(biasInit ? { biasInit } : {}) }),
  })
}
