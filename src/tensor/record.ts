// Recording: what ran when, kernel by kernel and stage by stage.

import type { KernelBackend } from '../backend/backend.ts'
import type { Recording } from '../engine/recording.ts'
import { engineHere, runtime } from './runtime.ts'

/** Runs `f` as a span with this name if someone records. */
export const span = <T>(name: string, f: () => T): T => (runtime.recorder ? runtime.recorder.span(name, f) : f())

/**
 * Runs `f` and gives what ran meanwhile. Only programs of kernels are timed: it throws on the reference backend.
 */
export function record(on: KernelBackend, f: () => void): Recording {
  if (runtime.recorder) throw new Error('profile: another recording is in progress (TENON_TRACE, TENON_DEBUG=kernels?)')
  const recorder = engineHere().record(on)
  runtime.recorder = recorder
  try {
    f()
  } finally {
    runtime.recorder = undefined
  }
  return recorder.end()
}
