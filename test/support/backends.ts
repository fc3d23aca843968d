/** The backends that the suite runs on. */

import { afterAll, beforeAll, describe } from 'vitest'
import { platform } from '#platform'
import { createX86Backend } from '#x86'
import { createRemoteBackend } from '../../src/backend/remote/index.ts'
import type { Port, Reply } from '../../src/backend/remote/messages.ts'
import { fromWire, toWire } from '../../src/backend/remote/wire.ts'
import { createWasmBackend } from '../../src/backend/wasm/index.ts'
import type { X86Options } from '../../src/backend/x86/index.ts'
import { engine } from '../../src/engine/direct.ts'
import { localPort } from '../../src/engine/page-engine.ts'
import { configure, runtime } from '../../src/tensor/index.ts'
import { routines } from '../../src/worker/routines.ts'

export interface TestBackend {
  readonly backend: 'reference' | 'wasm' | 'x86'
  readonly threads: number
  /** Whether everything that it is told, and that it says, goes through messages, as between a page and a worker. */
  readonly messages?: boolean
}

const onPage: readonly TestBackend[] = globalThis.crossOriginIsolated
  ? [{ backend: 'wasm', threads: 2 }]
  : [{ backend: 'wasm', threads: 1, messages: true }]

/** Machine code needs Node on a processor with AVX-512 or AVX2, and koffi. It is scheduled as wasm is: one number of threads will do. */
const x86: TestBackend = { backend: 'x86', threads: 2 }
const hasX86 = typeof createX86Backend({ threads: 1 }) !== 'string'

const inNode: readonly TestBackend[] = [
  { backend: 'reference', threads: 1 },
  { backend: 'wasm', threads: 1 },
  { backend: 'wasm', threads: 2 },
  ...(hasX86 ? [x86] : []),
]

const backends = platform.name === 'browser' || platform.environment('TENON_MESSAGES') ? onPage : inNode

/** On how many the suite runs here. */
export const backendCount = backends.length

/**
 * For what is made of operations: those are tested with one thread and with more, one by one, so here one number of threads
 * will do.
 */
export const forEachEngine = (body: (on: TestBackend) => void): void =>
  forEachBackend(body, (on) => on.backend !== 'wasm' || on.threads > 1)

/** Runs the same tests on every backend, or on those that `wanted` names, where there are some. */
export function forEachBackend(body: (on: TestBackend) => void, wanted = (_: TestBackend): boolean => true): void {
  const chosen = backends.filter(wanted)
  describe.each(chosen.length > 0 ? chosen : backends)(
    '$backend, $threads thread(s)',
    ({ messages = false, ...on }) => {
      beforeAll(async () => {
        configure({ ...on, seed: 0, worker: false })
        if (on.backend === 'x86') useMachineCode({ threads: on.threads })
        if (messages) {
          const remote = createRemoteBackend({ name: on.backend, threads: on.threads, port: clonedPort(on.threads) })
          await remote.ready()
          runtime.backend = remote
          runtime.executables = new Map()
          runtime.structure++
        }
      })
      afterAll(() => {
        if (messages) runtime.backend = undefined
      })
      body(on)
    },
  )
}

const smallChains = { leastBytes: 0, fewestPieces: 2, claim: 0 }

/** Everything that can be is machine code, and a chain, however small. */
export function useMachineCode(options: X86Options): void {
  const backend = createX86Backend({ worthCalling: 0, chaining: smallChains, ...options })
  if (typeof backend === 'string') throw new Error(backend)
  runtime.backend = backend
  runtime.executables = new Map()
  runtime.structure++
}

/** The way to an engine on this thread, over which only copies go, as between threads. */
function clonedPort(threads: number): Port {
  const port = localPort(async () => ({ engine, on: createWasmBackend({ threads }) }))
  return {
    open: (heard, failed) => port.open((reply) => heard(structuredClone<Reply>(reply)), failed),
    post: (commands, transfer) =>
      port.post(fromWire(structuredClone(toWire(commands), { transfer }), routines), transfer),
  }
}
