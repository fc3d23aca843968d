// `tenon bench`: the workloads that the peers run too, each in a process of its own so that its first step is a first one.
import { spawnSync } from 'node:child_process'
import picocolors from 'picocolors'
import { version } from '../../train/index.ts'
import { chooseEngine, type EngineOptions, type RunningEngine } from '../engine.ts'
import { UsageError } from '../failure.ts'
import { serve } from './serve.ts'
import { type Measured, taskOf, workloads } from './workloads.ts'

export interface BenchOptions extends EngineOptions {
  readonly json?: boolean
  /** Batches so many times as large. */
  readonly scale?: number
  /** Whether to tell the least time that its arithmetic or its bytes need here. */
  readonly bound?: boolean
  /** Whether the one workload waits for its turns on standard input. */
  readonly serve?: boolean
}

/** A line of `--json`. */
interface BenchEvent {
  readonly event: 'bench'
  readonly workload: string
  readonly backend: string
  readonly threads: number
  /** Each kernel at the speed of a product or of memory, whichever takes longer, on all threads. */
  readonly boundMs?: number
}

export const workloadNames = Object.keys(workloads)

/** Measures the named workloads, or all of them, and prints a table or a JSON object for each. */
export async function bench(names: readonly string[], options: BenchOptions): Promise<void> {
  if (options.serve) return serveTurns(names, options)
  const unknown = names.find((name) => !workloadNames.includes(name))
  if (unknown !== undefined)
    throw new UsageError(`unknown workload '${unknown}': choose from ${workloadNames.join(', ')}`)
  const chosen = names.length > 0 ? names : workloadNames
  if (!options.json && chosen.length > 0) process.stdout.write(`${tableHead(options)}\n`)
  for (const name of chosen) {
    const event = chosen.length === 1 ? await measure(name, options) : inChild(name, options)
    process.stdout.write(`${options.json ? JSON.stringify(event) : tableRow(event)}\n`)
  }
}

async function measure(name: string, options: BenchOptions): Promise<BenchEvent & Measured> {
  const { engine, startMs } = startEngine(options)
  const measured = await workloads[name].measure(engine.threads, options.scale)
  // Threads start while the first steps run; one that could not start makes the numbers worthless.
  await engine.ready()
  const { backend, threads } = engine
  const bound = options.bound ? await boundOf(name, threads, options.scale) : {}
  // The first step begins with the engine's start.
  const whole = 'firstStepMs' in measured ? { firstStepMs: measured.firstStepMs + startMs } : {}
  return { event: 'bench', workload: name, backend, threads, ...measured, ...whole, ...bound }
}

/** Nothing of a workload that is no one program: products of several sizes. */
async function boundOf(name: string, threads: number, scale?: number): Promise<{ boundMs?: number }> {
  const task = taskOf(name, scale)
  if (!task) return {}
  const { chunk = 1 } = task
  const { profile } = await import('../../inspect/index.ts')
  await task.steps(chunk)
  const { kernels } = profile(() => void task.steps(chunk))
  const boundMs = kernels.reduce((sum, { milliseconds, shareOfBound }) => sum + milliseconds * shareOfBound, 0)
  return { boundMs: boundMs / threads / chunk }
}

function startEngine(options: BenchOptions): { readonly engine: RunningEngine; readonly startMs: number } {
  const begin = performance.now()
  const engine = chooseEngine(options)
  return { engine, startMs: performance.now() - begin }
}

/** `npm run bench` alternates between processes: each has one workload and makes a turn when a line tells it to. */
async function serveTurns([name, ...others]: readonly string[], options: BenchOptions): Promise<void> {
  const { engine, startMs } = startEngine(options)
  const task = others.length > 0 || name === undefined ? undefined : taskOf(name, options.scale)
  if (!task) throw new UsageError(`--serve takes one workload, or a product of one size like gemm-512`)
  await serve(task, { version, threads: engine.threads }, startMs)
  await engine.ready()
}

function inChild(name: string, { backend, threads, scale, bound }: BenchOptions): BenchEvent & Measured {
  const given = { backend, threads, scale }
  const flags = Object.entries(given).flatMap(([key, value]) =>
    value === undefined ? [] : [`--${key}`, String(value)],
  )
  if (bound) flags.push('--bound')
  const child = spawnSync(process.execPath, [...process.execArgv, process.argv[1], 'bench', name, '--json', ...flags], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  if (child.status !== 0)
    throw new Error(
      `bench ${name} failed: ${child.stderr.trim().replace(/^tenon: /, '') || child.error || child.signal}`,
    )
  return JSON.parse(child.stdout)
}

const columns = [
  { title: 'workload', width: 13 },
  { title: 'median ms', width: 11 },
  { title: 'min ms', width: 11 },
  { title: 'first step', width: 11 },
  { title: 'loss 1', width: 9 },
  { title: 'loss 6', width: 9 },
]
const boundColumns = [
  { title: 'bound ms', width: 11 },
  { title: '× bound', width: 9 },
]

const row = (cells: readonly string[]): string =>
  [...columns, ...boundColumns]
    .map(({ width }, i) => (i === 0 ? (cells[i] ?? '').padEnd(width) : (cells[i] ?? '').padStart(width)))
    .join(' ')
    .trimEnd()

const tableHead = ({ bound }: BenchOptions): string =>
  picocolors.dim(row([...columns, ...(bound ? boundColumns : [])].map(({ title }) => title)))

function tableRow(event: BenchEvent & Measured): string {
  if ('gflops' in event) {
    const rates = Object.entries(event.gflops).map(([n, rate]) => `${n}: ${rate.toFixed(1)}`)
    const naive = `three plain loops: ${event.naive.toFixed(1)}`
    return `${event.workload.padEnd(columns[0].width)} GFLOP/s  ${rates.join('   ')}   ${naive}`
  }
  const [firstLoss, loss5] = 'firstLoss' in event ? [event.firstLoss, event.loss5] : []
  const losses = [firstLoss, loss5].map((loss) => loss?.toFixed(5) ?? '')
  const short = (x: number): string => Number(x.toPrecision(4)).toString()
  const times = [event.medianMs, event.minMs, event.firstStepMs].map(short)
  const bound = event.boundMs ? [short(event.boundMs), (event.minMs / event.boundMs).toFixed(2)] : []
  const rate = 'gbPerS' in event ? `  ${event.gbPerS.toFixed(2)} GB/s` : ''
  const copy = 'timesCopy' in event ? `, ${event.timesCopy.toFixed(2)} × the time of a copy` : ''
  return row([event.workload, ...times, ...losses, ...bound]) + rate + copy
}
