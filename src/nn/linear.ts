// The linear layer: x Wᵀ + b.

import type { Variable } from '../tensor/index.ts'
import { defineModule } from './define.ts'
import * as functional from './functional/index.ts'
import { torchUniform, uniform } from './init.ts'
import type { Module } from './module.ts'
import { checkWhole, given, type ParameterOptions, parameter } from './parameter.ts'

export interface LinearOptions extends ParameterOptions {
  /** true unless told. */
  readonly bias?: boolean
}

/** The parameters of a layer that every input reaches every output of, drawn as PyTorch's unless told. */
export function weightAndBias(
  inputs: number,
  outputs: number,
  { init = torchUniform(), biasInit, dtype = 'float32' }: ParameterOptions,
): { readonly weight: Variable; readonly bias: Variable } {
  const bound = 1 / Math.sqrt(inputs)
  return {
    weight: parameter('weight', [outputs, inputs], init, dtype),
    bias: parameter('bias', [outputs], biasInit ?? uniform(-bound, bound), dtype),
  }
}

/**
 * x [..., inputs] to x Wᵀ + b [..., outputs], with weight [outputs, inputs] and bias [outputs] as PyTorch's `Linear`.
 * Throws when an extent is not a whole number of at least 1.
 *
 *     const net = nn.sequential(nn.linear(784, 300), nn.relu(), nn.linear(300, 10))
 */
export function linear<const In extends number, const Out extends number>(
  inputs: In,
  outputs: Out,
  options: LinearOptions = {},
): Module<['...', In], ['...', Out], 'linear'> {
  checkWhole('linear', { inputs, outputs })
  const { bias = true, init = torchUniform(), dtype = 'float32' } = options
  return defineModule({
    kind: 'linear',
    label: `${inputs}→${outputs}`,
    options: { inputs, outputs, ...given({ bias, dtype }, { bias: true, dtype: 'float32' }) },
    shapes: { in: ['...', inputs], out: ['...', outputs] },
    parameters: bias
      ? weightAndBias(inputs, outputs, options)
      : { weight: parameter('weight', [outputs, inputs], init, dtype) },
    forward: (x, own) => functional.linear(x, own.weight, own.bias),
  })
}
