// Draws the digits in a worker, because that takes a second, and hands their memory over.
import { digits } from 'tenon/data'

addEventListener('message', ({ data: examples }: MessageEvent<number>) => {
  const { train, test } = digits({ train: examples, test: Math.max(100, examples / 5) })
  const sets = [train, test].map(({ inputs, targets }) => ({ inputs, targets }))
  postMessage(sets, { transfer: sets.flatMap(({ inputs, targets }) => [inputs.buffer, targets.buffer]) })
})
