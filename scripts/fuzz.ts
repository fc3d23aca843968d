// npm run fuzz -- [--count 20000] [--seed 1] [--backend wasm]: random graphs, many more than the suite draws; exit code 1 and a small graph at the first failure.

import { parseArgs } from 'node:util'
import fc from 'fast-check'
import type { BackendName } from '../src/engine/engine.ts'
import { configure } from '../src/tensor/runtime.ts'
import {
  bitsOf,
  type Check,
  checkBackend,
  checkGradient,
  checkRewrites,
  checkVmap,
  expected,
} from '../test/support/graph-checks.ts'
import { asText, large, largeGraphs, type RandomGraph, randomGraphs } from '../test/support/random-graph.ts'

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '20000' },
    seed: { type: 'string', default: '1' },
    backend: { type: 'string', default: 'reference,wasm' },
  },
})
const [count, firstSeed] = [values.count, values.seed].map((text) => {
  const number = Number(text)
  if (!Number.isSafeInteger(number) || number < 0) throw new RangeError(`fuzz: ${text} is no whole number ≥ 0`)
  return number
}) as [number, number]
const backends = values.backend.split(',') as BackendName[]

/** Graphs of one seed; each check draws the same ones. */
const batch = 100
const largeOnes = 3

/** Another engine: one that has stopped would fail every graph after it. */
function fresh(backend: BackendName, threads = 1): void {
  configure({ backend: backend === 'reference' ? 'wasm' : 'reference' })
  configure({ backend, threads, seed: 0 })
}

const isSound: Check = (graph) => checkBackend(graph, expected(graph))
const checks: { readonly [name: string]: Check } = {
  checkRewrites,
  checkGradient,
  checkVmap,
}

function hold(name: string, check: Check, backend: BackendName, seed: number): void {
  fresh(backend)
  const guarded = (graph: RandomGraph): string | undefined => {
    try {
      return check(graph)
    } catch (error) {
      fresh(backend)
      return error instanceof Error ? (error.stack ?? error.message) : String(error)
    }
  }
  const property = fc.property(fc.noBias(randomGraphs), (graph) => guarded(graph) === undefined)
  const { counterexample } = fc.check(property, { seed, numRuns: batch })
  if (counterexample) fail(`${name} on ${backend}`, seed, counterexample[0], guarded(counterexample[0]))
}

/** Bits do not depend on the number of threads. */
function holdThreads(backend: BackendName, seed: number): void {
  const graphs = fc.sample(fc.noBias(largeGraphs), { seed, numRuns: largeOnes })
  const [alone, together] = [1, 2].map((threads) => {
    fresh(backend, threads)
    return graphs.map((graph) => bitsOf(graph, large).join('|'))
  })
  graphs.forEach((graph, i) => {
    if (alone[i] !== together[i]) fail(`one and two threads on ${backend}`, seed, graph, 'bits differ')
  })
}

function fail(what: string, seed: number, graph: RandomGraph, why: string | undefined): never {
  console.log(`\n${what}, seed ${seed}: ${why}\n\nconst graph: RandomGraph = ${asText(graph)}`)
  process.exit(1)
}

const start = performance.now()
for (let done = 0, seed = firstSeed; done < count; done += batch, seed++) {
  for (const backend of backends) {
    hold('checkBackend', isSound, backend, seed)
    if (backend !== 'reference') holdThreads(backend, seed)
  }
  for (const [name, check] of Object.entries(checks)) hold(name, check, 'reference', seed)
  const passed = Math.min(count, done + batch)
  const seconds = (performance.now() - start) / 1000
  const left = Math.round((seconds / passed) * (count - passed))
  console.log(`${passed} of ${count} graphs, seed ${seed}, ${Math.round(seconds)} s, about ${left} s left`)
  // Finalizers give memory back when the event loop runs.
  await new Promise((resolve) => setTimeout(resolve, 0))
}
console.log(`${count} graphs from seed ${firstSeed} on: all checks hold`)
process.exit(0)
