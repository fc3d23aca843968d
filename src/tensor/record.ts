// Recording: what ran when, kernel by kernel and stage by stage, for traces and tables of kernels.

import { platform } from '#platform'
import type { KernelBackend, ProgramTime } from '../backend/backend.ts'
import type { Program } from '../kernel/program.ts'
import { chromeTrace } from './chrome-trace.ts'
import { kernelTable, kernelTimes } from './kernel-table.ts'
import { measureBounds } from './machine-bounds.ts'
import type { Recording, Run, Span } from './recording.ts'
import { runtime } from './runtime.ts'

/** Later pieces are counted, not kept: a trace of this size is some 60 MB. */
const mostPieces = 200_000

/** Notes runs and spans until it is ended. */
export class Recorder {
  private readonly runs: Run[] = []
  private readonly spans: Span[] = []
  private readonly on: KernelBackend
  private pieces = 0
  private lost = 0

  constructor(on: KernelBackend) {
    if (!on.measure) throw new Error(`the ${on.name} backend cannot time its kernels: use the wasm backend`)
    this.on = on
    on.measure((run) => this.note(run))
  }

  span<T>(name: string, f: () => T): T {
    const start = performance.now()
    try {
      return f()
    } finally {
      this.spans.push({ name, start, stop: performance.now() })
    }
  }

  /** Measures what the machine can do and gives everything that was noted. */
  end(): Recording {
    const bounds = measureBounds(this.on)
    this.on.measure?.(undefined)
    return { runs: this.runs, spans: this.spans, bounds, lost: this.lost }
  }

  private note(run: ProgramTime): void {
    this.lost += run.lost
    if (this.pieces >= mostPieces) {
      this.lost += run.pieces.length
      return
    }
    this.pieces += run.pieces.length
    this.runs.push({ ...run, name: runtime.programNames.get(run.program) ?? 'evaluate' })
  }
}

/** Runs `f` as a span with this name if someone records. */
export const span = <T>(name: string, f: () => T): T => (runtime.recorder ? runtime.recorder.span(name, f) : f())

/**
 * Runs `f` and gives what ran meanwhile. Only programs of kernels are timed: it throws on the reference backend.
 */
export function record(on: KernelBackend, f: () => void): Recording {
  if (runtime.recorder) throw new Error('profile: another recording is in progress (TENON_TRACE, TENON_DEBUG=kernels?)')
  const recorder = new Recorder(on)
  runtime.recorder = recorder
  try {
    f()
  } finally {
    runtime.recorder = undefined
  }
  return recorder.end()
}

/** Starts what `TENON_TRACE=file` and `TENON_DEBUG=kernels` ask for; they are written when the process ends. */
export function recordAsAsked(on: KernelBackend): void {
  const file = platform.environment('TENON_TRACE')
  const table = platform.environment('TENON_DEBUG')?.split(',').includes('kernels') ?? false
  if ((!file && !table) || runtime.recorder || !on.measure) return
  const recorder = new Recorder(on)
  runtime.recorder = recorder
  platform.atExit(() => {
    const recording = recorder.end()
    if (table) console.error(`--- kernels, timed\n${kernelTable(kernelTimes(recording))}`)
    if (!file) return
    platform.writeFile(file, chromeTrace(recording))
    const lost = recording.lost > 0 ? `; the last ${recording.lost} pieces of work are left out` : ''
    console.error(`tenon: wrote the trace ${file} (open it in chrome://tracing or ui.perfetto.dev)${lost}`)
  })
}

export const nameProgram = (program: Program, name: string): void => void runtime.programNames.set(program, name)
