// The interface of a backend: memory, and a way to run what was compiled. It fits on one screen, and the same suite runs on every one.

import type { DataArray, DType } from '../graph/dtype.ts'
import type { Graph } from '../graph/graph.ts'
import type { Node } from '../graph/node.ts'
import type { SeesPadding } from '../kernel/contract.ts'
import type { Chaining, Launch, Program } from '../kernel/program.ts'

/** A piece of a backend's memory. Opaque: only its backend can read it. */
export interface Storage {
  readonly bytes: number
}

/** Numbers that come from another thread. */
export interface Arrival {
  /** What has come so far; throws what went wrong over there. */
  now(): DataArray | undefined
  later(): Promise<DataArray>
}

interface Memory<Read> {
  readonly name: string
  readonly threads: number
  /** Why fewer threads work than were asked for, or elsewhere than they should. */
  readonly threadNote: string | undefined
  /** Resolves when it works with all the threads that it can get. */
  ready?(): Promise<void>
  /** Uninitialised memory; throws an error that names the sizes when there is none left. */
  allocate(bytes: number): Storage
  /** Gives the memory back; the storage may not be used again. */
  release(storage: Storage): void
  upload(storage: Storage, data: DataArray): void
  /** A copy, never shared memory. */
  download(storage: Storage, dtype: DType, length: number): Read
  copy(from: Storage, to: Storage): void
}

/** A program with its memory, ready to run. */
export interface Loaded {
  /**
   * Runs the program `times` times (default 1) on the given bindings, one storage per slot; returns when it has ended. The caller may
   * know that they are those of its last run, none released in between.
   */
  run(bindings: readonly Storage[], times?: number, unchanged?: boolean): void
  release(): void
}

/** A backend that runs compiled kernels. */
export interface KernelBackend extends Memory<DataArray> {
  readonly kind: 'kernels'
  load(program: Program): Loaded
  /** Which convolutions of padded images its kernels take as they are. */
  readonly seesPadding?: SeesPadding | undefined
  /** Which launches it would rather run piece by piece. */
  readonly chaining?: Chaining
  /** Times every program from now on and tells `listener` of each run, or with undefined stops doing so. What is off costs nothing. */
  measure?(listener: ((run: ProgramTime) => void) | undefined): void
}

/** One run of a program, in milliseconds of this thread's performance.now(). */
export interface ProgramTime {
  readonly program: Program
  readonly start: number
  readonly stop: number
  readonly pieces: readonly PieceTime[]
  /** Pieces of work there was no room to note. */
  readonly lost: number
}

/** The part of a launch that a thread ran in one go: iterations `begin` to `end` − 1. Thread 0 is the calling one. */
export interface PieceTime {
  readonly launch: Launch
  /** Whether it only packed operands for the launch, ahead of it: `begin` and `end` count something else then. */
  readonly packing: boolean
  readonly thread: number
  readonly begin: number
  readonly end: number
  readonly start: number
  readonly stop: number
}

/** A backend that evaluates graph nodes by their records and never sees a kernel. */
export interface GraphBackend extends Memory<DataArray> {
  readonly kind: 'graph'
  evaluate(outputs: readonly Node[], leaf: (node: Node<'leaf'>) => Storage): Storage[]
}

/** A backend on another thread, which does in order what it is told; what goes wrong there is thrown by the next read. */
export interface RemoteBackend extends Memory<Arrival> {
  readonly kind: 'remote'
  prepare(graph: Graph): Loaded
  ready(): Promise<void>
}

/** A backend on this thread: its numbers can be read at once. */
export type DirectBackend = KernelBackend | GraphBackend
export type Backend = DirectBackend | RemoteBackend
