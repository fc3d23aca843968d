/** The journal of a run: remembers its records and its best network, in memory and, where there is a run folder, on disk. */
import type { Dataset } from '../data/dataset.ts'
import type { Module } from '../nn/index.ts'
import { runtime } from '../tensor/index.ts'
import type { EpochRecord, LossPoint } from './callbacks.ts'
import type { Arrays, Checkpoint } from './checkpoint.ts'
import type { FitOptions } from './fit-options.ts'
import { arraysOf, modelFileOf } from './model-file.ts'
import { decodeProgress, encodeProgress, freshProgress, type Progress } from './progress.ts'
import { configOf, differences, engineOf, sameJson } from './run-config.ts'
import type { RunFolder, RunRecord } from './run-folder.ts'

export interface Journal {
  /** Where the run stands; the loop keeps it up to date. */
  readonly progress: Progress
  readonly history: readonly EpochRecord[]
  readonly losses: readonly LossPoint[]
  readonly notes: readonly string[]
  addEpoch(record: EpochRecord): void
  addLoss(point: LossPoint): void
  /** Remembers the network as it is now as the best one. */
  keepBest(): Promise<void>
  checkpoint(): Promise<void>
  checkpointIfDue(): Promise<void> | undefined
  /** Gives the network its best parameters where that was asked for, and writes it. */
  finish(): Promise<void>
}

/**
 * The journal of a new run or, with `resume`, of the one in the folder: network, optimizer and random numbers are then as the last
 * checkpoint has them. Throws, before anything is changed, if folder or checkpoint do not fit.
 */
export async function journalFor(net: Module, data: Dataset, options: FitOptions): Promise<Journal> {
  const { run, resume = false, optimizer, earlyStopping, checkpointEvery = {} } = options
  const notes: string[] = []
  const folder = run === undefined ? undefined : await folderFor(run, net, data, options, notes)
  const checkpoint = resume ? folder?.readLast() : undefined
  const progress = checkpoint ? await restore(checkpoint, net, options) : freshProgress()
  const { history, losses } = recordsUpTo(progress, folder?.records() ?? [])
  folder?.rewriteRecords([...losses, ...history].sort((a, b) => a.step - b.step))

  const restoresBest = earlyStopping?.restoreBest ?? false
  let best: Arrays | undefined
  let isBestWritten = true
  let last = { step: progress.step, time: performance.now(), took: 0 }

  const write = async (): Promise<void> => {
    if (!folder) return
    const began = performance.now()
    // The best one first: a checkpoint never speaks of a best network that is not there.
    if (!isBestWritten && best) folder.writeBest({ network: net.config, arrays: best })
    isBestWritten = true
    const state = optimizer.state(net.state())
    const { seed, step } = runtime.random
    const [model, slots] = await Promise.all([arraysOf(net.state()), arraysOf(state.slots)])
    folder.writeLast({
      network: net.config,
      model,
      optimizer: slots,
      progress: encodeProgress(progress, { optimizerStep: state.step, randomSeed: seed, randomStep: step }),
    })
    const now = performance.now()
    last = { step: progress.step, time: now, took: (now - began) / 1000 }
  }
  if (folder && !checkpoint) await write()

  return {
    progress,
    history,
    losses,
    notes,
    addEpoch(record) {
      history.push(record)
      folder?.record(record)
    },
    addLoss(point) {
      losses.push(point)
      folder?.record(point)
    },
    async keepBest() {
      if (!folder && !restoresBest) return
      best = await arraysOf(net.state())
      isBestWritten = false
    },
    checkpoint: write,
    checkpointIfDue() {
      const passed = (performance.now() - last.time) / 1000
      const { steps = Infinity, seconds = steps === Infinity ? Math.max(1, patience * last.took) : Infinity } =
        checkpointEvery
      const isDue = progress.step - last.step >= steps || passed >= seconds
      return folder && isDue ? write() : undefined
    },
    async finish() {
      if (restoresBest && progress.best) net.loadState(best ?? folder?.readBest() ?? net.state())
      folder?.writeModel(await modelFileOf(net))
    },
  }
}

/** Unless told otherwise, writing checkpoints takes at most one part in so many of the time. */
const patience = 50

async function folderFor(
  path: string,
  net: Module,
  data: Dataset,
  options: FitOptions,
  notes: string[],
): Promise<RunFolder> {
  const { createRun, openRun } = await import('#run-files')
  const config = configOf(net, data, options)
  if (!options.resume) return createRun(path, config)
  const folder = openRun(path)
  const different = differences(folder.config, config)
  if (different.length > 0) throw new Error(`${path}: cannot resume this run: ${different.join('; ')}`)
  if (!sameJson(folder.config.engine, engineOf()))
    notes.push(
      `the run began with ${showEngine(folder.config.engine)}, it goes on with ${showEngine(engineOf())}: numbers may differ in their last bits`,
    )
  return folder
}

/** Sets network, optimizer and random numbers to a checkpoint's; all of them or none. */
async function restore(checkpoint: Checkpoint, net: Module, { run, optimizer }: FitOptions): Promise<Progress> {
  const where = `${run}: the last checkpoint`
  if (!sameJson(checkpoint.network, net.config))
    throw new Error(
      `${where} is of another network than the one to train; put the run's own in its place, or start a new run`,
    )
  const { progress, number } = decodeProgress(checkpoint.progress, where)
  const [step, randomSeed, randomStep] = ['optimizerStep', 'randomSeed', 'randomStep'].map(number)
  const before = await arraysOf(net.state())
  try {
    net.loadState(checkpoint.model)
    optimizer.loadState({ step, slots: checkpoint.optimizer }, net.state())
  } catch (error) {
    net.loadState(before)
    throw new Error(`${where} does not fit: ${error instanceof Error ? error.message : error}`, { cause: error })
  }
  Object.assign(runtime.random, { seed: randomSeed, step: randomStep })
  return progress
}

/** What was recorded up to a checkpoint; what a killed run recorded after it will come again. */
function recordsUpTo(progress: Progress, records: readonly RunRecord[]) {
  const isEpoch = (record: RunRecord): boolean => 'epoch' in record
  const done = records.map(withNumbers).filter((record) => {
    const [count, limit] = isEpoch(record) ? [record.epoch, progress.epoch] : [record.step, progress.step]
    return typeof count === 'number' && count <= limit
  })
  return {
    history: done.filter(isEpoch) as unknown as EpochRecord[],
    losses: done.filter((record) => !isEpoch(record)) as unknown as LossPoint[],
  }
}

/** JSON has no NaN and no infinity: they are written as null. */
function withNumbers(record: RunRecord): RunRecord {
  return JSON.parse(JSON.stringify(record), (_, value: unknown) => (value === null ? Number.NaN : value))
}

const showEngine = (engine: unknown): string =>
  typeof engine === 'object' && engine !== null ? Object.values(engine).join(', ') : String(engine)
