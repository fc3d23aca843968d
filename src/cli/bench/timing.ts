// How the benchmark takes the time: a first step, some to warm up, then samples until the budget is spent; as the peers do.
import type { Tensor } from '../../tensor/index.ts'

/** Milliseconds to measure for: BUDGET_MS, or five seconds. */
export const budgetMs = (): number => Number(process.env.BUDGET_MS ?? 5000)

export interface Timing {
  readonly medianMs: number
  readonly minMs: number
  /** The very first call: in a fresh process, with the start of the engine and all compilation. */
  readonly firstStepMs: number
}

export interface TrainingTiming extends Timing {
  readonly firstLoss: number
  /** The loss after five updates. */
  readonly loss5: number | null
  readonly lastLoss: number
}

export interface Sampling {
  /** What is timed as one sample, in steps; the loss is read once for each. */
  readonly chunk?: number
  /** Makes a chunk's steps in one call. */
  readonly repeat?: (times: number) => Tensor
}

/** Times a training step that gives the loss, which is read, and so waited for, after every chunk. */
export function timeTraining(step: () => Tensor, { chunk = 1, repeat }: Sampling = {}): TrainingTiming {
  const losses: number[] = []
  const once = (): void => void losses.push(step().itemSync())
  const firstStepMs = timed(once)
  // Five at least, however slow: the loss after them tells that the step does the same work as the peers'.
  const warmSteps = firstStepMs > 3000 ? 5 : 10
  const warmStart = performance.now()
  for (let i = 0; i < warmSteps && (i < 5 || performance.now() - warmStart < 3000); i++) once()

  const samples: number[] = []
  const chunkOf = repeat ?? ((times: number) => repeatedly(step, times))
  let lastLoss = losses[losses.length - 1]
  const isSampling = samplingUntil(400, budgetMs(), 30_000)
  while (isSampling(samples.length)) {
    samples.push(timed(() => (lastLoss = chunkOf(chunk).itemSync())) / chunk)
    if (losses.length < 6 && chunk === 1) losses.push(lastLoss)
  }
  return { ...summary(samples), firstStepMs, firstLoss: losses[0], loss5: losses[5] ?? null, lastLoss }
}

/** Times something that is done when it returns. */
export function timeRuns(run: () => void): Timing {
  const firstStepMs = timed(run)
  for (let i = 0; i < 3 && firstStepMs < 3000; i++) run()
  const samples: number[] = []
  const isSampling = samplingUntil(200, budgetMs() / 2, 20_000)
  while (isSampling(samples.length)) samples.push(timed(run))
  return { ...summary(samples), firstStepMs }
}

/** Goes on until there are enough samples or the budget is spent, but for two samples it takes more time. */
function samplingUntil(most: number, budget: number, patience: number): (count: number) => boolean {
  const start = performance.now()
  return (count) => {
    const spent = performance.now() - start
    return count < most && (spent < budget || (count < 2 && spent < patience))
  }
}

function repeatedly(step: () => Tensor, times: number): Tensor {
  for (let i = 1; i < times; i++) step()
  return step()
}

function timed(run: () => void): number {
  const start = performance.now()
  run()
  return performance.now() - start
}

function summary(samples: readonly number[]): { medianMs: number; minMs: number } {
  const sorted = [...samples].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const medianMs = sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  return { medianMs, minMs: sorted[0] }
}
