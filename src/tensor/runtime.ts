// The one record of module state: the backend in use, the trace in progress, modes and random numbers; replaceable in tests.

import { engineAtOnce, loadEngine } from '#engine'
import { platform } from '#platform'
import type { Backend, Loaded } from '../backend/backend.ts'
import { type BackendName, backendNames, type Engine, type Recorder } from '../engine/engine.ts'
import { pageEngine } from '../engine/page-engine.ts'
import { trackPlaces } from '../graph/build.ts'
import type { DType } from '../graph/dtype.ts'
import type { Node, Scope } from '../graph/node.ts'
import { userPlace } from '../graph/place.ts'
import { misfit } from '../graph/refuse.ts'
import type { Dims } from '../graph/shape.ts'
import type { WorkerLike } from '../platform/platform.ts'

export interface RuntimeOptions {
  /**
   * `x86`, machine code for processors with AVX-512 or AVX2, in Node with the package koffi; `wasm`; or `reference`, which is slow and
   * obvious. Default: what TENON_BACKEND names, else `x86` where there is that and `wasm` elsewhere.
   */
  readonly backend?: BackendName
  /** Threads that compute, the calling one included; default: the machine's cores. */
  readonly threads?: number
  /** Whether compositions that lose digits or overflow are rewritten (see `stabilizations`); default true. */
  readonly stabilize?: boolean
  /** Notes for every value where in your code it was made, for `memoryReport`; it costs some microseconds an operation. */
  readonly trackMemory?: boolean
  /**
   * Whether products may use one instruction for a·b + c, whose last bits differ. `true` switches it on for the whole process
   * where Node has it behind a flag (Node 20); `false` does without. Default: TENON_RELAXED_SIMD (1 or 0), else as the host has it.
   */
  readonly relaxedSimd?: boolean
  /**
   * 'numpy' (default), or 'strict': tensors of different rank, or which both would be stretched, are refused, as a column less a
   * row, [n, 1] and [n], is nearly always a mistake.
   */
  readonly broadcasting?: 'numpy' | 'strict'
  /** Seed of all random numbers drawn without a key of their own; default 0. */
  readonly seed?: number
  /**
   * In a page: whether the engine works in a worker (default), so that the page stays alive meanwhile; or a function that makes the
   * worker, from a file of yours that calls `serve()` of `tenon/worker`. Without a worker numbers can be read at once, from when
   * `engineInfo()` has resolved: the engine has to be loaded. No matter elsewhere.
   */
  readonly worker?: boolean | (() => WorkerLike)
}

/** A program made ready; bindings are the leaves' storages, then the outputs'. */
export interface Executable extends Loaded {
  /** Of its intermediate values. */
  readonly bytes: number
  /** The last use, by `residents.use`. */
  used: number
}

/** What was made of a compiled function for arguments of one kind. */
export interface CompiledProgram {
  release(): void
}

/** Called after a compiled function ran `times` times. */
export type RunHook = (times: number) => void

/** What the trace in progress answers (see trace.ts and control.ts). */
export interface ActiveTrace {
  read(variable: object): Node
  assign(variable: object, value: Node): void
  readonly assigned: ReadonlyMap<object, Node>
  onRun(hook: RunHook): void
  drawsRandom: boolean
  ordinal: number
  /** The key of all streams drawn inside, where that is not the runtime's. */
  readonly stream?: () => Node
}

interface ResidentValue {
  readonly about: {
    readonly op: string
    readonly shape: Dims
    readonly dtype: DType
    readonly scope?: Scope | undefined
  }
  readonly bytes: number
  readonly used: number
  readonly canLeave: boolean
  spill(isEvicted: boolean): void
  free(): void
}

interface Runtime {
  /** Undefined: the usual one here. */
  backendName: BackendName | undefined
  threads: number | undefined
  relaxedSimd: boolean | undefined
  worker: boolean | (() => WorkerLike)
  /** The engine of this thread: in a page only once it was needed. */
  engine: Engine | undefined
  backend: Backend | undefined
  trace: ActiveTrace | undefined
  /** The module whose forward runs now. */
  module: object | undefined
  /** One entry for each transformed function that is running, with the number of the example where draws depend on it. */
  transforms: readonly (Node | undefined)[]
  /** Dropout and batch normalisation look at it. */
  training: boolean
  gradients: boolean
  stabilize: boolean
  strictBroadcasting: boolean
  /** `step` counts draws by calls, `parameters` the initial values drawn so far. */
  random: { seed: number; step: number; parameters: number }
  /** Grows when modules are frozen or changed, so that compiled functions trace again. */
  structure: number
  executables: Map<string, Executable>
  warnedOfHistory: boolean
  /** Who notes what runs when. */
  recorder: Recorder | undefined
  /**
   * Values in the backend's memory (see held.ts): how many bytes they may take before some leave it. `moves` grows whenever a value
   * came, left or changed hands: until then whoever bound values has them bound.
   */
  residents: { readonly values: Set<ResidentValue>; bytes: number; limit: number; use: number; moves: number }
  released: FinalizationRegistry<{ resident: ResidentValue; weight: ArrayBuffer }>
  /** Programs of compiled functions that were collected give their memory back. */
  compiled: FinalizationRegistry<readonly CompiledProgram[]>
  /** Bytes of large values made since the last time the event loop ran. */
  outstanding: number
}

/** Bytes of values that stay in the backend's memory whether they are needed again or not; it grows when they are. */
const residentBytes = 64 * 2 ** 20

const fresh = (): Runtime => ({
  backendName: undefined,
  threads: undefined,
  relaxedSimd: undefined,
  worker: true,
  engine: engineAtOnce,
  backend: undefined,
  trace: undefined,
  module: undefined,
  transforms: [],
  training: false,
  gradients: true,
  stabilize: true,
  strictBroadcasting: false,
  random: { seed: 0, step: 0, parameters: 0 },
  structure: 0,
  executables: new Map(),
  warnedOfHistory: false,
  recorder: undefined,
  residents: { values: new Set(), bytes: 0, limit: residentBytes, use: 1, moves: 0 },
  released: new FinalizationRegistry(({ resident }) => resident.free()),
  compiled: new FinalizationRegistry((programs) => {
    for (const program of programs) program.release()
  }),
  outstanding: 0,
})

export const runtime: Runtime = fresh()

/** Chooses backend, threads, seed and, in a page, the engine's worker. Values made before stay with the backend they were made on, so call it first. */
export function configure(options: RuntimeOptions): void {
  const {
    backend = runtime.backendName,
    threads,
    seed,
    worker = runtime.worker,
    relaxedSimd = runtime.relaxedSimd,
    trackMemory,
  } = options
  if (backend !== undefined && !backendNames.includes(backend))
    throw misfit(`configure: unknown backend '${String(backend)}': use 'wasm', 'x86' or 'reference'`)
  if (threads !== undefined && (!Number.isInteger(threads) || threads < 1))
    throw misfit(`configure: threads is ${threads}, it must be an integer of at least 1`)
  if (seed !== undefined && !Number.isSafeInteger(seed))
    throw misfit(`configure: the seed is ${seed}, it must be an integer`)
  // As asked for: a page may have got fewer.
  const hasThreads =
    threads === undefined || (runtime.backend && threads === (runtime.threads ?? runtime.backend.threads))
  const isSame = backend === runtime.backendName && worker === runtime.worker && relaxedSimd === runtime.relaxedSimd
  if (!isSame || !hasThreads) {
    runtime.relaxedSimd = relaxedSimd
    runtime.backendName = backend
    runtime.worker = worker
    runtime.threads = threads ?? runtime.threads
    runtime.backend = undefined
    runtime.executables = new Map()
    runtime.structure++
  }
  if (options.stabilize !== undefined && options.stabilize !== runtime.stabilize) {
    runtime.stabilize = options.stabilize
    runtime.executables = new Map()
    runtime.structure++
  }
  if (trackMemory !== undefined) trackPlaces(trackMemory ? userPlace : undefined)
  const { broadcasting } = options
  if (broadcasting !== undefined) runtime.strictBroadcasting = isStrict('configure', broadcasting)
  if (seed !== undefined) runtime.random = { seed, step: 0, parameters: 0 }
}

/** The backend in use, started when first needed. */
export function backend(): Backend {
  if (runtime.backend) return runtime.backend
  const started = start()
  runtime.backend = started
  if (platform.environment('TENON_DEBUG')?.split(',').includes('memory')) trackPlaces(userPlace)
  return started
}

function start(): Backend {
  const { backendName: name, engine, threads, relaxedSimd } = runtime
  const options = {
    ...(threads === undefined ? {} : { threads }),
    ...(relaxedSimd === undefined ? {} : { relaxedSimd }),
  }
  const open = worker()
  if (engine && !open) return engine.start(name, options)
  return pageEngine({ name: name ?? 'wasm', options, open, load })
}

/** Makes the worker that the engine is to work in; undefined where it works on the calling thread, as it does where that may wait. */
function worker(): (() => WorkerLike) | undefined {
  if ((runtime.backendName ?? 'wasm') !== 'wasm' || platform.mayBlock() || runtime.worker === false) return undefined
  return runtime.worker === true ? platform.engineWorker : runtime.worker
}

async function load(): Promise<Engine> {
  runtime.engine ??= await loadEngine()
  return runtime.engine
}

/** The engine of this thread, for a backend that it started. */
export function engineHere(): Engine {
  if (runtime.engine) return runtime.engine
  throw new Error('the engine of this thread is not loaded yet: `await engineInfo()` before')
}

/** What computes. */
export interface EngineInfo {
  readonly backend: string
  readonly threads: number
  /** Why it works with fewer threads than the machine has, or not in a worker where it should; undefined where all is well. */
  readonly threadNote: string | undefined
}

/** What computes, once its threads are up. It says so only on the console otherwise, and only where something is amiss. */
export async function engineInfo(): Promise<EngineInfo> {
  if (!runtime.backend && !worker()) await load()
  const on = backend()
  await on.ready?.()
  return { backend: on.name, threads: on.threads, threadNote: on.threadNote }
}

/** Runs `f` with training behaviour on (dropout drops, batch statistics are used and updated) or off. */
export function withTraining<T>(training: boolean, f: () => T): T {
  const before = runtime.training
  runtime.training = training
  try {
    return f()
  } finally {
    runtime.training = before
  }
}

function isStrict(where: string, broadcasting: string): boolean {
  if (broadcasting !== 'numpy' && broadcasting !== 'strict')
    throw misfit(`${where}: unknown broadcasting '${String(broadcasting)}': use 'numpy' or 'strict'`)
  return broadcasting === 'strict'
}

/** Runs `f` with broadcasting as NumPy's or strict (see `configure`). */
export function withBroadcasting<T>(broadcasting: 'numpy' | 'strict', f: () => T): T {
  const before = runtime.strictBroadcasting
  runtime.strictBroadcasting = isStrict('withBroadcasting', broadcasting)
  try {
    return f()
  } finally {
    runtime.strictBroadcasting = before
  }
}

/** Runs `f`; what it computes is a constant to every later gradient. */
export function noGrad<T>(f: () => T): T {
  const before = runtime.gradients
  runtime.gradients = false
  try {
    return f()
  } finally {
    runtime.gradients = before
  }
}
