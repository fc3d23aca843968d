// The first artificial neurons: a weighted sum that fires or does not.

import type { Tensor } from '../tensor/index.ts'
import { defineModule } from './define.ts'
import * as functional from './functional/index.ts'
import { weightAndBias } from './linear.ts'
import type { Module } from './module.ts'
import { checkWhole, given, type ParameterOptions } from './parameter.ts'

/**
 * Threshold units (McCulloch and Pitts 1943): 1 where Wx + b > 0, else 0, of x [..., inputs] to [..., outputs], one unit unless told. The
 * step has derivative 0, so nothing is learned through them by gradients; Rosenblatt's rule (1958) changes W by (target − y)·x. Of the
 * Boolean functions of 2, 3, 4 inputs one unit can be 14 of 16, 104 of 256, 1882 of 65 536.
 *
 *     const and = nn.thresholdUnit(2, 1, { init: nn.init.ones(), biasInit: nn.init.constant(-1.5) })
 */
export function thresholdUnit<const In extends number, const Out extends number = 1>(
  inputs: In,
  outputs?: Out,
  options?: ParameterOptions,
): Module<['...', In], ['...', Out], 'thresholdUnit'>
export function thresholdUnit(inputs: number, outputs = 1, options: ParameterOptions = {}): Module {
  checkWhole('thresholdUnit', { inputs, outputs })
  return defineModule({
    kind: 'thresholdUnit',
    label: `${inputs}→${outputs}`,
    options: { inputs, outputs, ...given({ dtype: options.dtype }, { dtype: 'float32' }) },
    shapes: { in: ['...', inputs], out: ['...', outputs] },
    parameters: weightAndBias(inputs, outputs, options),
    forward: (x, own: { readonly weight: Tensor; readonly bias: Tensor }) =>
      functional
        .linear(x, own.weight, own.bias)
        .greater(0)
        .cast(own.weight.dtype as 'float32'),
  })
}
