// npm run fuzz -- [--count 20000] [--seed 1] [--backend wasm,x86] [--jobs 2] [--law NAME]: random graphs, many more than the suite draws, on all cores; each failure shrunk to a small graph, exit code 1.

import { type ChildProcess, fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { FuzzMessage, FuzzSettings } from './fuzz-batch.ts'

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '20000' },
    seed: { type: 'string', default: '1' },
    backend: { type: 'string', default: 'reference,wasm,x86' },
    jobs: { type: 'string', default: String(availableParallelism()) },
    law: { type: 'string', default: '' },
    failures: { type: 'string', default: '10' },
  },
})
const whole = (text: string): number => {
  const number = Number(text)
  if (!Number.isSafeInteger(number) || number < 0) throw new RangeError(`fuzz: ${text} is no whole number ≥ 0`)
  return number
}
const [count, firstSeed, mostFailures] = [values.count, values.seed, values.failures].map(whole)

/** Graphs of one seed. */
const batch = 100
const lastSeed = firstSeed + Math.ceil(count / batch) - 1
const jobs = Math.max(1, Math.min(whole(values.jobs), lastSeed - firstSeed + 1))
/** Longer than any graph takes: a process that says nothing for so long hangs. */
const patience = 180_000

const start = performance.now()
const laws = new Map<string, { graphs: number; ms: number }>()
let [done, failures, nextSeed, printed] = [0, 0, firstSeed, start]
const children = new Set<ChildProcess>()

function failed(what: string, seed: number, why: string, graph: string): void {
  failures++
  console.log(`\n${what}, seed ${seed}: ${why}\n\nconst graph: RandomGraph = ${graph}\n`)
  if (failures >= mostFailures) end()
}

function end(): never {
  for (const child of children) child.kill('SIGKILL')
  const seconds = Math.round((performance.now() - start) / 1000)
  for (const [law, { graphs, ms }] of [...laws].sort((a, b) => b[1].ms - a[1].ms))
    console.log(
      `${law.padEnd(44)} ${String(graphs).padStart(7)} graphs ${(ms / Math.max(1, graphs)).toFixed(1).padStart(7)} ms of processor time each`,
    )
  const seeds = `seeds ${firstSeed} to ${Math.max(firstSeed, nextSeed - 1)}`
  console.log(`${done} graphs, ${seeds}, ${seconds} s: ${failures === 0 ? 'all laws hold' : `${failures} failures`}`)
  if (nextSeed <= lastSeed) console.log(`go on with --seed ${nextSeed} --count ${(lastSeed - nextSeed + 1) * batch}`)
  process.exit(failures === 0 ? 0 : 1)
}

/** A process that takes seeds until none is left; one that dies or hangs is a failure of the graph it was at. */
function run(): void {
  const settings: FuzzSettings = { batch, backends: values.backend.split(','), law: values.law }
  const child = fork(fileURLToPath(new URL('fuzz-batch.ts', import.meta.url)), [JSON.stringify(settings)], {
    stdio: ['ignore', 'inherit', 'inherit', 'pipe', 'ipc'],
  })
  children.add(child)
  let at: Extract<FuzzMessage, { kind: 'at' }> | undefined
  let seed = 0
  let watch: NodeJS.Timeout | undefined
  const hear = (): void => {
    clearTimeout(watch)
    watch = setTimeout(() => child.kill('SIGKILL'), patience)
  }
  const next = (): void => {
    if (nextSeed > lastSeed) {
      children.delete(child)
      clearTimeout(watch)
      child.kill('SIGKILL')
      if (children.size === 0) end()
      return
    }
    seed = nextSeed++
    hear()
    child.send(seed)
  }
  createInterface({ input: child.stdio[3] as Readable }).on('line', (line) => {
    hear()
    const message = JSON.parse(line) as FuzzMessage
    if (message.kind === 'at') at = message
    else if (message.kind === 'failed') failed(message.law, seed, message.why, message.graph)
    else if (message.kind === 'ready') next()
    else {
      for (const [law, { graphs, ms }] of Object.entries(message.laws)) {
        const sum = laws.get(law) ?? { graphs: 0, ms: 0 }
        laws.set(law, { graphs: sum.graphs + graphs, ms: sum.ms + ms })
      }
      done += batch
      progress()
      next()
    }
  })
  child.on('exit', (code, signal) => {
    clearTimeout(watch)
    if (!children.delete(child)) return
    failed(at?.law ?? 'start', seed, `the process ended with ${signal ?? code}`, at?.graph ?? 'none')
    run()
  })
}

function progress(): void {
  const now = performance.now()
  if (now - printed < 5000) return
  printed = now
  const seconds = (now - start) / 1000
  const left = Math.round((seconds / done) * (count - done))
  console.log(
    `${done} of ${count} graphs, up to seed ${nextSeed - 1}, ${failures} failures, ${Math.round(seconds)} s, about ${left} s left`,
  )
}

for (let i = 0; i < jobs; i++) run()
