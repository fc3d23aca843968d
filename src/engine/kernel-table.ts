// A table of kernels: how often each ran, how long, and how close it came to what the machine can do.

import { aligned } from '../graph/aligned.ts'
import type { Launch, Program } from '../kernel/program.ts'
import { nameOf, workOf } from '../kernel/work.ts'
import { launchTimes, leastSeconds } from './machine-bounds.ts'
import type { Recording } from './recording.ts'

export interface KernelTime {
  /** What a person calls it, with its extents: `linear+relu 128×784×256`. */
  readonly name: string
  /** The operations that it fuses. */
  readonly ops: string
  /** The modules whose work it does, by their paths. */
  readonly modules: string
  readonly runs: number
  /** On all threads together, over all runs. */
  readonly milliseconds: number
  /** Of one run. */
  readonly flops: number
  readonly bytes: number
  /** The time that the arithmetic or the bytes need at least, as a part of the time taken. */
  readonly shareOfBound: number
}

/** The kernels of a recording, dearest first. Launches of equal name and work are one row. */
export function kernelTimes({ runs, bounds }: Pick<Recording, 'runs' | 'bounds'>): KernelTime[] {
  const rows = new Map<string, { program: Program; launch: Launch; runs: number; milliseconds: number }>()
  for (const run of runs) {
    for (const [launch, { milliseconds, runs: times }] of launchTimes(run)) {
      const { ops = '', path = '' } = run.program.labels?.get(launch) ?? {}
      const key = `${nameOf(run.program, launch)}|${ops}|${path}`
      const row = rows.get(key) ?? { program: run.program, launch, runs: 0, milliseconds: 0 }
      row.runs += times
      row.milliseconds += milliseconds
      rows.set(key, row)
    }
  }
  return [...rows.values()]
    .sort((a, b) => b.milliseconds - a.milliseconds)
    .map(({ program, launch, runs, milliseconds }) => {
      const work = workOf(program, launch)
      const { ops = '', path = '' } = program.labels?.get(launch) ?? {}
      return {
        name: nameOf(program, launch),
        ops,
        modules: path,
        runs,
        milliseconds,
        ...work,
        shareOfBound: milliseconds > 0 ? (leastSeconds(work, bounds) * 1000 * runs) / milliseconds : 0,
      }
    })
}

/** The rows as aligned text. */
export function kernelTable(rows: readonly KernelTime[]): string {
  const total = rows.reduce((sum, row) => sum + row.milliseconds, 0)
  const cells = rows.map((row) => {
    const seconds = row.milliseconds / 1000 / row.runs
    return [
      `${((100 * row.milliseconds) / total).toFixed(1)} %`,
      String(row.runs),
      (1e6 * seconds).toFixed(1),
      (row.flops / 1e6).toFixed(3),
      (row.bytes / 1e6).toFixed(3),
      (row.flops / seconds / 1e9).toFixed(1),
      (row.bytes / seconds / 1e9).toFixed(1),
      `${(100 * row.shareOfBound).toFixed(0)} %`,
      row.name,
      row.name.startsWith(row.ops) ? '' : row.ops,
      row.modules,
    ]
  })
  const header = [
    'time',
    'runs',
    'µs a run',
    'MFLOP',
    'MB',
    'GFLOP/s',
    'GB/s',
    'of bound',
    'kernel',
    'operations',
    'modules',
  ]
  return aligned([header, ...cells], (column) => column >= 8)
}
