// What differs between Node and browsers, behind one small interface; `#platform` picks the implementation.

export interface WorkerEvents {
  /** The worker posted a value. */
  message(value: unknown): void
  /** The worker could not start, or died. */
  error(reason: string): void
}

export interface WorkerHandle {
  /** Whether the worker keeps the process alive; it does not until this is called. */
  keepAlive(yes: boolean): void
  terminate(): void
}

/** What is used of a browser's Worker. */
export interface WorkerLike {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void
  addEventListener(type: string, listener: (event: object) => void): void
  terminate(): void
}

/**
 * What a thread runs. It is sent to workers as text where they have no file, so it uses nothing but its arguments and globals.
 */
export type ThreadProgram<Data> = (
  data: Data,
  post: (value: unknown) => void,
  /** Loads a package by its file, in Node. */
  load?: (path: string) => unknown,
) => void

/** What a worker needs to call machine code: the first call of a thread has to be an ordinary one, or koffi 3.3 crashes. */
export interface NativeForWorkers {
  readonly koffiPath: string
  readonly library: string | null
  readonly ordinary: string
  readonly address: bigint
  readonly prototype: string
}

/** How machine code gets into memory and is called. Addresses are whole numbers below 2^53. */
export interface NativeHost {
  /** Where the system's functions find their parameters. */
  readonly convention: 'systemV' | 'windows'
  addressOf(view: ArrayBufferView): bigint
  /** Reserves addresses, for code to be installed at multiples of 4096 bytes; throws when there are none. */
  reserve(bytes: number): number
  /** Writes code to fresh pages and makes them executable; false where the system forbids it. */
  install(address: number, code: Uint8Array): boolean
  /** Asks for large pages behind addresses that memory comes to lie at, where the system has them for the asking: fewer faults, fewer walks of tables. */
  preferLargePages(address: bigint, bytes: number): void
  /** Gives back what was reserved. No thread may still run code in it. */
  release(address: number, bytes: number): void
  /** The code at the address as a function of so many whole numbers, with a result of 32 bits. */
  callable(address: number, parameters: number): (...values: (number | bigint)[]) => number
  /** How a worker makes the same of an address. */
  forWorkers(address: number, parameters: number): NativeForWorkers
}

export interface Platform {
  readonly name: 'node' | 'browser'
  /** How many threads the machine runs at the same time. */
  readonly cores: () => number
  /** An environment variable; none in browsers. */
  readonly environment: (name: string) => string | undefined
  /** Calls `f` when the process ends, unless it is killed; never in browsers. */
  readonly atExit: (f: () => void) => void
  /** Writes a text file whole or not at all; throws in browsers. */
  readonly writeFile: (path: string, text: string) => void
  /** Whether this thread may block: a browser's main thread may not. */
  readonly mayBlock: () => boolean
  /** Switches relaxed SIMD on where the host has it behind a flag: for the whole process, and only to be called where it is missing. */
  readonly enableRelaxedSimd?: () => void
  /** Access to machine code, or why there is none. */
  readonly native: () => NativeHost | string
  /**
   * Starts a thread that runs `program` with the given data, cloned or shared. Failure arrives through `events.error`, never as an
   * exception.
   */
  readonly startWorker: <Data>(program: ThreadProgram<Data>, data: Data, events: WorkerEvents) => WorkerHandle
  /** A new worker with an engine of its own, in a page; elsewhere there is none. */
  readonly engineWorker?: () => WorkerLike
}
