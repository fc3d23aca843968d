// Multi-head self-attention.

import { defineModule } from './define.ts'
import * as functional from './functional.ts'
import { glorotUniform, zeros } from './init.ts'
import { linear } from './linear.ts'
import type { Module } from './module.ts'
import { checkWhole, given, type ParameterOptions, parameter } from './parameter.ts'
import { checkTaken } from './shape-rules.ts'

export interface AttentionOptions extends ParameterOptions {
  readonly heads: number
  /** Position i sees positions up to i alone. */
  readonly causal?: boolean
  /** true unless told. */
  readonly bias?: boolean
}

/**
 * x [..., time, size] to the same shape: queries, keys and values by one linear map (in_proj_weight [3·size, size]), scaled
 * dot-product attention in each head, and a linear map of the heads (out_proj); as PyTorch's `MultiheadAttention` on one
 * input (Vaswani et al. 2017). `init` is for both maps. Throws when size does not divide into the heads.
 */
export function attention<const Size extends number>(
  size: Size,
  options: AttentionOptions,
): Module<['...', 'time', Size], ['...', 'time', Size], 'attention'> {
  const { heads, causal = false, bias = true, biasInit = zeros(), dtype = 'float32' } = options
  checkWhole('attention', { size, heads })
  if (size % heads !== 0) throw new RangeError(`attention: size ${size} does not divide into ${heads} heads`)
  const weight = parameter('in_proj_weight', [3 * size, size], options.init ?? glorotUniform(), dtype)
  const parameters = bias
    ? { in_proj_weight: weight, in_proj_bias: parameter('in_proj_bias', [3 * size], biasInit, dtype) }
    : { in_proj_weight: weight }
  const shapes = { in: ['...', 'time', size], out: ['...', 'time', size] } as const
  return defineModule({
    kind: 'attention',
    shapes,
    label: `${size}, ${heads} heads${causal ? ', causal' : ''}`,
    options: { size, heads, ...given({ causal, bias, dtype }, { causal: false, bias: true, dtype: 'float32' }) },
    parameters,
    children: {
      out_proj: linear(size, size, { bias, biasInit, dtype, ...(options.init ? { init: options.init } : {}) }),
    },
    forward: (x, own, { out_proj: project }) => {
      checkTaken('attention', shapes.in, x.shape)
      const [query, key, value] = functional.splitProjections(
        functional.linear(x, own.in_proj_weight, own.in_proj_bias),
        heads,
      )
      return project(functional.joinHeads(functional.scaledDotProductAttention(query, key, value, { causal })))
    },
  })
}
