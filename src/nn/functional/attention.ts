// Attention of queries to keys and values, in one head or several.

import { checkFinite, checkProbability } from '../../graph/check.ts'
import { misfit } from '../../graph/refuse.ts'
import { show } from '../../graph/shape.ts'
import { iota, type Tensor, withBroadcasting } from '../../tensor/index.ts'
import { dropout } from './dropout.ts'
import { type AttentionOptions, streamingAttention } from './streaming-attention.ts'

export type { AttentionOptions }

/** Weights of one head, from which on they are computed block by block and never kept: 4 MB. */
const streamedWeights = 2 ** 20

/**
 * softmax(q kᵀ · scale) v for q [..., queries, d], k [..., keys, d], v [..., keys, e] (Vaswani et al. 2017). A query that
 * may see nothing gives 0, and gets no gradient. From 2²⁰ weights a head on, as 1024 queries of 1024 keys, memory grows with queries + keys only, in
 * the backward pass, too.
 */
export function scaledDotProductAttention(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  options: AttentionOptions = {},
): Tensor {
  const { dropout: p = 0 } = options
  checkInputs(query, key, options)
  checkProbability('scaledDotProductAttention', p, 'dropout')
  if (value.rank < 2 || value.shape[value.rank - 2] !== key.shape[key.rank - 2])
    throw misfit(
      `scaledDotProductAttention: keys ${show(key.shape)} and values ${show(value.shape)}: expected [..., keys, d] and [..., keys, e]`,
    )
  const [queries, keys] = [query, key].map((x) => x.shape[x.rank - 2])
  if (queries * keys >= streamedWeights) return streamingAttention(query, key, value, options)
  const weights = attentionWeights(query, key, options)
  return (p > 0 ? dropout(weights, p) : weights).matmul(value)
}

/** softmax(q kᵀ · scale), masked, [..., queries, keys]: what `scaledDotProductAttention` weighs values by. */
export function attentionWeights(query: Tensor, key: Tensor, options: AttentionOptions = {}): Tensor {
  const { causal = false, offset = 0, mask, scale = 1 / Math.sqrt(query.shape[query.rank - 1]) } = options
  checkInputs(query, key, options)
  let scores = query.matmul(key.transpose()).mul(scale)
  return withBroadcasting('numpy', () => {
    if (causal) {
      const last = scores.shape.slice(-2)
      const place = iota(last, 0)
      scores = (offset === 0 ? place : place.add(offset)).less(iota(last, 1)).where(-Infinity, scores)
    }
    if (!mask) return scores.softmax(-1)
    scores = mask.dtype === 'bool' ? mask.where(scores, -Infinity) : scores.add(mask)
    const isBlind = scores.amax(-1, true).equal(-Infinity)
    return isBlind.where(0, isBlind.where(0, scores).softmax(-1))
  })
}

/** Queries, keys and values side by side, [..., time, 3 · heads · d], as three of [..., heads, time, d]. */
export function splitProjections(x: Tensor, heads: number): [Tensor, Tensor, Tensor] {
  const lead = x.shape.slice(0, -2)
  const [time, width] = checkHeads('splitProjections', x, 3 * heads)
  const split = x.reshape([...lead, time, 3, heads, width / 3 / heads])
  const axes = lead.length
  const apart = split.permute([axes + 1, ...lead.keys(), axes + 2, axes, axes + 3])
  return [apart.at(0), apart.at(1), apart.at(2)]
}

/** x [..., time, heads · d] as [..., heads, time, d]. */
export function splitHeads(x: Tensor, heads: number): Tensor {
  const [time, width] = checkHeads('splitHeads', x, heads)
  return x.reshape([...x.shape.slice(0, -2), time, heads, width / heads]).transpose(-3, -2)
}

/** x [..., heads, time, d] as [..., time, heads · d]. */
export function joinHeads(x: Tensor): Tensor {
  if (x.rank < 3) throw misfit(`joinHeads: input ${show(x.shape)}: expected [..., heads, time, d]`)
  const [heads, time, width] = x.shape.slice(-3)
  return x.transpose(-3, -2).reshape([...x.shape.slice(0, -3), time, heads * width])
}

/** The last two extents, the last of which divides into so many parts. */
function checkHeads(name: string, x: Tensor, parts: number): readonly number[] {
  const last = x.shape.slice(-2)
  if (last.length < 2 || !Number.isInteger(parts) || parts < 1 || last[1] % parts !== 0)
    throw misfit(`${name}: input ${show(x.shape)}: expected [..., time, a multiple of ${parts}]`)
  return last
}

function checkInputs(query: Tensor, key: Tensor, { scale = 1, offset = 0 }: AttentionOptions): void {
  if (query.rank < 2 || key.rank < 2 || query.shape[query.rank - 1] !== key.shape[key.rank - 1])
    throw misfit(
      `scaledDotProductAttention: queries ${show(query.shape)} and keys ${show(key.shape)}: expected [..., queries, d] and [..., keys, d]`,
    )
  checkFinite('scaledDotProductAttention', { scale, offset })
}
