// What was recorded: stages and runs of programs, by the clock.

import type { ProgramTime } from '../backend/backend.ts'
import type { Bounds } from './machine-bounds.ts'

/** A stage of the compiler or of a call, in milliseconds of performance.now(). */
export interface Span {
  readonly name: string
  readonly start: number
  readonly stop: number
}

/** One run of a program, by the name of the function it was compiled from. */
export interface Run extends ProgramTime {
  readonly name: string
}

export interface Recording {
  readonly runs: readonly Run[]
  readonly spans: readonly Span[]
  /** What one thread of this machine can do at most. */
  readonly bounds: Bounds
  /** Pieces of work there was no room for. */
  readonly lost: number
}
