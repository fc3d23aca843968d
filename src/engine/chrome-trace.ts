// A recording as a Chrome trace: JSON for chrome://tracing and Perfetto (Google's Trace Event Format).

import { nameOf, workOf } from '../kernel/work.ts'
import { launchTimes, leastSeconds } from './machine-bounds.ts'
import type { Recording, Run } from './recording.ts'

interface TraceEvent {
  readonly name: string
  readonly cat?: string
  /** X: from `ts`, `dur` long, in microseconds; M: metadata. */
  readonly ph: 'X' | 'M'
  readonly pid: number
  readonly tid: number
  readonly ts?: number
  readonly dur?: number
  readonly args?: { readonly [name: string]: string | number }
}

/** The file's text. Pieces of kernels lie on the threads that ran them; stages of the compiler and whole programs on the calling one. */
export function chromeTrace(recording: Recording): string {
  const { runs, spans, bounds, lost } = recording
  const events: TraceEvent[] = [
    { name: 'process_name', ph: 'M', pid: 1, tid: 0, args: { name: 'tenon' } },
    ...threadsOf(runs).map((tid): TraceEvent => {
      return { name: 'thread_name', ph: 'M', pid: 1, tid, args: { name: tid === 0 ? 'caller' : `worker ${tid}` } }
    }),
    ...spans.map(({ name, start, stop }) => lasting(name, 'stage', 0, start, stop)),
    ...runs.flatMap((run) => runEvents(run, recording)),
  ]
  const otherData = {
    bounds: `one thread: ${giga(bounds.flops)} GFLOP/s, ${giga(bounds.cached)} GB/s in cache, ${giga(bounds.memory)} GB/s in memory`,
    ...(lost > 0 ? { lost } : {}),
  }
  return JSON.stringify({ traceEvents: events, displayTimeUnit: 'ns', otherData })
}

function runEvents(run: Run, { bounds }: Recording): TraceEvent[] {
  const { program } = run
  const times = launchTimes(run)
  const described = new Map(
    [...times].map(([launch, { runs, iterations }]) => {
      const { ops = '', path = '' } = program.labels?.get(launch) ?? {}
      const fixed = { ...(ops ? { operations: ops } : {}), ...(path ? { modules: path } : {}) }
      return [
        launch,
        {
          name: nameOf(program, launch),
          work: workOf(program, launch),
          iterations: iterations / Math.max(1, runs),
          fixed,
        },
      ] as const
    }),
  )
  const pieces = run.pieces.flatMap(({ launch, packing, thread, begin, end, start, stop }): TraceEvent[] => {
    const of = described.get(launch)
    if (!of) return []
    if (packing) return [lasting(`packing for ${of.name}`, 'kernel', thread, start, stop, of.fixed)]
    const part = (end - begin) / of.iterations
    const work = { flops: Math.round(of.work.flops * part), bytes: Math.round(of.work.bytes * part) }
    const seconds = (stop - start) / 1000
    const rates =
      seconds > 0
        ? {
            'GFLOP/s': rounded(work.flops / seconds / 1e9),
            'GB/s': rounded(work.bytes / seconds / 1e9),
            'share of the bound, %': rounded((100 * leastSeconds(work, bounds)) / seconds),
          }
        : {}
    return [
      lasting(of.name, 'kernel', thread, start, stop, {
        ...of.fixed,
        ...work,
        ...rates,
        iterations: `${begin}…${end - 1}`,
      }),
    ]
  })
  return [lasting(run.name, 'program', 0, run.start, run.stop), ...pieces]
}

function lasting(
  name: string,
  cat: string,
  tid: number,
  start: number,
  stop: number,
  args?: TraceEvent['args'],
): TraceEvent {
  return { name, cat, ph: 'X', pid: 1, tid, ts: micro(start), dur: micro(stop - start), ...(args ? { args } : {}) }
}

const threadsOf = (runs: readonly Run[]): number[] =>
  [...new Set([0, ...runs.flatMap((run) => run.pieces.map((p) => p.thread))])].sort((a, b) => a - b)

const micro = (milliseconds: number): number => Math.round(1e6 * milliseconds) / 1e3
const rounded = (value: number): number => Math.round(100 * value) / 100
const giga = (value: number): string => (value / 1e9).toFixed(1)
