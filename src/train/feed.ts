/** The tensors that batches enter compiled functions by: one set for each batch size, overwritten in place. */
import type { Dataset } from '../data/dataset.ts'
import type { Batch } from '../data/loader.ts'
import { type Tensor, tensor, write } from '../tensor/index.ts'

export type Feed = (batch: Batch) => readonly [inputs: Tensor, targets: Tensor, rows: Tensor]

/** A feed for the batches of a data set; what it gives holds until it is called again. */
export function feedOf(data: Dataset): Feed {
  const known = new Map<number, readonly [Tensor, Tensor, Tensor]>()
  return ({ inputs, targets, rows, size }) => {
    const before = known.get(size)
    if (before) {
      write(before[0], inputs)
      write(before[1], targets)
      write(before[2], rows)
      return before
    }
    const made = [
      tensor(inputs, { shape: [size, ...data.inputShape] }),
      tensor(targets, { shape: [size, ...data.targetShape] }),
      tensor(Int32Array.from(rows), { shape: [size] }),
    ] as const
    known.set(size, made)
    return made
  }
}
