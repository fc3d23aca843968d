// profile(f): which kernels ran, how long, and how close to the machine's bounds.

import { chromeTrace } from '../engine/chrome-trace.ts'
import { type KernelTime, kernelTable, kernelTimes } from '../engine/kernel-table.ts'
import type { Recording } from '../engine/recording.ts'
import { backend, readAs, record } from '../tensor/index.ts'

export interface Profile {
  /** Dearest first. */
  readonly kernels: readonly KernelTime[]
  readonly recording: Recording
  /** The text of a file for chrome://tracing and ui.perfetto.dev. */
  chromeTrace(): string
  /** The kernels as an aligned table. */
  toString(): string
}

/**
 * Runs `f` and times every kernel meanwhile, on all threads; what was compiled before is timed too. Throws on the
 * reference backend, which has no kernels, and while another recording is in progress.
 *
 *     step(x, t) // compiled and warm
 *     console.log(String(profile(() => step(x, t))))
 */
export function profile(f: () => void): Profile {
  const on = backend()
  if (on.kind !== 'kernels')
    throw new Error(`profile: the ${on.name} backend has no kernels to time: configure({ backend: 'wasm' })`)
  const recording = record(on, f)
  const kernels = kernelTimes(recording)
  return { kernels, recording, chromeTrace: () => chromeTrace(recording), ...readAs(() => kernelTable(kernels)) }
}
