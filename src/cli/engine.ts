// The engine as the command line starts it: a thread that can't start is an error, not a surprise.
import { createWasmBackend } from '../backend/wasm/index.ts'
import { configure, type RuntimeOptions, runtime } from '../tensor/index.ts'

type BackendName = NonNullable<RuntimeOptions['backend']>

export const backends = ['wasm', 'reference'] as const satisfies readonly BackendName[]

export interface EngineOptions {
  readonly backend?: BackendName
  readonly threads?: number
  readonly seed?: number
}

export interface RunningEngine {
  readonly backend: BackendName
  readonly threads: number
  /** Throws if a thread could not start; resolves when all work. */
  readonly ready: () => Promise<void>
}

/** Chooses backend, threads and seed; starts no thread before it is needed. */
export function chooseEngine({ backend = 'wasm', ...options }: EngineOptions): RunningEngine {
  configure({ backend, ...options })
  if (backend === 'reference') return { backend, threads: 1, ready: async () => {} }
  const { threads } = options
  let isReady = false
  const engine = createWasmBackend({
    ...(threads === undefined ? {} : { threads }),
    // Before it is ready, a thread that failed is reported by the error below.
    warn: (message) => {
      if (isReady) process.stderr.write(`${message}\n`)
    },
  })
  runtime.backend = engine
  const ready = async (): Promise<void> => {
    await engine.ready()
    isReady = true
    if (engine.threadNote === undefined) return
    const note = engine.threadNote.replace(/; going on.*/, '')
    engine.terminate()
    throw new Error(`${note}; run with --threads 1, which needs none`)
  }
  return { backend, threads: engine.threads, ready }
}
