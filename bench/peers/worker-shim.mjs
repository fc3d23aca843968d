// A browser's Worker on top of Node's, enough for jax-js to start its threads.
import { resolveObjectURL } from 'node:buffer'
import { Worker as NodeWorker } from 'node:worker_threads'

const prelude = `const { parentPort } = require('node:worker_threads')
globalThis.self = globalThis
globalThis.postMessage = (message) => parentPort.postMessage(message)
parentPort.on('message', (data) => self.onmessage({ data }))
`

/** Lets the page's globals stand for a machine of so many cores. */
export function install(threads) {
  Object.defineProperty(globalThis, 'navigator', { value: { hardwareConcurrency: threads }, configurable: true })
  globalThis.Worker = class {
    #worker
    #waiting = []
    constructor(url) {
      resolveObjectURL(url)
        .text()
        .then((source) => {
          this.#worker = new NodeWorker(prelude + source, { eval: true })
          this.#worker.unref()
          this.#worker.on('message', (data) => this.onmessage?.({ data }))
          this.#worker.on('error', (error) => this.onerror?.(error))
          for (const message of this.#waiting) this.#worker.postMessage(message)
        })
    }
    postMessage(message) {
      if (this.#worker) this.#worker.postMessage(message)
      else this.#waiting.push(message)
    }
  }
}
