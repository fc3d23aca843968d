// The browser's side of the platform: dedicated workers.

import type { Platform } from './platform.ts'

const prologue = 'const post = (value) => postMessage(value);'

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
  startWorker(source, data, events) {
    const program = `${prologue}\nonmessage = ({ data }) => {\n${source}\n}`
    const url = URL.createObjectURL(new Blob([program], { type: 'text/javascript' }))
    try {
      const worker = new Worker(url)
      worker.onmessage = (event) => events.message(event.data)
      worker.onerror = (event) => events.error(event.message ?? 'the worker could not be loaded')
      worker.postMessage(data)
      return { keepAlive() {}, terminate: () => worker.terminate() }
    } catch (error) {
      queueMicrotask(() => events.error(error instanceof Error ? error.message : String(error)))
      return { keepAlive() {}, terminate() {} }
    }
  },
}
