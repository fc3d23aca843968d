// An engine: starts backends, makes graphs ready for them, and looks at what they do. Tensors know no more of it than this.

import type { DirectBackend, KernelBackend, Loaded } from '../backend/backend.ts'
import type { Command, Reply } from '../backend/remote/messages.ts'
import type { Graph } from '../graph/graph.ts'
import type { EngineRequest } from '../platform/web-worker.ts'
import type { Recording } from './recording.ts'

export const backendNames = ['wasm', 'x86', 'reference'] as const

export type BackendName = (typeof backendNames)[number]

export interface Engine {
  /** A new backend, of the usual kind where none is named; throws where there is none of that name. */
  start(name: BackendName | undefined, options: EngineRequest): DirectBackend
  /** Makes a graph ready to run on a backend. */
  prepare(graph: Graph, on: DirectBackend, onlooker?: Onlooker): Loaded
  /** Does on a backend what messages say. */
  serve(on: DirectBackend, reply: Tell): EngineServer
  /** Notes what runs from now on; throws where kernels cannot be timed. */
  record(on: KernelBackend): Recorder
  /** The same if `TENON_TRACE=file` or `TENON_DEBUG=kernels` ask for it; written when the process ends. */
  recordAsAsked(on: KernelBackend): Recorder | undefined
}

/** How a server answers, with what moves over instead of being copied. */
export type Tell = (reply: Reply, transfer: ArrayBuffer[]) => void

export interface EngineServer {
  /** Does what is asked, in order. Nothing is thrown: reads are answered with what went wrong. */
  handle(commands: readonly Command[]): void
}

/** Who looks on while a graph is made ready. */
export interface Onlooker {
  /** What the program is called in recordings. */
  readonly name: string
  /** Calls `f`, a stage of the work. */
  span<T>(name: string, f: () => T): T
  /** The program is compiled, and wants memory. */
  planned(demand: Demand): void
}

/** Bytes of a program's intermediate values: of all at once, and of the largest. */
export interface Demand {
  readonly bytes: number
  readonly largest: number
}

/** Notes runs and spans until it is ended. */
export interface Recorder {
  span<T>(name: string, f: () => T): T
  /** Measures what the machine can do and gives everything that was noted. */
  end(): Recording
}
