// Rows of a table by their indices, and sums, means and maxima of bags of them.

import { misfit, mistake } from '../../graph/refuse.ts'
import { show } from '../../graph/shape.ts'
import { cumsum, iota, knownValues as known, ones, type Tensor, withBroadcasting, zeros } from '../../tensor/index.ts'

/** Rows of weight [count, size] at int32 indices [...]: [..., size]. Throws on indices outside of the table; in a compiled function, which has no numbers yet, they are moved to its ends. */
export function embedding(indices: Tensor, weight: Tensor): Tensor {
  if (indices.dtype !== 'int32') throw mistake(`embedding: indices are ${indices.dtype}: they must be int32`)
  const wrong = known(indices).find((i) => !(i >= 0 && i < weight.shape[0]))
  if (wrong !== undefined)
    throw misfit(
      `embedding: index ${wrong} in ${show(indices.shape)} for a table of ${weight.shape[0]} rows: use 0 to ${weight.shape[0] - 1}`,
    )
  return weight.take(indices)
}

export interface BagOptions {
  /** 'mean' unless told. */
  readonly mode?: 'sum' | 'mean' | 'max'
  /** int32 [bags]: where each bag begins in indices [total], ascending from 0; without it indices are [bags, length]. */
  readonly offsets?: Tensor | undefined
  /** A factor of each index, for sums; of the indices' shape. */
  readonly factors?: Tensor | undefined
  /** Indices that count for nothing. */
  readonly paddingIndex?: number | undefined
}

/** The sum, mean or maximum of the rows of weight [count, size] in each bag of int32 indices: [bags, size]; 0 for an empty bag. */
export function embeddingBag(indices: Tensor, weight: Tensor, options: BagOptions = {}): Tensor {
  const { mode = 'mean', offsets, factors, paddingIndex } = options
  if (mode !== 'sum' && mode !== 'mean' && mode !== 'max')
    throw misfit(`embeddingBag: unknown mode '${String(mode)}': use 'sum', 'mean' or 'max'`)
  const rank = offsets ? 1 : 2
  if (indices.rank !== rank || (offsets && (offsets.rank !== 1 || offsets.dtype !== 'int32')))
    throw misfit(
      `embeddingBag: indices ${show(indices.shape)} with ${offsets ? `offsets ${offsets.dtype} ${show(offsets.shape)}: expected [total] and int32 [bags]` : 'no offsets: expected [bags, length]'}`,
    )
  if (factors && (mode !== 'sum' || show(factors.shape) !== show(indices.shape)))
    throw misfit(`embeddingBag: factors ${show(factors.shape)} are for mode 'sum', and of the shape of indices`)
  const rows = embedding(indices, weight)
  const isCounted =
    paddingIndex === undefined ? indices.greaterEqual(0).or(indices.less(0)) : indices.notEqual(paddingIndex)
  return withBroadcasting('numpy', () => {
    const weighed = factors ? rows.mul(factors.unsqueeze(-1)) : rows
    const kept = isCounted.unsqueeze(-1).where(weighed, mode === 'max' ? -Infinity : 0)
    const counts = isCounted.cast(weight.dtype)
    const bags = offsets
      ? gathered(kept, counts, offsets, mode)
      : { values: mode === 'max' ? kept.amax(1) : kept.sum(1), counts: counts.sum(1) }
    const most = bags.counts.unsqueeze(1)
    if (mode === 'mean') return bags.values.div(most.maximum(1))
    return mode === 'max' ? most.equal(0).where(0, bags.values) : bags.values
  })
}

/** Rows [total, size] put together by where their bags begin. */
function gathered(
  rows: Tensor,
  counted: Tensor,
  offsets: Tensor,
  mode: 'sum' | 'mean' | 'max',
): { values: Tensor; counts: Tensor } {
  const [total, size] = rows.shape as [number, number]
  const [bags] = offsets.shape as [number]
  // How many bags have begun by then, less one.
  const begun = zeros([total + 1], 'int32').indexAdd(offsets, ones([bags], 'int32'))
  const bagOf = cumsum(begun).slice([0, total]).sub(1)
  const counts = zeros([bags], rows.dtype).indexAdd(bagOf, counted)
  if (mode !== 'max') return { values: zeros([bags, size], rows.dtype).indexAdd(bagOf, rows), counts }
  const isOwn = iota([bags, 1, 1], 0).equal(bagOf.reshape([1, total, 1]))
  return { values: isOwn.where(rows.unsqueeze(0), -Infinity).amax(1), counts }
}
