// The engine itself: backends, compiler and clock. Whoever imports this file has all of it.

import { createX86Backend } from '#x86'
import type { DirectBackend } from '../backend/backend.ts'
import { createReferenceBackend } from '../backend/reference/index.ts'
import { createWasmBackend } from '../backend/wasm/index.ts'
import type { EngineRequest } from '../platform/web-worker.ts'
import type { BackendName, Engine } from './engine.ts'
import { prepare } from './prepare.ts'
import { recordAsAsked, startRecorder } from './recorder.ts'
import { engineServer } from './server.ts'
import { usualBackend } from './usual-backend.ts'

const openers: { readonly [N in BackendName]: (options: EngineRequest) => DirectBackend } = {
  reference: () => createReferenceBackend(),
  wasm: (options) => createWasmBackend(options),
  x86(options) {
    const found = createX86Backend(options)
    if (typeof found !== 'string') return found
    throw new Error(`configure: there is no backend 'x86' here: ${found}. Use 'wasm'`)
  },
}

export const engine: Engine = {
  start: (name = usualBackend(), options) => openers[name](options),
  prepare,
  serve: engineServer,
  record: startRecorder,
  recordAsAsked,
}
