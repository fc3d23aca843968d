// Tables of vectors: by index, and by position.

import { show } from '../graph/shape.ts'
import { iota, withBroadcasting } from '../tensor/index.ts'
import { defineModule } from './define.ts'
import * as functional from './functional/index.ts'
import { type Initializer, normal } from './init.ts'
import type { Module } from './module.ts'
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
  if (blank !== undefined && !(Number.isInteger(blank) && blank >= 0 && blank < count)) {
    throw new RangeError(`embedding: paddingIndex is ${blank}, it must be a row of 0 to ${count - 1}`)
  }
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
        throw new RangeError(
          `positional: input ${show(x.shape)}: expected [..., time, ${size}] with time at most ${length}`,
        )
      }
      return withBroadcasting('numpy', () => x.add(weight.slice([0, time])))
    },
  })
}
