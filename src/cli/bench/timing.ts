// How the benchmark takes the time: a first step, some to warm up, then samples; every peer in the same way.

/** Milliseconds to measure for: BUDGET_MS, or five seconds. */
export const budgetMs = (): number => Number(process.env.BUDGET_MS ?? 5000)

/** What is timed. */
export interface Task {
  /** Makes so many steps and waits for the end of the last; gives its loss, where there is one. */
  readonly steps: (count: number) => number | undefined | Promise<number | undefined>
  /** Steps in one sample; 1 unless told. */
  readonly chunk?: number
}

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

export interface Begun {
  readonly firstStepMs: number
  /** The losses of the first steps, or nothing. */
  readonly losses: readonly number[]
}

/** The first step, and some more until everything is warm. */
export async function begin({ steps }: Task): Promise<Begun> {
  const losses: number[] = []
  const once = async (): Promise<void> => {
    const loss = await steps(1)
    if (loss !== undefined) losses.push(loss)
  }
  const firstStepMs = await timed(once)
  // A training makes five at least, however slow: the loss after them tells that the step does the same work as the peers'.
  const least = losses.length > 0 ? 5 : 0
  const most = firstStepMs > 3000 ? least : losses.length > 0 ? 10 : 3
  const start = performance.now()
  for (let i = 0; i < most && (i < least || performance.now() - start < 3000); i++) await once()
  return { firstStepMs, losses }
}

export interface Samples {
  /** Milliseconds of one step, from each sample. */
  readonly samples: readonly number[]
  readonly lastLoss: number | undefined
}

/** Samples until there are enough or the budget is spent; but for a second one it takes more time. */
export async function sample(
  { steps, chunk = 1 }: Task,
  most: number,
  budget: number,
  patience: number,
): Promise<Samples> {
  const samples: number[] = []
  let lastLoss: number | undefined
  const start = performance.now()
  const spent = (): number => performance.now() - start
  while (samples.length < most && (spent() < budget || (samples.length < 2 && spent() < patience))) {
    const ms = await timed(async () => {
      const loss = steps(chunk)
      lastLoss = loss instanceof Promise ? await loss : loss
    })
    samples.push(ms / chunk)
  }
  return { samples, lastLoss }
}

/** A training from its first step to its last sample. */
export async function timeTraining(task: Task): Promise<TrainingTiming> {
  const { firstStepMs, losses } = await begin(task)
  const { samples, lastLoss } = await sample(task, 400, budgetMs(), 30_000)
  const [firstLoss] = losses
  return { ...summary(samples), firstStepMs, firstLoss, loss5: losses[5] ?? null, lastLoss: lastLoss ?? firstLoss }
}

/** What has no loss: it is done when its steps return. */
export async function timeRuns(task: Task): Promise<Timing> {
  const { firstStepMs } = await begin(task)
  const { samples } = await sample(task, 200, budgetMs() / 2, 20_000)
  return { ...summary(samples), firstStepMs }
}

async function timed(run: () => Promise<void>): Promise<number> {
  const start = performance.now()
  await run()
  return performance.now() - start
}

export function summary(samples: readonly number[]): { medianMs: number; minMs: number } {
  const sorted = [...samples].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const medianMs = sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  return { medianMs, minMs: sorted[0] }
}
