// The engine of a page: in a worker, so that the page stays alive while it computes; on the page itself where no worker can start.

import type { DirectBackend, RemoteBackend } from '../backend/backend.ts'
import { createRemoteBackend } from '../backend/remote/index.ts'
import type { Port, Reply } from '../backend/remote/messages.ts'
import { toWire } from '../backend/remote/wire.ts'
import type { WorkerLike } from '../platform/platform.ts'
import { type EngineRequest, listened, type Role } from '../platform/web-worker.ts'
import { type EngineServer, engineServer } from './engine-server.ts'

export interface PageEngineOptions {
  readonly name: string
  /** One thread for each core, unless told. */
  readonly options: EngineRequest
  readonly open: () => WorkerLike
  /** Makes the engine on this thread. */
  readonly here: () => DirectBackend
}

/** Starts the worker; what it can't do is said once on the console. */
export function pageEngine({ name, options, open, here }: PageEngineOptions): RemoteBackend {
  const backend = createRemoteBackend({
    name,
    threads: options.threads ?? navigator.hardwareConcurrency,
    port: workerPort(open, options),
    otherwise: (reason) => ({
      port: localPort(here),
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

/** The way to an engine on this very thread, which answers at once. */
export function localPort(here: () => DirectBackend): Port {
  let server: EngineServer | undefined
  return {
    open(heard) {
      const on = here()
      server = engineServer(on, heard)
      heard({ is: 'up' })
      const ready = (): void => heard({ is: 'ready', threads: on.threads, note: on.threadNote })
      if (on.ready) void on.ready().then(ready)
      else ready()
    },
    post: (commands) => server?.handle(commands),
  }
}
