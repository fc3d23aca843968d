// Attention without its matrix of weights in memory: keys come in blocks, and the backward pass computes each block's weights again.

import { concat, iota, random, scan, type Tensor, withBroadcasting, withGradient, zeros } from '../../tensor/index.ts'

export interface AttentionOptions {
  /** Position i sees positions up to i alone. */
  readonly causal?: boolean
  /** Where the first query stands among the keys, for `causal`; 0 unless told. */
  readonly offset?: number
  /** bool, true where attention may go, or numbers to add to the scores; broadcasts to [..., queries, keys]. */
  readonly mask?: Tensor | undefined
  /** Factor of the scores; 1/√d unless told. */
  readonly scale?: number
  /** Zeroes weights with this probability; 0 unless told. */
  readonly dropout?: number
}

/** Keys that are looked at together, at most. */
const blockKeys = 256
/** Pieces that the queries of causal attention are cut into, each with the keys that it may see: 5/8 of the work. */
const causalPieces = 4

/**
 * What `scaledDotProductAttention` gives, to rounding, in memory that grows with queries + keys instead of their product:
 * the softmax is kept as a running maximum and sum over blocks of keys (Milakov & Gimelshein 2018; Rabe & Staats 2021; Dao et al. 2022).
 */
export function streamingAttention(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  options: AttentionOptions = {},
  longest = blockKeys,
): Tensor {
  const [queries, keys] = [query, key].map((x) => x.shape[x.rank - 2])
  const { mask, offset = 0 } = options
  const rows = Math.ceil(queries / causalPieces)
  const starts =
    options.causal && queries > longest ? [...Array(Math.ceil(queries / rows)).keys()].map((i) => i * rows) : [0]
  const pieces = starts.map((from) => {
    const to = from + (starts.length > 1 ? Math.min(rows, queries - from) : queries)
    const seen = options.causal ? Math.min(keys, Math.max(1, offset + to)) : keys
    return pieceOf(
      part(query, -2, from, to),
      part(key, -2, 0, seen),
      part(value, -2, 0, seen),
      { ...options, offset: offset + from, mask: mask && part(part(mask, -2, from, to), -1, 0, seen) },
      longest,
    )
  })
  return pieces.length === 1 ? pieces[0] : concat(pieces, -2)
}

/** Elements from … to − 1 along an axis, all of them where it is stretched or whole. */
function part(x: Tensor, axis: -1 | -2, from: number, to: number): Tensor {
  const at = x.rank + axis
  if (at < 0 || x.shape[at] === 1 || (from === 0 && to === x.shape[at])) return x
  return x.slice(...x.shape.map((_, a): [number, number] | [] => (a === at ? [from, to] : [])))
}

function pieceOf(query: Tensor, key: Tensor, value: Tensor, options: AttentionOptions, longest: number): Tensor {
  return withBroadcasting('numpy', () => {
    const { mask, dropout = 0 } = options
    const lead = leadOf([query, key, value, ...(mask ? [mask] : [])])
    const [q, k, v] = [query, key, value].map((x) => x.broadcastTo([...lead, ...x.shape.slice(-2)]))
    const inputs = [q, k, v, ...(mask && mask.dtype !== 'bool' ? [mask] : [])] as Tensor[]
    const noise = dropout > 0 ? random.nextKey() : undefined
    let blocks: Blocks | undefined
    let logSums: Tensor | undefined
    const attend = withGradient(
      (...[q, k, v, added]) => {
        blocks = new Blocks(q, k, added ?? mask, options, longest, noise)
        const forward = softmaxOver(blocks, v)
        logSums = forward.logSums
        return forward.output
      },
      (g, [, , v], output) => gradientsOver(blocks as Blocks, v, g, output, logSums as Tensor),
      { tangents: 'value' },
    )
    return attend(...inputs)
  })
}

/** One block of keys, as the body of a scan sees it. */
interface Slice {
  readonly number: Tensor
  readonly key: Tensor
  readonly value: Tensor
  readonly mask?: Tensor
}

/** Queries before blocks of keys: what both passes compute for one block. */
class Blocks {
  readonly query: Tensor
  readonly scale: number
  private readonly key: Tensor
  private readonly mask: Tensor | undefined
  private readonly maskShape: readonly number[]
  private readonly options: AttentionOptions
  private readonly noise: Tensor | undefined
  private readonly count: number
  private readonly size: number

  constructor(
    query: Tensor,
    key: Tensor,
    mask: Tensor | undefined,
    options: AttentionOptions,
    longest: number,
    noise: Tensor | undefined,
  ) {
    this.query = query
    this.key = key
    this.mask = mask?.reshape([...Array<number>(query.rank - mask.rank).fill(1), ...mask.shape])
    this.maskShape = mask?.shape ?? []
    this.options = options
    this.noise = noise
    this.scale = options.scale ?? 1 / Math.sqrt(query.shape[query.rank - 1])
    const keys = this.keys
    this.count = Math.ceil(keys / longest)
    this.size = Math.ceil(keys / this.count)
  }

  private get keys(): number {
    return this.key.shape[this.key.rank - 2]
  }

  /** What is scanned: the first axis counts blocks. */
  slices(value: Tensor): Slice {
    const { mask } = this
    return {
      number: iota([this.count], 0),
      key: this.cut(this.key, -2),
      value: this.cut(value, -2),
      ...(mask && mask.shape.at(-1) !== 1 ? { mask: this.cut(mask, -1) } : {}),
    }
  }

  /** [..., queries, keys of the block]; −∞ where attention may not go. */
  scores({ number, key, mask }: Slice): Tensor {
    const { query, size, options, scale } = this
    let scores = query.mul(scale).matmul(key.transpose())
    const here = mask ?? this.mask
    if (here) scores = here.dtype === 'bool' ? here.where(scores, -Infinity) : scores.add(here)
    const rows = query.shape[query.rank - 2]
    const place = iota([1, size], 1).add(number.mul(size))
    if (options.causal) {
      const last = iota([rows, 1], 0).add(options.offset ?? 0)
      scores = last.less(place).where(-Infinity, scores)
    }
    return this.count * size === this.keys ? scores : place.less(this.keys).where(scores, -Infinity)
  }

  /** A block of weights after dropout: the same in both passes. */
  dropped(weights: Tensor, { number }: Slice): Tensor {
    const { dropout = 0 } = this.options
    if (!this.noise) return weights
    const kept = random.uniform(weights.shape, { key: random.fold(this.noise, number) }).less(1 - dropout)
    return kept.where(dropout === 1 ? weights : weights.mul(1 / (1 - dropout)), 0)
  }

  /** The gradient of the mask in one block, summed over the axes that it was stretched along. */
  maskGradient(scores: Tensor): Tensor | undefined {
    const { mask } = this
    if (!mask || mask.dtype === 'bool') return undefined
    const stretched = [...mask.shape.keys()].filter((axis) => mask.shape[axis] === 1 && scores.shape[axis] !== 1)
    return stretched.length === 0 ? scores : scores.sum(stretched, true)
  }

  /** Blocks along the first axis, put side by side along another; what fills the last one is cut off. */
  join(blocks: Tensor, axis: -1 | -2): Tensor {
    const at = blocks.rank - 1 + axis
    const order = [...Array(blocks.rank - 1).keys()].map((a) => a + 1)
    order.splice(at, 0, 0)
    const shape = blocks.shape.slice(1)
    shape[at] *= this.count
    return part(blocks.permute(order).reshape(shape), axis, 0, this.keys)
  }

  /** The gradient of the mask from those of its blocks. */
  joinMask(blocks: Tensor): Tensor {
    const isCut = blocks.shape.at(-1) !== 1
    return (isCut ? this.join(blocks, -1) : blocks.sum(0)).reshape(this.maskShape)
  }

  private cut(x: Tensor, axis: -1 | -2): Tensor {
    const at = x.rank + axis
    const missing = this.count * this.size - this.keys
    const whole = missing === 0 ? x : x.pad(x.shape.map((_, a) => [0, a === at ? missing : 0] as const))
    const apart = whole.reshape([...x.shape.slice(0, at), this.count, this.size, ...x.shape.slice(at + 1)])
    return apart.permute([at, ...[...Array(apart.rank).keys()].filter((a) => a !== at)])
  }
}

/** The weighted values, and log Σ exp(scores) of each query, by which weights can be computed again. */
function softmaxOver(blocks: Blocks, value: Tensor): { output: Tensor; logSums: Tensor } {
  const { query } = blocks
  const { dtype } = query
  const column = [...query.shape.slice(0, -1), 1]
  const start = {
    top: zeros(column, dtype).sub(Infinity),
    sum: zeros(column, dtype),
    output: zeros([...query.shape.slice(0, -1), value.shape[value.rank - 1]], dtype),
  }
  const [end] = scan(
    ({ top, sum, output }, slice: Slice) => {
      const scores = blocks.scores(slice)
      const next = top.maximum(scores.amax(-1, true))
      const base = finite(next)
      const weights = scores.sub(base).exp()
      const shrink = top.sub(base).exp()
      return [
        {
          top: next,
          sum: sum.mul(shrink).add(weights.sum(-1, true)),
          output: output.mul(shrink).add(blocks.dropped(weights, slice).matmul(slice.value)),
        },
        undefined,
      ]
    },
    start,
    blocks.slices(value),
    { hoist: false },
  )
  // A query that may see nothing has the sum 0, and gives 0.
  const sum = end.sum.equal(0).where(1, end.sum)
  return { output: end.output.div(sum), logSums: finite(end.top).add(sum.log()) }
}

function gradientsOver(blocks: Blocks, value: Tensor, g: Tensor, output: Tensor, logSums: Tensor): (Tensor | null)[] {
  const { query, scale } = blocks
  const mean = g.mul(output).sum(-1, true)
  const [dQuery, stacked] = scan(
    (sum: Tensor, slice: Slice) => {
      const weights = blocks.scores(slice).sub(logSums).exp()
      const dScores = weights.mul(blocks.dropped(g.matmul(slice.value.transpose()), slice).sub(mean))
      return [
        sum.add(dScores.matmul(slice.key).mul(scale)),
        {
          key: dScores.transpose().matmul(query.mul(scale)),
          value: blocks.dropped(weights, slice).transpose().matmul(g),
          mask: blocks.maskGradient(dScores),
        },
      ]
    },
    zeros(query.shape, query.dtype),
    blocks.slices(value),
    { hoist: false },
  )
  return [
    dQuery,
    blocks.join(stacked.key, -2),
    blocks.join(stacked.value, -2),
    ...(stacked.mask ? [blocks.joinMask(stacked.mask)] : []),
  ]
}

const finite = (x: Tensor): Tensor => x.equal(-Infinity).where(0, x)

/** The axes before the last two, stretched to fit all. */
function leadOf(tensors: readonly Tensor[]): number[] {
  const rank = Math.max(...tensors.map((t) => t.rank)) - 2
  return Array.from({ length: rank }, (_, axis) =>
    tensors.reduce((extent, t) => {
      const at = axis - rank + t.rank - 2
      return at < 0 || t.shape[at] === 1 ? extent : t.shape[at]
    }, 1),
  )
}
