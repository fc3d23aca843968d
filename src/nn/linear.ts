// The linear layer: x Wᵀ + b.

import { defineModule } from './define.ts'
import * as functional from './functional/index.ts'
import { torchUniform, uniform } from './init.ts'
import type { Module } from './module.ts'
import { checkWhole, given, type ParameterOptions, parameter } from './parameter.ts'

export interface LinearOptions extends ParameterOptions {
  /** true unless told. */
  readonly bias?: boolean
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
  const bound = 1 / Math.sqrt(inputs)
  const weight = parameter('weight', [outputs, inputs], init, dtype)
  const parameters = bias
    ? { weight, bias: parameter('bias', [outputs], options.biasInit ?? uniform(-bound, bound), dtype) }
    : { weight }
  return defineModule({
    kind: 'linear',
    label: `${inputs}→${outputs}`,
    options: { inputs, outputs, ...given({ bias, dtype }, { bias: true, dtype: 'float32' }) },
    shapes: { in: ['...', inputs], out: ['...', outputs] },
    parameters,
    forward: (x, own) => functional.linear(x, own.weight, own.bias),
  })
}
