/** The folder of a run: its configuration, its records as they come, and its checkpoints, each file whole or not there. */
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Json } from '../nn/index.ts'
import { type Arrays, type Checkpoint, decodeCheckpoint, encodeCheckpoint } from './checkpoint.ts'
import { appendRecord, prepareFolder, readBytes, readRecords, removeParts, writeWhole } from './files.ts'
import { decodeModel, encodeModel, type ModelFile } from './model-file.ts'

export type RunConfig = { readonly [key: string]: Json }
export type RunRecord = Readonly<Record<string, unknown>>

export interface RunFolder {
  readonly path: string
  readonly config: RunConfig
  /** Adds a line to metrics.jsonl. */
  record(record: object): void
  /** The lines of metrics.jsonl. */
  records(): RunRecord[]
  /** Replaces metrics.jsonl. */
  rewriteRecords(records: readonly object[]): void
  writeLast(checkpoint: Checkpoint): void
  /** The last checkpoint; undefined if the run was killed before it wrote one. */
  readLast(): Checkpoint | undefined
  writeBest(model: ModelFile): void
  readBest(): Arrays
  /** The network at the end of training. */
  writeModel(model: ModelFile): void
}

/** Whether there is a run in the folder. */
export const hasRun = (path: string): boolean => existsSync(join(path, configFile))

/** Begins a run in a folder, which is made if need be. Throws if it can't be written or already holds a run. */
export function createRun(path: string, config: RunConfig): RunFolder {
  if (hasRun(path)) throw new Error(`${path}: there is a run in this folder already; resume it or name another folder`)
  prepareFolder(path)
  const folder = folderAt(path, config)
  writeWhole(join(path, configFile), `${JSON.stringify(config, undefined, 2)}\n`)
  return folder
}

/** The run in a folder, to go on with. Throws if there is none or if the folder can't be written. */
export function openRun(path: string): RunFolder {
  if (!hasRun(path)) throw new Error(`${path}: no run to resume, there is no ${configFile}`)
  prepareFolder(path)
  for (const folder of [path, join(path, checkpointFolder)]) removeParts(folder)
  return folderAt(path, readConfig(path))
}

/** The configuration of the run in a folder. Throws if there is none. */
export function readConfig(path: string): RunConfig {
  const file = join(path, configFile)
  const text = readBytes(file).toString('utf8')
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new Error(`${file}: not JSON (${error instanceof Error ? error.message : error})`, { cause: error })
  }
}

/** Where a run keeps the network that it ended with. */
export const modelPath = (path: string): string => join(path, 'model.safetensors')

const configFile = 'config.json'
const metricsFile = 'metrics.jsonl'
const checkpointFolder = 'checkpoints'

function folderAt(path: string, config: RunConfig): RunFolder {
  const metrics = join(path, metricsFile)
  const checkpoints = join(path, checkpointFolder)
  const last = join(checkpoints, 'last.safetensors')
  const best = join(checkpoints, 'best.safetensors')
  if (!existsSync(checkpoints)) mkdirSync(checkpoints)
  return {
    path,
    config,
    record: (record) => appendRecord(metrics, record),
    records: () => readRecords(metrics),
    rewriteRecords: (records) => writeWhole(metrics, records.map((record) => `${JSON.stringify(record)}\n`).join('')),
    writeLast: (checkpoint) => writeWhole(last, encodeCheckpoint(checkpoint)),
    readLast() {
      if (!existsSync(last)) return undefined
      try {
        return decodeCheckpoint(readBytes(last), last)
      } catch (error) {
        const message = error instanceof Error ? error.message : error
        throw new Error(`${message}; put a whole one in its place, or start a new run`, { cause: error })
      }
    },
    writeBest: (model) => writeWhole(best, encodeModel(model)),
    readBest: () => decodeModel(readBytes(best), best).arrays,
    writeModel: (model) => writeWhole(modelPath(path), encodeModel(model)),
  }
}
