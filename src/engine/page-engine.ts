// The engine of a page: in a worker, so that the page stays alive while it computes; on the page itself where none can start.

import type { DirectBackend, RemoteBackend } from '../backend/backend.ts'
import { createRemoteBackend } from '../backend/remote/index.ts'
import type { Port, Reply } from '../backend/remote/messages.ts'
import { toWire } from '../backend/remote/wire.ts'
import type { WorkerLike } from '../platform/platform.ts'
import { type EngineRequest, listened, type Role } from '../platform/web-worker.ts'
import type { BackendName, Engine, EngineServer } from './engine.ts'

export interface PageEngineOptions {
  readonly name: BackendName
  /** One thread for each core, unless told. */
  readonly options: EngineRequest
  /** Makes the worker; without it the engine works on this thread. */
  readonly open: (() => WorkerLike) | undefined
  /** Loads the engine of this thread. */
  readonly load: () => Promise<Engine>
}

/** Starts the engine; what it can't do is said once on the console. */
export function pageEngine({ name, options, open, load }: PageEngineOptions): RemoteBackend {
  const here = (): Port =>
    localPort(async () => {
      const engine = await load()
      return { engine, on: engine.start(name, options) }
    })
  const threads = options.threads ?? navigator.hardwareConcurrency
  if (!open) return createRemoteBackend({ name, threads, port: here() })
  const backend = createRemoteBackend({
    name,
    threads,
    port: workerPort(open, options),
    otherwise: (reason) => ({
      port: here(),
      note: `the engine's worker could not start (${reason}), so it works on the page itself, which stands still meanwhile. Let workers of this origin start (Content-Security-Policy: worker-src 'self'), or make the worker yourself: configure({ worker: () => new Worker(…) }) with a file that calls serve() of 'tenon/worker'`,
    }),
  })
  void backend.ready().then(() => {
    if (backend.threadNote !== undefined) console.warn(`tenon: ${backend.threadNote}`)
  })
  return backend
}

/** The way to an engine in a worker. */
function workerPort(open: () => WorkerLike, options: EngineRequest): Port {
  let worker: WorkerLike | undefined
  return {
    open(heard, failed) {
      worker = listened(open(), {
        message: (value) => heard(value as Reply),
        error: failed,
      })
      worker.postMessage({ role: 'engine', options } satisfies Role, [])
    },
    post: (commands, transfer) => worker?.postMessage(toWire(commands), transfer),
  }
}

/** The way to an engine on this very thread, which answers at once when it is there. */
export function localPort(start: () => Promise<{ readonly engine: Engine; readonly on: DirectBackend }>): Port {
  let server: EngineServer | undefined
  return {
    open(heard, failed) {
      const begin = async (): Promise<void> => {
        const { engine, on } = await start()
        server = engine.serve(on, heard)
        heard({ is: 'up' })
        await on.ready?.()
        heard({ is: 'ready', threads: on.threads, note: on.threadNote })
      }
      begin().catch((error: unknown) => failed(error instanceof Error ? error.message : String(error)))
    },
    post: (commands) => server?.handle(commands),
  }
}
