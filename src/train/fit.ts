/** fit: trains a network from examples, epoch by epoch, so that a run that was stopped and resumed equals one that was not. */
import type { Dataset } from '../data/dataset.ts'
import { type Batch, loader } from '../data/loader.ts'
import type { Module } from '../nn/index.ts'
import { backend, runtime } from '../tensor/index.ts'
import type { Callbacks, Ending, EpochRecord, LossPoint, Run, Training } from './callbacks.ts'
import { DivergenceError } from './divergence.ts'
import { isBetter, isOver } from './early-stopping.ts'
import { evaluator } from './evaluate.ts'
import { checkFit, type FitOptions } from './fit-options.ts'
import { journalFor } from './journal.ts'
import { meanLoss } from './metrics.ts'
import { addBatch, closeEpoch, type Progress } from './progress.ts'
import type { ProgressBar } from './progress-bar.ts'
import { type BatchResult, trainingStep } from './training-step.ts'
import { nextTask, takingTurns } from './turns.ts'

/**
 * Trains a network on a data set. With a run folder, everything that it takes to go on is written as it goes. Throws before any
 * work on options, shapes, folders or checkpoints that do not fit, and at the step where the loss is no longer a finite number.
 *
 *     const run = await fit(net, digits.train, { loss: softmaxCrossEntropy, optimizer: adam(), epochs: 3, validation: digits.test })
 */
export async function fit(net: Module, data: Dataset, options: FitOptions): Promise<Run> {
  await checkFit(net, data, options)
  // Each of these takes a page's thread for a while: checking, preparing, and building the step.
  await nextTask()
  const { epochs, validation, metrics = {}, earlyStopping, gradientAccumulation = 1, signal } = options
  const began = performance.now()
  if (options.seed !== undefined) Object.assign(runtime.random, { seed: options.seed, step: 0 })
  const batches = loader(data, {
    batchSize: options.batchSize ?? Math.min(32, data.length),
    shuffle: options.shuffle ?? true,
    seed: runtime.random.seed,
    ...(options.transform ? { transform: options.transform } : {}),
  })
  const journal = await journalFor(net, data, options)
  await nextTask()
  const { progress, history, losses } = journal
  const { plateau } = options
  const tell = ({ validation, train }: EpochRecord): void => plateau?.observe((validation ?? train).loss)
  // What the epochs of a resumed run told it, so that it goes on as if it had not stopped.
  history.forEach(tell)
  const secondsBefore = progress.seconds
  const step = trainingStep({ ...options, net, data, metrics, accumulates: gradientAccumulation > 1 })
  const validate = evaluator(net, { loss: meanLoss(options.loss), ...metrics })
  const turn = takingTurns()
  let stopped = false
  const training: Training = {
    net,
    epochs,
    stepsPerEpoch: Math.ceil(batches.batchesPerEpoch / gradientAccumulation),
    from: { epoch: progress.epoch, step: progress.step },
    stop: () => {
      stopped = true
    },
  }
  const bar = await barOf(options)
  const callbacks: readonly Callbacks[] = [bar?.callbacks ?? [], options.callbacks ?? []].flat()
  const isStopped = (): boolean => stopped || signal?.aborted === true
  const passTime = (): void => {
    progress.seconds = secondsBefore + (performance.now() - began) / 1000
  }

  // Where the engine works on another thread, it is given the next step before the last one's result is waited for.
  const ahead = backend().kind === 'remote' && options.run === undefined ? 1 : 0
  let begun = { batches: 0, examples: 0 }

  /** Starts a batch, and the update that it completes. */
  const begin = (batch: Batch): Begun => {
    const result = step.run(batch, progress.epoch)
    // Only the first of several failures is waited for.
    result.catch(() => {})
    begun = { batches: begun.batches + 1, examples: begun.examples + batch.size }
    // Only between updates is the state whole: checkpoints and stops wait for them.
    const isUpdate = begun.batches === gradientAccumulation || batch.index + 1 === batches.batchesPerEpoch
    const { examples } = begun
    if (isUpdate) begun = { batches: 0, examples: 0 }
    if (isUpdate && gradientAccumulation > 1) step.update()
    return { result, size: batch.size, index: batch.index, updateOf: isUpdate ? examples : undefined }
  }

  let lossOfUpdate = 0
  /** Waits for a batch and counts it; false if training was stopped. */
  const end = async ({ result, size, index, updateOf }: Begun): Promise<boolean> => {
    const { loss, counts } = await result
    checkLoss(loss, progress, batches.batchesPerEpoch)
    addBatch(progress, size, loss, counts)
    progress.batch = index + 1
    lossOfUpdate += loss * size
    if (updateOf === undefined) return true
    progress.step++
    const mean = lossOfUpdate / updateOf
    lossOfUpdate = 0
    const point = addToCurve(progress, mean)
    if (point) journal.addLoss(point)
    if (callbacks.some((c) => c.onStep)) {
      const { epoch, batch, step } = progress
      const running = runningValues(progress, metrics)
      const record = { step, epoch: epoch + 1, batch, batches: batches.batchesPerEpoch, loss: mean, running }
      for (const { onStep } of callbacks) await onStep?.(record, training)
    }
    passTime()
    await journal.checkpointIfDue()
    if (isStopped()) return false
    await turn()
    return true
  }

  /** The rest of the running epoch; false if it was stopped. */
  const trainEpoch = async (): Promise<boolean> => {
    const waiting: Begun[] = []
    let goesOn = true
    for (const batch of batches.epoch(progress.epoch, { from: progress.batch })) {
      waiting.push(begin(batch))
      const due = waiting.length > ahead ? waiting.shift() : undefined
      if (due) goesOn = await end(due)
      if (!goesOn) break
    }
    // What was begun is done.
    for (const rest of waiting) if (!(await end(rest))) goesOn = false
    return goesOn
  }

  /** Measures, records and closes the epoch; false if it was stopped before it was measured. */
  const endEpoch = async (): Promise<boolean> => {
    let measured: EpochRecord['validation']
    try {
      if (validation) measured = await validate(validation, signal ? { signal } : {})
    } catch (error) {
      if (signal?.aborted) return false
      throw error
    }
    passTime()
    const record: EpochRecord = {
      epoch: progress.epoch + 1,
      step: progress.step,
      seconds: progress.seconds,
      train: runningValues(progress, metrics),
      ...(measured ? { validation: measured } : {}),
    }
    const watched = (measured ?? record.train)[earlyStopping?.monitor ?? 'loss']
    if (isBetter(watched, progress.best, earlyStopping ?? {})) {
      progress.best = { epoch: record.epoch, value: watched }
      await journal.keepBest()
    }
    closeEpoch(progress)
    tell(record)
    journal.addEpoch(record)
    for (const { onEpoch } of callbacks) await onEpoch?.(record, training)
    await journal.checkpointIfDue()
    return true
  }

  let ending: Ending | undefined
  try {
    for (const { onStart } of callbacks) await onStart?.(training)
    await nextTask()
    while (ending === undefined) {
      if (progress.epoch >= epochs) ending = 'done'
      else if (earlyStopping && progress.epoch > 0 && isOver(progress.epoch, progress.best, earlyStopping))
        ending = 'early'
      else if (isStopped() || !(await trainEpoch()) || !(await endEpoch())) ending = 'stopped'
    }
  } finally {
    bar?.close()
  }
  passTime()
  await journal.checkpoint()
  if (ending !== 'stopped') await journal.finish()
  const { best, step: steps, seconds } = progress
  const run: Run = {
    ending,
    epochs: progress.epoch,
    steps,
    seconds,
    history,
    losses,
    ...(best ? { best } : {}),
    ...(options.run === undefined ? {} : { folder: options.run }),
    notes: journal.notes,
  }
  for (const { onEnd } of callbacks) await onEnd?.(run, training)
  return run
}

/** A batch whose result is still to come. */
interface Begun {
  readonly result: Promise<BatchResult>
  readonly size: number
  readonly index: number
  /** The examples of the update that it completes. */
  readonly updateOf: number | undefined
}

/** Updates that make one point of the loss curve. */
const curveWindow = 10

function addToCurve(progress: Progress, loss: number): LossPoint | undefined {
  progress.windowSteps++
  progress.windowSum += loss
  if (progress.windowSteps < curveWindow) return undefined
  const point = { step: progress.step, loss: progress.windowSum / progress.windowSteps }
  progress.windowSteps = 0
  progress.windowSum = 0
  return point
}

/** Loss and metrics over the running epoch so far. */
function runningValues(progress: Progress, metrics: NonNullable<FitOptions['metrics']>): EpochRecord['train'] {
  const { examples, lossSum, metricSums } = progress
  const values = Object.entries(metrics).map(([name, metric], i) => [name, metric.value(metricSums[i], examples)])
  return { loss: lossSum / examples, ...Object.fromEntries(values) }
}

function checkLoss(loss: number, { epoch, batch, step }: Progress, batches: number): void {
  if (Number.isFinite(loss)) return
  throw new DivergenceError(
    `fit: the loss is ${loss} in epoch ${epoch + 1}, batch ${batch + 1} of ${batches}, after ${step} updates: choose a smaller learning rate, clip gradients (clipNorm), or look for labels that the network has no output for`,
  )
}

/** The bar, where it was asked for or standard error is a terminal. */
async function barOf({ metrics = {}, progress }: FitOptions): Promise<ProgressBar | undefined> {
  const { process } = globalThis as { process?: { stderr?: { isTTY?: boolean } } }
  if (!(progress ?? process?.stderr?.isTTY ?? false)) return undefined
  const { progressBar } = await import('#run-files')
  return progressBar(metrics)
}
