/** Where a training run stands: the counts and sums that a checkpoint keeps, so that a resumed run prints the same numbers. */
import type { Best } from './early-stopping.ts'

export interface Progress {
  /** Epochs done. */
  epoch: number
  /** Batches of the next epoch done. */
  batch: number
  /** Updates made. */
  step: number
  /** Time spent. */
  seconds: number
  /** Of the running epoch: examples seen, the sum of their losses, and of what each metric counts. */
  examples: number
  lossSum: number
  metricSums: Float64Array[]
  /** Of the running window of the loss curve: updates and the sum of their losses. */
  windowSteps: number
  windowSum: number
  best: Best | undefined
}

export const freshProgress = (): Progress => ({
  epoch: 0,
  batch: 0,
  step: 0,
  seconds: 0,
  examples: 0,
  lossSum: 0,
  metricSums: [],
  windowSteps: 0,
  windowSum: 0,
  best: undefined,
})

/** Forgets the sums of an epoch. */
export function closeEpoch(progress: Progress): void {
  progress.epoch++
  progress.batch = 0
  progress.examples = 0
  progress.lossSum = 0
  for (const sum of progress.metricSums) sum.fill(0)
}

export function addBatch(progress: Progress, size: number, loss: number, counts: readonly ArrayLike<number>[]): void {
  progress.examples += size
  progress.lossSum += loss * size
  counts.forEach((count, i) => {
    progress.metricSums[i] ??= new Float64Array(count.length)
    const sum = progress.metricSums[i]
    for (let k = 0; k < sum.length; k++) sum[k] += count[k]
  })
}

/** As arrays for a checkpoint, with further numbers to go with them. */
export function encodeProgress(
  progress: Progress,
  further: Readonly<Record<string, number>>,
): Record<string, Float64Array> {
  const { metricSums, best, ...counts } = progress
  const numbers = { ...counts, bestEpoch: best?.epoch ?? 0, bestValue: best?.value ?? 0, ...further }
  return {
    ...Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, Float64Array.of(value)])),
    ...Object.fromEntries(metricSums.map((sum, i) => [`metric${i}`, sum])),
  }
}

/** The progress in a checkpoint, and a reader of further numbers. Throws on a number that is not there. */
export function decodeProgress(
  arrays: Readonly<Record<string, Float64Array>>,
  where: string,
): { readonly progress: Progress; readonly number: (name: string) => number } {
  const number = (name: string): number => {
    const value = arrays[name]?.[0]
    if (value === undefined) throw new Error(`${where}: the checkpoint does not say '${name}'`)
    return value
  }
  const progress = freshProgress()
  for (const name of counted) progress[name] = number(name)
  for (let i = 0; arrays[`metric${i}`]; i++) progress.metricSums.push(arrays[`metric${i}`].slice())
  if (number('bestEpoch') > 0) progress.best = { epoch: number('bestEpoch'), value: number('bestValue') }
  return { progress, number }
}

const counted = [
  'epoch',
  'batch',
  'step',
  'seconds',
  'examples',
  'lossSum',
  'windowSteps',
  'windowSum',
] as const satisfies readonly (keyof Progress)[]
