/** findLearningRate: one short training run whose rate grows exponentially shows which rates teach and which diverge. */
import type { Dataset } from '../data/dataset.ts'
import { type Batch, loader } from '../data/loader.ts'
import type { Module } from '../nn/index.ts'
import { adam, type Optimizer, type Rate } from '../optim/index.ts'
import { runtime } from '../tensor/index.ts'
import { checkFit, type FitOptions } from './fit-options.ts'
import { arraysOf } from './model-file.ts'
import { trainingStep } from './training-step.ts'
import { takingTurns } from './turns.ts'

export interface RateFinderOptions
  extends Pick<FitOptions, 'loss' | 'batchSize' | 'clipNorm' | 'signal' | 'seed' | 'transform' | 'augment'> {
  /** The optimizer whose rate is looked for, from a rate; Adam unless told. */
  readonly optimizer?: (rate: Rate) => Optimizer
  /** The first rate; 1e-7 unless told. */
  readonly from?: number
  /** The last rate, if training does not diverge before; 10 unless told. */
  readonly to?: number
  /** Updates from the first rate to the last; 100 unless told. */
  readonly steps?: number
  /** Called after each update, with how many of `steps` were made. */
  readonly onStep?: (point: RatePoint, made: number) => void
}

/** A rate, and the loss of the batch after its update. */
export interface RatePoint {
  readonly rate: number
  readonly loss: number
}

export interface RateFinding {
  /** In the order of rates, up to the last or to where training diverged. */
  readonly points: readonly RatePoint[]
  /** The losses without their scatter, one for each point. */
  readonly smoothed: readonly number[]
  /** The rate to begin with: where the loss falls fastest. Absent where no rate made it smaller. */
  readonly suggested?: number
  /** The rate of the lowest loss, which is already too large for long. */
  readonly lowest: number
  /** The first rate beyond which the loss was far above its lowest or no number, if one was. */
  readonly diverged?: number
}

/**
 * Looks for a learning rate as Smith (2017): trains with a rate that grows from batch to batch, by the same factor each time, until the
 * loss blows up. The network is given back its parameters and the runtime its random numbers, also after an error. Throws what `fit`
 * throws before any work, and on rates that make no ramp.
 *
 *     const { suggested = 1e-3 } = await findLearningRate(net, train, { loss: softmaxCrossEntropy, batchSize: 128 })
 */
export async function findLearningRate(net: Module, data: Dataset, options: RateFinderOptions): Promise<RateFinding> {
  const { optimizer: make = (learningRate) => adam({ learningRate }), from = 1e-7, to = 10, steps = 100 } = options
  if (!(from > 0 && from < to && Number.isFinite(to)))
    throw new RangeError(`findLearningRate: the rate goes from ${from} to ${to}: from must be above 0 and below to`)
  if (!Number.isInteger(steps) || steps < 10)
    throw new RangeError(`findLearningRate: steps is ${steps}, it must be a whole number of at least 10`)
  const rateAt = (step: number): number => from * (to / from) ** (Math.min(step, steps - 1) / (steps - 1))
  const optimizer = make(rateAt)
  await checkFit(net, data, { ...options, optimizer, epochs: 1 })

  const [state, random] = [await arraysOf(net.state()), { ...runtime.random }]
  if (options.seed !== undefined) Object.assign(runtime.random, { seed: options.seed, step: 0 })
  const points: RatePoint[] = []
  let diverged: number | undefined
  try {
    const step = trainingStep({ ...options, net, data, optimizer, metrics: {}, accumulates: false })
    const turn = takingTurns()
    const watch = blowUp()
    let made = -1
    for (const { batch, epoch } of endless(data, options)) {
      options.signal?.throwIfAborted()
      // A batch's loss is what the update before it led to.
      const { loss } = await step.run(batch, epoch)
      if (made >= 0) {
        const point = { rate: rateAt(made), loss }
        points.push(point)
        options.onStep?.(point, made + 1)
        if (watch(loss)) diverged = point.rate
      }
      made++
      if (diverged !== undefined || made === steps) break
      await turn()
    }
  } finally {
    net.loadState(state)
    Object.assign(runtime.random, random)
  }
  return { ...readOff(points), ...(diverged === undefined ? {} : { diverged }) }
}

/** Batches of one epoch after the other. */
function* endless(
  data: Dataset,
  { batchSize, transform }: RateFinderOptions,
): Generator<{ readonly batch: Batch; readonly epoch: number }> {
  const batches = loader(data, {
    batchSize: batchSize ?? Math.min(32, data.length),
    shuffle: true,
    seed: runtime.random.seed,
    ...(transform ? { transform } : {}),
  })
  for (let epoch = 0; ; epoch++) for (const batch of batches.epoch(epoch)) yield { batch, epoch }
}

/** Whether the loss, followed by a moving average, is beyond return: no number, or far above the lowest and the first. */
function blowUp(): (loss: number) => boolean {
  let [average, lowest, first] = [Number.NaN, Infinity, Number.NaN]
  return (loss) => {
    if (Number.isNaN(average)) first = average = loss
    average += 0.3 * (loss - average)
    lowest = Math.min(lowest, average)
    return !Number.isFinite(loss) || (average > first && average - lowest > 3 * Math.abs(lowest))
  }
}

/** What the curve says: the rate of its steepest fall before its lowest point. */
function readOff(points: readonly RatePoint[]): Omit<RateFinding, 'diverged'> {
  const finite = points.filter(({ loss }) => Number.isFinite(loss))
  const width = Math.max(2, Math.round(finite.length / 20))
  const lines = finite.map((_, i) => fitted(finite.slice(Math.max(0, i - width), i + width + 1), finite[i].rate))
  const bottom = lines.reduce((best, { value }, i) => (value < lines[best].value ? i : best), 0)
  const before = lines.slice(0, bottom + 1)
  const steepest = before.reduce((best, { slope }, i) => (slope < before[best].slope ? i : best), 0)
  return {
    points,
    smoothed: [...lines.map(({ value }) => value), ...points.slice(finite.length).map(({ loss }) => loss)],
    lowest: finite[bottom]?.rate ?? Number.NaN,
    ...(lines[steepest]?.slope < 0 ? { suggested: finite[steepest].rate } : {}),
  }
}

/** Of the least-squares line of the loss over the logarithm of the rate: its value at a rate, within the losses' bounds, and its slope. */
function fitted(points: readonly RatePoint[], rate: number): { readonly value: number; readonly slope: number } {
  const n = points.length
  const xs = points.map((p) => Math.log(p.rate / rate))
  const [x, y] = [xs.reduce((a, b) => a + b, 0) / n, points.reduce((sum, { loss }) => sum + loss, 0) / n]
  const spread = xs.reduce((sum, v) => sum + (v - x) ** 2, 0)
  const slope = spread === 0 ? 0 : xs.reduce((sum, v, i) => sum + (v - x) * (points[i].loss - y), 0) / spread
  const losses = points.map(({ loss }) => loss)
  return { value: Math.min(Math.max(y - slope * x, Math.min(...losses)), Math.max(...losses)), slope }
}
