// A program: kernels, where their data lies, and the order in which they run, as plain data that can be posted to another thread.

import type { ContractKernel, ContractLaunch } from './contract.ts'
import type { LoopKernel, LoopLaunch } from './loop.ts'
import type { RoutineKernel, RoutineLaunch } from './routine.ts'

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

/** A buffer is a range of the program's own arena (kept between calls, shared by values that are never alive together) or a binding given at each call. */
export type BufferPlace =
  | { readonly kind: 'arena'; readonly offset: number; readonly bytes: number }
  | { readonly kind: 'binding'; readonly slot: number; readonly bytes: number }

export interface Program {
  readonly kernels: readonly Kernel[]
  readonly buffers: readonly BufferPlace[]
  /** Offset tables of contract kernels. */
  readonly tables: readonly Int32Array[]
  /** The launches of one phase are independent of each other; a phase starts when the one before has ended. */
  readonly phases: readonly (readonly Launch[])[]
  /** One for each launch, for people who look at a program. */
  readonly labels?: ReadonlyMap<Launch, Label>
  readonly arenaBytes: number
  readonly bindings: number
}
