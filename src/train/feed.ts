/** The tensors that batches enter compiled functions by: one pair for each batch size, overwritten in place. */
import type { Dataset } from '../data/dataset.ts'
import type { Batch } from '../data/loader.ts'
import { type Tensor, tensor, write } from '../tensor/index.ts'

export type Feed = (batch: Batch) => readonly [inputs: Tensor, targets: Tensor]

/** A feed for the batches of a data set; what it gives holds until it is called again. */
export function feedOf(data: Dataset): Feed {
  const pairs = new Map<number, readonly [Tensor, Tensor]>()
  return ({ inputs, targets, size }) => {
    const known = pairs.get(size)
    if (known) {
      write(known[0], inputs)
      write(known[1], targets)
      return known
    }
    const pair = [
      tensor(inputs, { shape: [size, ...data.inputShape] }),
      tensor(targets, { shape: [size, ...data.targetShape] }),
    ] as const
    pairs.set(size, pair)
    return pair
  }
}
