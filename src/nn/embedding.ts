// Tables of vectors: by index, by bags of indices, and by position.

import { misfit } from '../graph/refuse.ts'
import { show } from '../graph/shape.ts'
import { iota, type Tensor, withBroadcasting } from '../tensor/index.ts'
import { defineModule } from './define.ts'
import * as functional from './functional/index.ts'
import { type Initializer, normal } from './init.ts'
import type { Module, Running } from './module.ts'
import { checkWhole, given, type ParameterOptions, parameter } from './parameter.ts'

export interface EmbeddingOptions extends ParameterOptions {
  /** The row of this index starts at zero and gets no gradient. */
  readonly paddingIndex?: number
}

/** int32 indices [...] to rows [..., size] of weight [count, size], as PyTorch's `Embedding`. Indices outside of the table are moved to its ends. */
export function embedding<const Size extends number>(
  count: number,
  size: Size,
  options: EmbeddingOptions = {},
): Module<['...'], ['...', Size], 'embedding'> {
  checkWhole('embedding', { count, size })
  const { init = normal(), paddingIndex, dtype = 'float32' } = options
  const blank = paddingIndex
  checkBlank('embedding', blank, count)
  return defineModule({
    kind: 'embedding',
    shapes: { in: ['...'], out: ['...', size] },
    label: `${count}→${size}`,
    options: { count, size, ...given({ paddingIndex, dtype }, { dtype: 'float32' }) },
    parameters: {
      weight: parameter('weight', [count, size], blank === undefined ? init : blanked(init, blank, size), dtype),
    },
    forward: (x, { weight }) => {
      if (blank === undefined) return functional.embedding(x, weight)
      const rows = iota([count, 1], 0).equal(blank)
      return functional.embedding(
        x,
        withBroadcasting('numpy', () => rows.where(weight.detach(), weight)),
      )
    },
  })
}

const blanked =
  (init: Initializer, row: number, size: number): Initializer =>
  (shape, random) =>
    Float64Array.from(init(shape, random)).fill(0, row * size, (row + 1) * size)

export interface EmbeddingBagOptions extends ParameterOptions {
  /** 'mean' unless told. */
  readonly mode?: 'sum' | 'mean' | 'max'
  /** The row of this index starts at zero, gets no gradient, and counts for nothing. */
  readonly paddingIndex?: number
}

export interface BagInputs {
  /** int32 [bags]: where each bag begins in indices [total]. */
  readonly offsets?: Tensor
  /** A factor of each index, for sums. */
  readonly factors?: Tensor
}

/**
 * The sum, mean or maximum of rows of weight [count, size], as PyTorch's `EmbeddingBag`: int32 indices [bags, length] to
 * [bags, size]. `run` takes bags of different lengths too, one after another, with their offsets.
 *
 *     nn.embeddingBag(100, 8).run(words, { offsets })
 */
export function embeddingBag<const Size extends number>(
  count: number,
  size: Size,
  options: EmbeddingBagOptions = {},
): Module<['bags', 'length'], ['bags', Size], 'embeddingBag'> & Running<[indices: Tensor, inputs?: BagInputs], Tensor> {
  checkWhole('embeddingBag', { count, size })
  const { init = normal(), paddingIndex, mode = 'mean', dtype = 'float32' } = options
  if (mode !== 'sum' && mode !== 'mean' && mode !== 'max')
    throw misfit(`embeddingBag: unknown mode '${String(mode)}': use 'sum', 'mean' or 'max'`)
  checkBlank('embeddingBag', paddingIndex, count)
  const first = paddingIndex === undefined ? init : blanked(init, paddingIndex, size)
  const run = ({ weight }: { readonly weight: Tensor }, _: object, x: Tensor, inputs: BagInputs = {}): Tensor =>
    functional.embeddingBag(x, weight, { ...inputs, mode, paddingIndex })
  return defineModule({
    kind: 'embeddingBag',
    shapes: { in: ['bags', 'length'], out: ['bags', size] },
    label: `${count}→${size}, ${mode}`,
    options: { count, size, ...given({ mode, paddingIndex, dtype }, { mode: 'mean', dtype: 'float32' }) },
    parameters: { weight: parameter('weight', [count, size], first, dtype) },
    forward: (x, own) => run(own, {}, x),
    run,
  })
}

function checkBlank(kind: string, index: number | undefined, count: number): void {
  if (index !== undefined && !(Number.isInteger(index) && index >= 0 && index < count))
    throw misfit(`${kind}: paddingIndex is ${index}, it must be a row of 0 to ${count - 1}`)
}

/** Adds a trained vector for each position: x [..., time, size] plus the first rows of weight [length, size]. Throws when time exceeds length. */
export function positional<const Size extends number>(
  length: number,
  size: Size,
  options: ParameterOptions = {},
): Module<['...', 'time', Size], ['...', 'time', Size], 'positional'> {
  checkWhole('positional', { length, size })
  const { init = normal(), dtype = 'float32' } = options
  return defineModule({
    kind: 'positional',
    shapes: { in: ['...', 'time', size], out: ['...', 'time', size] },
    label: `${length}×${size}`,
    options: { length, size, ...given({ dtype }, { dtype: 'float32' }) },
    parameters: { weight: parameter('weight', [length, size], init, dtype) },
    forward: (x, { weight }) => {
      const time = x.shape[x.rank - 2]
      if (time > length) {
        throw misfit(`positional: input ${show(x.shape)}: expected [..., time, ${size}] with time at most ${length}`)
      }
      return withBroadcasting('numpy', () => x.add(weight.slice([0, time])))
    },
  })
}
