// The browser's side of the platform: dedicated workers, from the file of the package or, where that can't be had, from text.

import type { Platform, WorkerLike } from './platform.ts'
import { startThread, textWorker } from './web-worker.ts'

export const platform: Platform = {
  name: 'browser',
  cores: () => navigator.hardwareConcurrency,
  environment: () => undefined,
  atExit() {},
  writeFile(path) {
    throw new Error(`a page cannot write the file ${path}`)
  },
  mayBlock: () => typeof document === 'undefined',
  native: () => 'browsers run WebAssembly, not machine code',
  startWorker: (program, data, events) => startThread([packageWorker, () => textWorker(program)], data, events),
  engineWorker: packageWorker,
}

/** Bundlers know this form, and put the file where it is found. */
function packageWorker(): WorkerLike {
  return new Worker(new URL('../worker/main.ts', import.meta.url), { type: 'module', name: 'tenon' })
}
