// The engine as the command line starts it: a thread that can't start is an error, not a surprise.
import { createX86Backend } from '#x86'
import { createWasmBackend, type WasmBackend, type WasmOptions } from '../backend/wasm/index.ts'
import type { BackendName } from '../engine/engine.ts'
import { usualBackend } from '../engine/usual-backend.ts'
import { configure, runtime } from '../tensor/index.ts'

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
  backend = usualBackend(),
  relaxedSimd = wantsRelaxedSimd(),
  ...options
}: EngineOptions): RunningEngine {
  configure({ backend, relaxedSimd, ...options })
  if (backend === 'reference') return { backend, threads: 1, ready: async () => {} }
  const { threads } = options
  let isReady = false
  const engine = openEngine(backend, {
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

/** Throws where the backend does not exist. */
function openEngine(name: 'wasm' | 'x86', options: WasmOptions): WasmBackend {
  if (name === 'wasm') return createWasmBackend(options)
  const engine = createX86Backend(options)
  if (typeof engine === 'string') throw new Error(`there is no backend x86 here: ${engine}; use --backend wasm`)
  return engine
}
