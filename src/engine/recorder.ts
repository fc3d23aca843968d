// The clock beside a backend: notes what ran when, kernel by kernel and stage by stage, for traces and tables of kernels.

import { platform } from '#platform'
import type { KernelBackend, ProgramTime } from '../backend/backend.ts'
import { chromeTrace } from './chrome-trace.ts'
import type { Recorder } from './engine.ts'
import { kernelTable, kernelTimes } from './kernel-table.ts'
import { measureBounds } from './machine-bounds.ts'
import type { Recording, Run, Span } from './recording.ts'

/** Later pieces are counted, not kept: a trace of this size is some 60 MB. */
const mostPieces = 200_000

export const startRecorder = (on: KernelBackend): Recorder => new KernelClock(on)

/** What `TENON_TRACE=file` and `TENON_DEBUG=kernels` ask for. */
export function recordAsAsked(on: KernelBackend): Recorder | undefined {
  const file = platform.environment('TENON_TRACE')
  const table = platform.environment('TENON_DEBUG')?.split(',').includes('kernels') ?? false
  if ((!file && !table) || !on.measure) return undefined
  const recorder = startRecorder(on)
  platform.atExit(() => {
    const recording = recorder.end()
    if (table) console.error(`--- kernels, timed\n${kernelTable(kernelTimes(recording))}`)
    if (!file) return
    platform.writeFile(file, chromeTrace(recording))
    const lost = recording.lost > 0 ? `; the last ${recording.lost} pieces of work are left out` : ''
    console.error(`tenon: wrote the trace ${file} (open it in chrome://tracing or ui.perfetto.dev)${lost}`)
  })
  return recorder
}

class KernelClock implements Recorder {
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
    this.runs.push({ ...run, name: run.program.name ?? 'evaluate' })
  }
}
