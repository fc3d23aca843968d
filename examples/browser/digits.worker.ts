// Draws the digits in a worker, because that takes a second, and hands their memory over.
import { digits } from 'tenon/data'

/** How many to draw. */
export interface Examples {
  readonly train: number
  readonly test: number
}

addEventListener('message', ({ data: examples }: MessageEvent<Examples>) => {
  const { train, test } = digits(examples)
  const sets = [train, test].map(({ inputs, targets }) => ({ inputs, targets }))
  postMessage(sets, { transfer: sets.flatMap(({ inputs, targets }) => [inputs.buffer, targets.buffer]) })
})
