// What was measured as text: the machine, a table for each workload with ratios to Tenon's fastest, and what to beware of.
import type { Machine } from './machine.ts'
import type { Failure, Result } from './measure.ts'

export interface Report {
  readonly machine: Machine
  readonly threads: number
  readonly timeMs: number
  readonly results: readonly Result[]
  readonly failures: readonly Failure[]
}

/** Three or four digits that say something. */
export const digits = (value: number, count = 3): string =>
  value >= 10 ** (count - 1) ? value.toFixed(0) : Number(value.toPrecision(count)).toString()

export function machineText({ machine, threads }: Pick<Report, 'machine' | 'threads'>): string {
  const { cpu, cores, memoryGiB, system, node, load, date } = machine
  return `${cpu}, ${cores} cores, ${memoryGiB} GiB, ${system}, Node ${node}; ${threads} threads each; load ${load}; ${date}`
}

/** What the others are held against: Tenon's fastest here, or the fastest where Tenon did not run. */
export function baseline(results: readonly Result[]): Result | undefined {
  const byTime = [...results].sort((a, b) => a.medianMs - b.medianMs)
  return byTime.find(({ isTenon }) => isTenon) ?? byTime[0]
}

/** The table of one workload. */
export function tableOf(workload: string, results: readonly Result[], failures: readonly Failure[]): string {
  const base = baseline(results)
  if (!base) return [`${workload}`, ...failures.map(failureText)].join('\n')
  const [gflops, gbPerS] = [results.some((r) => r.gflops), results.some((r) => r.gbPerS)]
  const head = ['', 'median ms', 'min ms', '× median', '× min', 'first step', 'loss 6', 'others']
  if (gflops || gbPerS) head.push(gflops ? 'GFLOP/s' : 'GB/s')
  const rows = [...results]
    .sort((a, b) => a.medianMs - b.medianMs)
    .map((r) => [
      `${r.peer} ${r.isTenon ? '' : r.version}${r.threads === 1 ? ', 1 thread' : ''}${r.isSame ? '' : ' *'}`.trim(),
      digits(r.medianMs),
      digits(r.minMs),
      digits(r.medianMs / base.medianMs),
      digits(r.minMs / base.minMs),
      digits(r.firstStepMs),
      r.loss5?.toFixed(5) ?? '',
      r.cpu?.others.toFixed(2) ?? '',
      digits(r.gflops ?? r.gbPerS ?? 0),
    ])
  const width = Math.max(22, ...rows.map(([name]) => name.length + 2))
  const line = ([name, ...cells]: readonly string[]): string =>
    name.padEnd(width + 2) + cells.map((cell) => cell.padStart(11)).join('')
  const lines = rows.map((cells) => line([`  ${cells[0]}`, ...cells.slice(1, head.length)]))
  return [line([workload, ...head.slice(1)]), ...lines, ...failures.map(failureText)].join('\n')
}

const failureText = ({ peer, error }: Failure): string => `  ${peer}: failed: ${error}`

/** Reasons to doubt the figures. */
export function warnings({ machine, results }: Report): readonly string[] {
  const found: string[] = []
  if (machine.load > 0.5) found.push(`the machine was busy before this began: load ${machine.load}`)
  const disturbed = results.filter(({ cpu }) => cpu && cpu.others > 0.1)
  if (disturbed.length > 0) {
    const worst = disturbed.reduce((a, b) => ((a.cpu?.others ?? 0) > (b.cpu?.others ?? 0) ? a : b))
    found.push(
      `other processes used more than 0.1 of a processor during ${disturbed.length} of ${results.length} measurements, ` +
        `up to ${worst.cpu?.others.toFixed(2)} (${worst.peer}, ${worst.workload}): compare minima, or measure again`,
    )
  }
  for (const workload of new Set(results.map((r) => r.workload))) {
    const trained = results.filter((r) => r.workload === workload && r.isSame && r.loss5 !== null)
    const loss = baseline(trained)?.loss5
    if (loss === null || loss === undefined) continue
    for (const { peer, loss5 } of trained)
      if (!(Math.abs((loss5 ?? Number.NaN) - loss) <= 1e-4 * Math.abs(loss)))
        found.push(
          `${workload}: after five updates ${peer} has the loss ${loss5?.toFixed(5)}, Tenon ${loss.toFixed(5)}: not the same work`,
        )
  }
  return found
}
