// The memory report: which values lie in the backend's memory, how much they take, and where they were made.

import { show } from '../graph/shape.ts'
import { readAs } from './print.ts'
import { runtime } from './runtime.ts'

export interface MemoryRow {
  /** Operation, dtype and shape, and the variable's name or the module's path where there is one. */
  readonly what: string
  /** The line of your code that made it, if places are tracked: `configure({ trackMemory: true })` or `TENON_DEBUG=memory`. */
  readonly place: string | undefined
  readonly count: number
  readonly bytes: number
}

export interface MemoryReport {
  /** Bytes of all values in the backend's memory; those that are not in use leave it when there are more than `limit`. */
  readonly bytes: number
  readonly limit: number
  /** Cached programs of values read outside of compiled functions, and the bytes of their intermediate values. */
  readonly programs: { readonly count: number; readonly bytes: number }
  /** Values that were made in the same way and place together, largest first. */
  readonly rows: readonly MemoryRow[]
  toString(): string
}

/** What lies in the backend's memory now. Values on the host alone are the JavaScript heap's business and not listed. */
export function memoryReport(): MemoryReport {
  const { residents, executables } = runtime
  const groups = new Map<string, MemoryRow>()
  let bytes = 0
  for (const { about, bytes: own } of residents.values) {
    bytes += own
    const { op, dtype, shape, scope } = about
    const what = `${op} ${dtype} ${show(shape)}${scope?.path ? ` of ${scope.path}` : ''}`
    const key = `${what}|${scope?.place}`
    const { count = 0, bytes: known = 0 } = groups.get(key) ?? {}
    groups.set(key, { what, place: scope?.place, count: count + 1, bytes: known + own })
  }
  const rows = [...groups.values()].sort((a, b) => b.bytes - a.bytes || b.count - a.count)
  const programs = { count: executables.size, bytes: [...executables.values()].reduce((sum, e) => sum + e.bytes, 0) }
  const report = { bytes, limit: residents.limit, programs, rows }
  return { ...report, ...readAs(() => table(report)) }
}

function table({ bytes, limit, programs, rows }: Omit<MemoryReport, 'toString'>): string {
  const cells = rows.map((row) => [size(row.bytes), `${row.count}×`, row.what, row.place ?? ''])
  const widths = [0, 1, 2].map((i) => Math.max(0, ...cells.map((line) => line[i].length)))
  return [
    `${size(bytes)} in ${rows.reduce((sum, row) => sum + row.count, 0)} values, at most ${size(limit)} of them idle; ${programs.count} cached programs with ${size(programs.bytes)}`,
    ...cells.map(([a, b, c, d]) =>
      `${a.padStart(widths[0])}  ${b.padStart(widths[1])}  ${c.padEnd(widths[2])}  ${d}`.trimEnd(),
    ),
  ].join('\n')
}

function size(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`
  return bytes < 2 ** 20 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / 2 ** 20).toFixed(1)} MiB`
}
