// The engine as the command line starts it: a thread that can't start is an error, not a surprise.
import { createWasmBackend } from '../backend/wasm/index.ts'
import { configure, type RuntimeOptions, runtime } from '../tensor/index.ts'

type BackendName = NonNullable<RuntimeOptions['backend']>

export const backends = ['wasm', 'reference'] as const satisfies readonly BackendName[]

export interface EngineOptions {
  readonly backend?: BackendName
  readonly threads?: number
  readonly seed?: number
  /** Whether a·b + c may be one instruction. The process is ours, so it may unless told. */
  readonly relaxedSimd?: boolean
}

export interface RunningEngine {
  readonly backend: BackendName
  readonly threads: number
  /** Throws if a thread could not start; resolves when all work. */
  readonly ready: () => Promise<void>
}

/** Chooses backend, threads and seed; starts no thread before it is needed. */
export function chooseEngine({
  backend = 'wasm',
  relaxedSimd = wantsRelaxedSimd(),
  ...options
}: EngineOptions): RunningEngine {
  configure({ backend, relaxedSimd, ...options })
  if (backend === 'reference') return { backend, threads: 1, ready: async () => {} }
  const { threads } = options
  let isReady = false
  const engine = createWasmBackend({
    ...(threads === undefined ? {} : { threads }),
    relaxedSimd,
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

/** What the command line uses unless told: the variable TENON_RELAXED_SIMD can forbid it. */
export const wantsRelaxedSimd = (): boolean => process.env.TENON_RELAXED_SIMD !== '0'
