// What the machine's memory allows: threads that copy at the same time, each between arrays of its own.
import { Worker } from 'node:worker_threads'

/** Words that the threads meet at: the number of the turn to run, and how many workers have come to the end of theirs. */
const words = { turn: 0, done: 1, count: 2 } as const

export interface Copiers {
  /** Copies once, and comes back when all threads have. */
  readonly copy: () => void
  readonly stop: () => Promise<void>
}

/** Threads that copy so many bytes, shared among them; they sleep between copies. */
export async function startCopiers(bytes: number, threads: number): Promise<Copiers> {
  const flags = new Int32Array(new SharedArrayBuffer(4 * words.count))
  const part = Math.ceil(bytes / 4 / threads)
  const workers = Array.from({ length: threads - 1 }, () => {
    const worker = new Worker(copier, { eval: true, workerData: { flags, part } })
    return { worker, up: new Promise((resolve) => worker.once('message', resolve)) }
  })
  await Promise.all(workers.map(({ up }) => up))
  const [from, to] = [new Float32Array(part).fill(1), new Float32Array(part)]
  const copy = (): void => {
    Atomics.store(flags, words.done, 0)
    Atomics.add(flags, words.turn, 1)
    Atomics.notify(flags, words.turn)
    to.set(from)
    while (Atomics.load(flags, words.done) < threads - 1);
  }
  const stop = async (): Promise<void> => {
    await Promise.all(workers.map(({ worker }) => worker.terminate()))
  }
  return { copy, stop }
}

const copier = `
const { parentPort, workerData: { flags, part } } = require('node:worker_threads')
const from = new Float32Array(part).fill(1), to = new Float32Array(part)
parentPort.postMessage('up')
for (let turn = 1; ; turn++) {
  while (Atomics.load(flags, ${words.turn}) < turn) Atomics.wait(flags, ${words.turn}, turn - 1);
  to.set(from)
  Atomics.add(flags, ${words.done}, 1)
}
`
