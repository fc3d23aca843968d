// Run folders that nobody named: runs/<recipe>-<model>-<number> in the current folder.
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { hasRun } from '../train/run-folder.ts'

const parent = 'runs'

/** The first folder with this name and a number that is not there yet. */
export function newRun(name: string): string {
  for (let number = 1; ; number++) {
    const folder = join(parent, `${name}-${number}`)
    if (!existsSync(folder)) return folder
  }
}

/** The run that was written to last, of those whose name begins so; undefined if there is none. */
export function latestRun(prefix: string): string | undefined {
  const folders = existsSync(parent) ? readdirSync(parent).map((name) => join(parent, name)) : []
  const runs = folders.filter((folder) => folder.startsWith(join(parent, prefix)) && hasRun(folder))
  return runs.sort((a, b) => lastWritten(b) - lastWritten(a))[0]
}

const lastWritten = (folder: string): number => statSync(join(folder, 'checkpoints')).mtimeMs
