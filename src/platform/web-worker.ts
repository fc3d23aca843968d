// Workers of browsers: what they are told first, and how one is started by the first of several ways that works.

import type { ThreadProgram, WorkerEvents, WorkerHandle, WorkerLike } from './platform.ts'
import { programText } from './program-text.ts'

/** The first message to a worker of the package: that it is to be a thread of an engine, or to have an engine. */
export type Role =
  | { readonly role: 'thread'; readonly data: unknown }
  | { readonly role: 'engine'; readonly options: EngineRequest }

/** What is asked of an engine. */
export interface EngineRequest {
  readonly threads?: number
  readonly relaxedSimd?: boolean
}

/** Starts a thread by the first of several ways that works. */
export function startThread(ways: readonly (() => WorkerLike)[], data: unknown, events: WorkerEvents): WorkerHandle {
  let worker: WorkerLike | undefined
  let isOver = false
  const reasons: string[] = []
  const attempt = (next: number): void => {
    if (isOver) return
    const way = ways[next]
    if (!way) {
      events.error([...new Set(reasons)].join('; '))
      return
    }
    let isUp = false
    const failed = (reason: string): void => {
      if (isUp) events.error(reason)
      else {
        reasons.push(reason)
        attempt(next + 1)
      }
    }
    try {
      worker = listened(way(), {
        message(value) {
          isUp = true
          events.message(value)
        },
        error: failed,
      })
      worker.postMessage({ role: 'thread', data } satisfies Role, [])
    } catch (error) {
      queueMicrotask(() => failed(error instanceof Error ? error.message : String(error)))
    }
  }
  attempt(0)
  return {
    keepAlive() {},
    terminate() {
      isOver = true
      worker?.terminate()
    },
  }
}

/** The worker, with its events reported. */
export function listened(worker: WorkerLike, events: WorkerEvents): WorkerLike {
  worker.addEventListener('message', (event) => events.message((event as MessageEvent).data))
  worker.addEventListener('error', (event) =>
    events.error((event as ErrorEvent).message || 'its file could not be loaded, or a policy of the page forbids it'),
  )
  return worker
}

/** A worker without a file. */
export function textWorker(program: ThreadProgram<never>): WorkerLike {
  const text = `onmessage = ({ data: { data } }) => { const post = (value) => postMessage(value);\n${programText(program)}\n}`
  return new Worker(URL.createObjectURL(new Blob([text], { type: 'text/javascript' })))
}
