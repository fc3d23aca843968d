// Node's side of the platform: worker threads.

import { renameSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { setFlagsFromString } from 'node:v8'
import { Worker } from 'node:worker_threads'
import { nativeHost } from './native.ts'
import type { Platform } from './platform.ts'
import { programText } from './program-text.ts'

const prologue = `const { parentPort, workerData: data } = require('node:worker_threads'); const post = (value) => parentPort.postMessage(value);`

export const platform: Platform = {
  name: 'node',
  cores: availableParallelism,
  environment: (name) => process.env[name],
  mayBlock: () => true,
  atExit: (f) => void process.once('exit', f),
  writeFile(path, text) {
    const temporary = `${path}.${process.pid}.tmp`
    writeFileSync(temporary, text)
    renameSync(temporary, path)
  },
  // Only V8 before 11.4 has the flag, and only it lacks the instructions.
  enableRelaxedSimd: () => setFlagsFromString('--experimental-wasm-relaxed-simd'),
  native: nativeHost,
  startWorker(program, data, events) {
    try {
      const text = `${prologue}\n${programText(program)}`
      const worker = new Worker(text, { eval: true, workerData: data, execArgv: [], env: {} })
      worker.on('message', events.message)
      worker.on('error', (error) => events.error(error.message))
      worker.unref()
      return {
        keepAlive: (yes) => (yes ? worker.ref() : worker.unref()),
        terminate: () => void worker.terminate(),
      }
    } catch (error) {
      queueMicrotask(() => events.error(error instanceof Error ? error.message : String(error)))
      return { keepAlive() {}, terminate() {} }
    }
  },
}
