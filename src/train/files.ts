/** Files of a run: written whole or not at all, line by line where they grow, with errors that say what to do. */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'

/** Makes the folder if it isn't there and tries a file in it, so that a run does not find out at its end. Throws if it can't be written. */
export function prepareFolder(folder: string): void {
  const trial = join(folder, `trial${part()}`)
  try {
    makeFolder(folder)
    writeFileSync(trial, '')
    rmSync(trial)
  } catch (error) {
    // Its parents were made, so that ENOENT means that the file system makes no folders here.
    const why = reason(error) === reasons.ENOENT ? 'it cannot be made' : reason(error)
    throw new Error(`${folder}: cannot write in this folder (${why}); name another one`, { cause: error })
  }
}

/**
 * Writes a file so that it is there whole or not at all, also when the process is killed or the machine stops: another name in the
 * same folder, flushed to the disk, then renamed. The folder has to exist.
 */
export function writeWhole(path: string, content: Uint8Array | string): void {
  const temporary = path + part()
  try {
    const file = openSync(temporary, 'w')
    try {
      writeFileSync(file, content)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(temporary, path)
    flushFolder(dirname(path))
  } catch (error) {
    rmSync(temporary, { force: true })
    throw new Error(`${path}: cannot be written (${reason(error)})`, { cause: error })
  }
}

/** Removes what a killed process left of files that it was writing. */
export function removeParts(folder: string): void {
  for (const name of existsSync(folder) ? readdirSync(folder) : [])
    if (name.endsWith(partEnding)) rmSync(join(folder, name), { force: true })
}

/** Adds a record to a file of JSON lines. */
export function appendRecord(path: string, record: object): void {
  const file = openSync(path, 'a')
  try {
    writeSync(file, `${JSON.stringify(record)}\n`)
  } finally {
    closeSync(file)
  }
}

/**
 * The records of a file of JSON lines; none if there is no file. A last line without an end, as a killed process leaves it, is
 * dropped; any other line that is not JSON is an error that names it.
 */
export function readRecords(path: string): Record<string, unknown>[] {
  if (!existsSync(path)) return []
  const lines = readBytes(path).toString('utf8').split('\n')
  // After the last line end there is nothing, or a torn line.
  lines.pop()
  return lines.map((line, i) => {
    try {
      return JSON.parse(line)
    } catch (error) {
      throw new Error(`${path}: line ${i + 1} is not JSON (${reason(error)}); remove it, or start a new run`, {
        cause: error,
      })
    }
  })
}

/** The content of a file; throws with its name if it can't be read. */
export function readBytes(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    throw new Error(`${path}: cannot be read (${reason(error)})`, { cause: error })
  }
}

/** Node's own recursive mkdir never returns where a folder is neither there nor can be made, as in /proc. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return
  const parent = dirname(folder)
  if (parent !== folder) makeFolder(parent)
  mkdirSync(folder)
}

const partEnding = '.part'
const part = (): string => `.${process.pid}${partEnding}`

/** A rename is safe only when the folder is on the disk too; some systems can't open folders and don't need it. */
function flushFolder(folder: string): void {
  let handle: number | undefined
  try {
    handle = openSync(folder, 'r')
    fsyncSync(handle)
  } catch {
    // Nothing is lost but the certainty.
  } finally {
    if (handle !== undefined) closeSync(handle)
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'it is not there',
  EACCES: 'not permitted',
  EPERM: 'not permitted',
  EROFS: 'read-only file system',
  ENOTDIR: 'it is a file, or a part of the path is',
  EISDIR: 'it is a folder',
  ENOSPC: 'the disk is full',
}

/** What went wrong, in a few words. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return ('code' in error && reasons[String(error.code)]) || error.message
}
