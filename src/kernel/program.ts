// A program: kernels, where their data lies, and the order in which they run, as plain data that can be posted to another thread.

import type { ContractKernel, ContractLaunch } from './contract.ts'
import type { LoopKernel, LoopLaunch } from './loop.ts'
import type { RoutineKernel, RoutineLaunch } from './routine.ts'
import type { Table } from './table.ts'

/** What a person calls a launch. */
export interface Label {
  /** The modules, losses or optimizers whose work it does, as `linear+relu`; `∇` marks derivatives. Empty if nothing is known. */
  readonly name: string
  /** The operations that it fuses, as `matmul+add+maximum`. */
  readonly ops: string
  /** The paths of the modules, as `encoder.0, encoder.1`. */
  readonly path: string
}

export type Kernel = LoopKernel | ContractKernel | RoutineKernel
export type Launch = LoopLaunch | ContractLaunch | RoutineLaunch

/**
 * A buffer is a range of the program's own arena (kept between calls, shared by values that are never alive together), a
 * binding given at each call, or a window that moves over another buffer: it lies `first` bytes into that one in the first turn
 * of the loop that names it, and `step` bytes further in every later one.
 */
export type BufferPlace =
  | { readonly kind: 'arena'; readonly offset: number; readonly bytes: number }
  | { readonly kind: 'binding'; readonly slot: number; readonly bytes: number }
  | {
      readonly kind: 'moving'
      readonly buffer: number
      readonly first: number
      readonly step: number
      readonly bytes: number
    }

/** Launches that are independent of each other, apart from those of a chain. */
export interface Phase {
  readonly kind: 'phase'
  readonly launches: readonly Launch[]
  readonly chains?: readonly Chain[]
}

/**
 * So many of a phase's launches, from number `first` on, one after the other. They may run in pieces, too, the first of all of them before the
 * second of any: batch elements of products, and iterations of loops, in equal shares.
 */
export interface Chain {
  readonly first: number
  readonly length: number
  readonly pieces: number
}

/** From when on launches become chains. */
export interface Chaining {
  /** Bytes of values that a chain passes on at least, and of a piece of them at most, which a cache shall keep. */
  readonly leastBytes: number
  readonly mostBytesOfPiece: number
  readonly fewestPieces: number
  /** Nanoseconds of work that a thread takes at a time: smaller pieces are joined. */
  readonly claim: number
}

/** Steps that run `turns` times over. */
export interface LoopStep {
  readonly kind: 'loop'
  readonly turns: number
  /** Run before every turn; the loop ends when they leave 0 in the first byte of `flag`. */
  readonly test?: { readonly steps: readonly Step[]; readonly flag: number }
  readonly steps: readonly Step[]
  /** The buffers that move from turn to turn. */
  readonly moving: readonly number[]
}

/** One of two lists of steps: the first if the first byte of a buffer is not 0. */
export interface BranchStep {
  readonly kind: 'branch'
  readonly flag: number
  readonly whenTrue: readonly Step[]
  readonly whenFalse: readonly Step[]
}

export type Step = Phase | LoopStep | BranchStep

export interface Program {
  /** What a person calls it. */
  readonly name?: string
  readonly kernels: readonly Kernel[]
  readonly buffers: readonly BufferPlace[]
  /** Offset tables of contract kernels. */
  readonly tables: readonly Table[]
  /** A step starts when the one before has ended. */
  readonly steps: readonly Step[]
  /** One for each launch, for people who look at a program. */
  readonly labels?: ReadonlyMap<Launch, Label>
  readonly arenaBytes: number
  readonly bindings: number
}

/** The steps inside a step, of all of its lists. */
export function innerSteps(step: Step): readonly Step[] {
  if (step.kind === 'phase') return []
  if (step.kind === 'branch') return [...step.whenTrue, ...step.whenFalse]
  return [...(step.test?.steps ?? []), ...step.steps]
}

/** Every launch of a program, in the order in which they are written down. */
export const launchesOf = (steps: readonly Step[]): Launch[] =>
  steps.flatMap((step) => (step.kind === 'phase' ? step.launches : launchesOf(innerSteps(step))))
