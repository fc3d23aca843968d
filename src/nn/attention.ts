// Multi-head attention: on one input or on two, with masks, shared keys, rotary positions and kept keys.

import { misfit } from '../graph/refuse.ts'
import { show } from '../graph/shape.ts'
import { concat, runtime, split, type Tensor, withBroadcasting } from '../tensor/index.ts'
import { defineModule } from './define.ts'
import * as functional from './functional/index.ts'
import { glorotUniform, zeros } from './init.ts'
import { linear } from './linear.ts'
import type { Module, Running } from './module.ts'
import { checkProbability, checkWhole, given, type ParameterOptions, parameter } from './parameter.ts'
import { checkTaken } from './shape-rules.ts'

export interface AttentionOptions extends ParameterOptions {
  readonly heads: number
  /** Heads of keys and values, a divisor of `heads`: groups of queries share them (Ainslie et al. 2023). `heads` unless told. */
  readonly keyHeads?: number
  /** Position i sees positions up to i alone. */
  readonly causal?: boolean
  /** Whether queries and keys are turned by their positions (see `functional.rotary`). */
  readonly rotary?: boolean
  /** While training, zeroes weights with this probability; 0 unless told. */
  readonly dropout?: number
  /** true unless told. */
  readonly bias?: boolean
}

/** Keys and values of earlier positions, [..., keyHeads, time, d]. */
export interface AttentionCache {
  readonly key: Tensor
  readonly value: Tensor
}

export interface AttentionInputs {
  /** [..., keys, size]: what to look at; the query itself unless told. */
  readonly key?: Tensor | undefined
  /** [..., keys, size]; the key unless told. */
  readonly value?: Tensor | undefined
  /** bool, true where attention may go, or numbers to add to scores; broadcasts to [..., heads, queries, keys]. */
  readonly mask?: Tensor | undefined
  /** bool [..., keys]: false where a key is padding. */
  readonly present?: Tensor | undefined
  /** What an earlier run gave: its keys and values come before these, and positions go on. */
  readonly cache?: AttentionCache | undefined
}

export interface AttentionResult {
  readonly output: Tensor
  /** [..., heads, queries, keys], before dropout; computed where it is used. */
  readonly weights: Tensor
  readonly cache: AttentionCache
}

/**
 * x [..., time, size] to the same shape: queries, keys and values by one linear map (in_proj_weight [3·size, size]), scaled
 * dot-product attention in each head, and a linear map of the heads (out_proj); as PyTorch's `MultiheadAttention` with
 * `batch_first` (Vaswani et al. 2017). `run` takes other keys and values, masks and kept keys too, and gives the weights; a
 * query that may see nothing gives out_proj of 0. `init` is for both maps. Throws when size does not divide into the heads.
 *
 *     const { output, weights } = nn.attention(64, { heads: 4 }).run(decoded, { key: encoded })
 */
export function attention<const Size extends number>(
  size: Size,
  options: AttentionOptions,
): Module<['...', 'time', Size], ['...', 'time', Size], 'attention'> &
  Running<[query: Tensor, inputs?: AttentionInputs], AttentionResult> {
  const { heads, keyHeads = heads, causal = false, rotary = false, dropout = 0 } = options
  const { bias = true, biasInit = zeros(), dtype = 'float32' } = options
  checkWhole('attention', { size, heads, keyHeads })
  checkProbability('attention', dropout, 'dropout')
  if (size % heads !== 0)
    throw misfit(`attention: size ${size} does not divide into ${heads} heads: it must be a multiple of them`)
  if (heads % keyHeads !== 0)
    throw misfit(
      `attention: ${heads} heads do not divide into ${keyHeads} heads of keys: they must be a multiple of them`,
    )
  const width = size / heads
  if (rotary && width % 2 !== 0)
    throw misfit(`attention: heads of width ${width} can't be turned by rotary positions: it must be even`)
  const sizes = [size, keyHeads * width, keyHeads * width]
  const rows = size + 2 * keyHeads * width
  const weight = parameter('in_proj_weight', [rows, size], options.init ?? glorotUniform(), dtype)
  const parameters = bias
    ? { in_proj_weight: weight, in_proj_bias: parameter('in_proj_bias', [rows], biasInit, dtype) }
    : { in_proj_weight: weight }
  const shapes = { in: ['...', 'time', size], out: ['...', 'time', size] } as const
  const counts = [heads, keyHeads, keyHeads]
  type Own = { readonly in_proj_weight: Tensor; readonly in_proj_bias?: Tensor }

  function project(own: Own, query: Tensor, { key, value = key }: AttentionInputs): Tensor[] {
    const { in_proj_weight: w, in_proj_bias: b } = own
    if (!key && !value) {
      const all = functional.linear(query, w, b)
      if (keyHeads === heads) return functional.splitProjections(all, heads)
      return split(all, sizes, -1).map((x, i) => functional.splitHeads(x, counts[i]))
    }
    const starts = [0, size, size + sizes[1]]
    return [query, key ?? query, value ?? query].map((x, i) => {
      const range = [starts[i], starts[i] + sizes[i]] as const
      return functional.splitHeads(functional.linear(x, w.slice(range), b?.slice(range)), counts[i])
    })
  }

  function run(
    own: Own,
    { out_proj: join }: { readonly out_proj: Module },
    query: Tensor,
    inputs: AttentionInputs = {},
  ): AttentionResult {
    for (const x of [query, inputs.key, inputs.value]) if (x) checkTaken('attention', shapes.in, x.shape)
    const { cache } = inputs
    const offset = cache ? cache.key.shape[cache.key.rank - 2] : 0
    const [q, fresh, freshValue] = project(own, query, inputs)
    const turned = rotary ? functional.rotary(fresh, { offset }) : fresh
    const key = cache ? concat([cache.key, turned], -2) : turned
    const value = cache ? concat([cache.value, freshValue], -2) : freshValue
    const scored = {
      causal,
      offset,
      mask: maskOf(inputs, key.shape[key.rank - 2]),
      dropout: runtime.training ? dropout : 0,
    }
    const [from, to] = [rotary ? functional.rotary(q, { offset }) : q, shared(key, heads)]
    const output = functional.scaledDotProductAttention(from, to, shared(value, heads), scored)
    return {
      output: join(functional.joinHeads(output)),
      weights: functional.attentionWeights(from, to, scored),
      cache: { key, value },
    }
  }

  const kept = { keyHeads, causal, rotary, dropout, bias, dtype }
  return defineModule({
    kind: 'attention',
    shapes,
    label: `${size}, ${heads} heads${causal ? ', causal' : ''}`,
    options: {
      size,
      heads,
      ...given(kept, { keyHeads: heads, causal: false, rotary: false, dropout: 0, bias: true, dtype: 'float32' }),
    },
    parameters,
    children: {
      out_proj: linear(size, size, {
        bias,
        biasInit,
        dtype,
        ...(options.init ? { init: options.init } : {}),
      }) as Module,
    },
    forward: (x, own, children) => run(own, children, x).output,
    run,
  })
}

/** Each head of keys as often as heads of queries share it. */
function shared(x: Tensor, heads: number): Tensor {
  const lead = x.shape.slice(0, -3)
  const [own, time, width] = x.shape.slice(-3)
  if (own === heads) return x
  return x
    .unsqueeze(-3)
    .broadcastTo([...lead, own, heads / own, time, width])
    .reshape([...lead, heads, time, width])
}

/** Both masks as one. */
function maskOf({ mask, present }: AttentionInputs, keys: number): Tensor | undefined {
  if (!present) return mask
  if (present.dtype !== 'bool' || present.shape[present.rank - 1] !== keys)
    throw misfit(`attention: present is ${present.dtype} ${show(present.shape)}, expected bool [..., ${keys}]`)
  const seen = present.unsqueeze(-2).unsqueeze(-2)
  if (!mask) return seen
  return mask.dtype === 'bool' ? bothOf(mask, seen) : added(mask, seen)
}

const bothOf = (a: Tensor, b: Tensor): Tensor => withBroadcasting('numpy', () => a.and(b))
const added = (mask: Tensor, seen: Tensor): Tensor => withBroadcasting('numpy', () => seen.where(mask, -Infinity))
