// Convolution layers of sequences, images and volumes, and their transposes.

import { misfit } from '../graph/refuse.ts'
import { defineModule } from './define.ts'
import * as functional from './functional/index.ts'
import { torchUniform, uniform } from './init.ts'
import type { Json, Module } from './module.ts'
import { checkWhole, given, type ParameterOptions, parameter } from './parameter.ts'

export interface ConvolutionLayerOptions extends ParameterOptions, functional.ConvolutionOptions {
  /** true unless told. */
  readonly bias?: boolean
}

export type Conv2dOptions = ConvolutionLayerOptions

export interface TransposedLayerOptions extends ParameterOptions, functional.TransposedConvolutionOptions {
  /** true unless told. */
  readonly bias?: boolean
}

type Args = readonly [inputs: number, outputs: number, kernel: functional.PerAxis, options?: ConvolutionLayerOptions]
type TransposedArgs = readonly [
  inputs: number,
  outputs: number,
  kernel: functional.PerAxis,
  options?: TransposedLayerOptions,
]

/** Cross-correlation of x [n, inputs, length] to [n, outputs, length'], as `conv2d`; as PyTorch's `Conv1d`. */
export function conv1d<const In extends number, const Out extends number>(
  inputs: In,
  outputs: Out,
  kernel: functional.PerAxis,
  options?: ConvolutionLayerOptions,
): Module<['n', In, 'l'], ['n', Out, number], 'conv1d'>
export function conv1d(...args: Args): Module {
  return convolution('conv1d', 1, ...args)
}

/**
 * Cross-correlation of x [n, inputs, h, w] to [n, outputs, h', w'], with weight [outputs, inputs / groups, kh, kw] and
 * bias [outputs] as PyTorch's `Conv2d`; with as many groups as inputs each channel for itself. Throws when channels don't
 * divide into the groups.
 *
 *     nn.conv2d(1, 6, 5, { padding: 2 })
 */
export function conv2d<const In extends number, const Out extends number>(
  inputs: In,
  outputs: Out,
  kernel: functional.PerAxis,
  options?: ConvolutionLayerOptions,
): Module<['n', In, 'h', 'w'], ['n', Out, number, number], 'conv2d'>
export function conv2d(...args: Args): Module {
  return convolution('conv2d', 2, ...args)
}

/** Cross-correlation of x [n, inputs, d, h, w] to [n, outputs, d', h', w'], as `conv2d`; as PyTorch's `Conv3d`. */
export function conv3d<const In extends number, const Out extends number>(
  inputs: In,
  outputs: Out,
  kernel: functional.PerAxis,
  options?: ConvolutionLayerOptions,
): Module<['n', In, 'd', 'h', 'w'], ['n', Out, number, number, number], 'conv3d'>
export function conv3d(...args: Args): Module {
  return convolution('conv3d', 3, ...args)
}

/** The adjoint of `conv1d` with its own weight [inputs, outputs / groups, k]; as PyTorch's `ConvTranspose1d`. */
export function convTranspose1d<const In extends number, const Out extends number>(
  inputs: In,
  outputs: Out,
  kernel: functional.PerAxis,
  options?: TransposedLayerOptions,
): Module<['n', In, 'l'], ['n', Out, number], 'convTranspose1d'>
export function convTranspose1d(...args: TransposedArgs): Module {
  return transposed('convTranspose1d', 1, ...args)
}

/**
 * The adjoint of `conv2d`, which makes images larger: x [n, inputs, h, w] to [n, outputs, h', w'], with weight
 * [inputs, outputs / groups, kh, kw]; as PyTorch's `ConvTranspose2d`.
 *
 *     nn.convTranspose2d(16, 8, 4, { stride: 2, padding: 1 })    // twice the extents
 */
export function convTranspose2d<const In extends number, const Out extends number>(
  inputs: In,
  outputs: Out,
  kernel: functional.PerAxis,
  options?: TransposedLayerOptions,
): Module<['n', In, 'h', 'w'], ['n', Out, number, number], 'convTranspose2d'>
export function convTranspose2d(...args: TransposedArgs): Module {
  return transposed('convTranspose2d', 2, ...args)
}

/** The adjoint of `conv3d`, as `convTranspose2d`; as PyTorch's `ConvTranspose3d`. */
export function convTranspose3d<const In extends number, const Out extends number>(
  inputs: In,
  outputs: Out,
  kernel: functional.PerAxis,
  options?: TransposedLayerOptions,
): Module<['n', In, 'd', 'h', 'w'], ['n', Out, number, number, number], 'convTranspose3d'>
export function convTranspose3d(...args: TransposedArgs): Module {
  return transposed('convTranspose3d', 3, ...args)
}

const defaults = { stride: 1, padding: 0, outputPadding: 0, dilation: 1, groups: 1, bias: true, dtype: 'float32' }

function convolution(kind: string, axes: number, ...[inputs, outputs, kernel, options = {}]: Args): Module {
  const { stride = 1, padding = 0, dilation = 1, groups = 1 } = options
  const call = { stride, padding, dilation, groups }
  if (padding !== 'same' && padding !== 'valid') checkExtents(kind, axes, { padding }, 0)
  return layer(kind, axes, inputs, outputs, kernel, options, call, {
    shape: (extents) => [outputs, inputs / groups, ...extents],
    fan: inputs / groups,
    forward: (x, own) => functional.convolution(x, own.weight, own.bias, call),
  })
}

function transposed(kind: string, axes: number, ...[inputs, outputs, kernel, options = {}]: TransposedArgs): Module {
  const { stride = 1, padding = 0, outputPadding = 0, dilation = 1, groups = 1 } = options
  const call = { stride, padding, outputPadding, dilation, groups }
  checkExtents(kind, axes, { padding, outputPadding }, 0)
  return layer(kind, axes, inputs, outputs, kernel, options, call, {
    shape: (extents) => [inputs, outputs / groups, ...extents],
    // PyTorch counts the second axis as inputs here too.
    fan: outputs / groups,
    forward: (x, own) => functional.transposedConvolution(x, own.weight, own.bias, call),
  })
}

interface Form {
  readonly shape: (kernel: readonly number[]) => readonly number[]
  /** Inputs of one output, per element of the kernel. */
  readonly fan: number
  readonly forward: Parameters<typeof defineModule>[0]['forward']
}

/** What both directions have in common. */
function layer(
  kind: string,
  axes: number,
  inputs: number,
  outputs: number,
  kernel: functional.PerAxis,
  options: ParameterOptions & { readonly bias?: boolean },
  call: { readonly [name: string]: Json } & {
    readonly stride: functional.PerAxis
    readonly dilation: functional.PerAxis
    readonly groups: number
  },
  { shape, fan, forward }: Form,
): Module {
  const { bias = true, init = torchUniform(), dtype = 'float32' } = options
  checkWhole(kind, { inputs, outputs, groups: call.groups })
  checkExtents(kind, axes, { kernel, stride: call.stride, dilation: call.dilation }, 1)
  if (inputs % call.groups !== 0 || outputs % call.groups !== 0)
    throw misfit(
      `${kind}: ${inputs} inputs and ${outputs} outputs don't divide into ${call.groups} groups: both must be multiples of the groups`,
    )
  const extents = functional.perAxis(kernel, axes)
  const bound = 1 / Math.sqrt(extents.reduce((n, k) => n * k, fan))
  const weight = parameter('weight', shape(extents), init, dtype)
  const spatial = ['d', 'h', 'w'].slice(-axes)
  return defineModule({
    kind,
    label: `${inputs}→${outputs} ${extents.join('×')}`,
    options: { inputs, outputs, kernel, ...given({ ...call, bias, dtype }, defaults) },
    shapes: {
      in: ['n', inputs, ...(axes === 1 ? ['l'] : spatial)],
      out: ['n', outputs, ...spatial.map(() => '?')],
    },
    parameters: bias
      ? { weight, bias: parameter('bias', [outputs], options.biasInit ?? uniform(-bound, bound), dtype) }
      : { weight },
    forward,
  })
}

/** Throws unless each is a whole number of at least `least`, or a list of one per spatial axis. */
export function checkExtents(
  kind: string,
  axes: number,
  extents: { readonly [name: string]: functional.PerAxis },
  least: number,
): void {
  for (const [name, value] of Object.entries(extents)) {
    if (typeof value !== 'number' && value.length !== axes)
      throw misfit(`${kind}: ${name} [${value.join(', ')}] has ${value.length} numbers for ${axes} spatial axes`)
    for (const number of typeof value === 'number' ? [value] : value) checkWhole(kind, { [name]: number }, least)
  }
}
