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
  /**
   * Starts a thread that runs `source`, plain JavaScript in which `data` is the given value (cloned or shared) and
   * `post(value)` sends one back. Failure arrives through `events.error`, never as an exception.
   */
  readonly startWorker: (source: string, data: unknown, events: WorkerEvents) => WorkerHandle
}
