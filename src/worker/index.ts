/** What the workers of a page do: one has the engine, the others are its threads. */
import { platform } from '#platform'
import type { Reply } from '../backend/remote/messages.ts'
import { fromWire, type WireCommand } from '../backend/remote/wire.ts'
import { createWasmBackend } from '../backend/wasm/index.ts'
import { threadProgram, type WorkerData } from '../backend/wasm/worker.ts'
import type { EngineServer } from '../engine/engine.ts'
import { engineServer } from '../engine/server.ts'
import { type EngineRequest, type Role, startThread, textWorker } from '../platform/web-worker.ts'
import { routines } from './routines.ts'

/**
 * Makes this worker the one that a page's engine works in. The package has such a file already; with one of your own, of this one call,
 * you decide where it lies:
 *
 *     // engine.worker.ts                            // in the page
 *     import { serve } from 'tenon/worker'           configure({ worker: () =>
 *     serve()                                          new Worker(new URL('./engine.worker.ts', import.meta.url), { type: 'module' }) })
 */
export function serve(): void {
  let server: EngineServer | undefined
  addEventListener('message', ({ data }: MessageEvent<Role | WireCommand[]>) => {
    if (Array.isArray(data)) server?.handle(fromWire(data, routines))
    else if (data.role === 'thread') threadProgram(data.data as WorkerData, (value) => postMessage(value))
    else server = startEngine(data.options)
  })
}

function startEngine(options: EngineRequest): EngineServer | undefined {
  const reply = (message: Reply, transfer: ArrayBuffer[] = []): void => postMessage(message, { transfer })
  try {
    const backend = createWasmBackend({
      ...options,
      platform: { ...platform, startWorker: (program, data, events) => startThread(ways(program), data, events) },
      // The page says it.
      warn: () => {},
    })
    reply({ is: 'up' })
    void backend.ready().then(() => reply({ is: 'ready', threads: backend.threads, note: backend.threadNote }))
    return engineServer(backend, reply)
  } catch (error) {
    reply({ is: 'broken', reason: error instanceof Error ? error.message : String(error) })
    return undefined
  }
}

/** Threads run this very file, wherever it lies: a strict Content-Security-Policy allows no other. */
const ways = (program: Parameters<typeof textWorker>[0]) => [
  () => new Worker(location.href, { type: 'module', name: 'tenon thread' }),
  () => textWorker(program),
]
