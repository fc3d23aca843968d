// One process of `npm run fuzz`: holds every law on the graphs of the seeds that it is sent, and writes where it is to descriptor 3, so that the parent knows what killed it.

import { writeSync } from 'node:fs'
import fc from 'fast-check'
import { createX86Backend } from '#x86'
import type { BackendName } from '../src/engine/engine.ts'
import { configure, runtime } from '../src/tensor/runtime.ts'
import type { Conditioned } from '../test/support/conditioning.ts'
import { bitsOf, checkAgain, checkAssign, checkBatchSizes, compiledBits } from '../test/support/engine-checks.ts'
import {
  type Check,
  checkCompiled,
  checkEager,
  checkGradient,
  checkRewrites,
  checkSecondGradient,
  checkViews,
  checkVmap,
  expected,
} from '../test/support/graph-checks.ts'
import { type Trained, trained, trainedOtherwise } from '../test/support/module-checks.ts'
import {
  asText,
  type Limits,
  large,
  largeGraphs,
  longGraphs,
  medium,
  mediumGraphs,
  moduleStacks,
  type RandomGraph,
  randomGraphs,
  small,
} from '../test/support/random-graph.ts'

export interface FuzzSettings {
  readonly batch: number
  readonly backends: readonly string[]
  /** Only laws whose name contains it. */
  readonly law: string
}

export type FuzzMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'at'; readonly law: string; readonly graph: string }
  | { readonly kind: 'failed'; readonly law: string; readonly why: string; readonly graph: string }
  | {
      readonly kind: 'done'
      readonly laws: { readonly [law: string]: { readonly graphs: number; readonly ms: number } }
    }

interface Law {
  readonly name: string
  /** The engine that it needs; without one it looks at graphs alone. */
  readonly engine: string
  /** Which graphs: of every so many one, so that all laws take about equal time, and of these sizes. */
  readonly every: number
  readonly sizes: keyof typeof graphsOf
  readonly check: Check
}

const settings = JSON.parse(process.argv[2] as string) as FuzzSettings
const say = (message: FuzzMessage): void => {
  writeSync(3, `${JSON.stringify(message)}\n`)
}

const hasX86 = typeof createX86Backend({ threads: 1 }) !== 'string'
const has = (backend: BackendName): boolean => settings.backends.includes(backend) && (backend !== 'x86' || hasX86)

/** Another engine, called `wasm/2` on two threads: one that has stopped would fail every graph after it. */
function fresh(engine: string): void {
  const [backend, threads = '1'] = (engine || 'reference').split('/') as [BackendName, string?]
  configure({ backend: backend === 'reference' ? 'wasm' : 'reference' })
  configure({ backend, threads: Number(threads), seed: 0 })
  if (backend !== 'x86') return
  // However small a kernel is, it is machine code, and a chain.
  const chaining = { leastBytes: 0, fewestPieces: 2, claim: 0 }
  const machine = createX86Backend({ threads: Number(threads), worthCalling: 0, chaining })
  if (typeof machine === 'string') throw new Error(machine)
  runtime.backend = machine
}

// --- laws --------------------------------------------------------------------

const values = new Map<RandomGraph, readonly Conditioned[] | undefined>()
function valuesOf(graph: RandomGraph, limits: Limits): readonly Conditioned[] | undefined {
  if (!values.has(graph)) values.set(graph, expected(graph, limits))
  return values.get(graph)
}

/** What one thread gave, of the batch. */
const alone = new Map<string, Map<RandomGraph, string>>()
const key = (backend: BackendName, limits: Limits): string => `${backend} ${limits.size}`
const threadsAgree =
  (backend: BackendName, limits: Limits): Check =>
  (graph) => {
    const known = alone.get(key(backend, limits))?.get(graph)
    if (known !== undefined) return compiledBits(graph, limits) === known ? undefined : 'bits differ'
    const [one, two] = [1, 2].map((threads) => {
      fresh(`${backend}/${threads}`)
      return compiledBits(graph, limits)
    })
    return one === two ? undefined : 'bits differ'
  }
/** Compiled on one thread; without values only the bits are noted. */
const compiledOn =
  (backend: BackendName, limits: Limits): Check =>
  (graph) => {
    const bits = alone.get(key(backend, limits)) ?? new Map<RandomGraph, string>()
    alone.set(key(backend, limits), bits)
    const values = limits === large ? undefined : valuesOf(graph, limits)
    return checkCompiled(graph, values, limits, (data) => bits.set(graph, data.map(bitsOf).join('|')))
  }

/** What the reference makes of two steps of training, compiled as well: what is drawn is the same. */
const taught = new Map<RandomGraph, Trained>()
const trainsAs =
  (backend: BackendName): Check =>
  (graph) => {
    const wanted = taught.get(graph) ?? onReference(graph)
    taught.set(graph, wanted)
    if (backend !== runtime.backendName) fresh(`${backend}/1`)
    configure({ seed: 0 })
    const wrong = trainedOtherwise(trained(graph, 'compiled'), wanted)
    if (wrong) return `compiled: ${wrong}`
    const eager = trained(graph, 'eager')
    const other = eager.drew ? undefined : trainedOtherwise(eager, wanted)
    return other && `eager: ${other}`
  }
function onReference(graph: RandomGraph): Trained {
  fresh('reference')
  return trained(graph, 'compiled')
}

const law = (name: string, engine: string, check: Check, every = 1, sizes: Law['sizes'] = 'small'): Law => ({
  name: engine === '' ? name : `${name} on ${engine}`,
  engine,
  check,
  every,
  sizes,
})
const eager: Check = (graph) => checkEager(graph, valuesOf(graph, small))
const views: Check = (graph) => checkViews(graph, valuesOf(graph, small))

const onEngines = (['wasm', 'x86'] as const)
  .filter(has)
  .flatMap((backend) => [
    law('values', `${backend}/1`, compiledOn(backend, small)),
    law('values of larger graphs', `${backend}/1`, compiledOn(backend, medium), 1, 'medium'),
    law('large graphs', `${backend}/1`, compiledOn(backend, large), 1, 'large'),
    law('values of modules', `${backend}/1`, compiledOn(backend, small), 1, 'modules'),
    law('training of modules', `${backend}/1`, trainsAs(backend), 1, 'modules'),
    law('values of long graphs', `${backend}/1`, compiledOn(backend, small), 1, 'long'),
    law('assignments of long graphs', `${backend}/1`, checkAssign, 1, 'long'),
    law('eager', `${backend}/1`, eager, 4),
    law('views', `${backend}/1`, views, 4),
    law('the same bits again', `${backend}/1`, checkAgain, 4),
    law('assignments', `${backend}/1`, checkAssign, 4),
    ...(backend === 'wasm' ? [law('batch sizes', 'wasm/1', checkBatchSizes, 8)] : []),
    law('the bits of one thread', `${backend}/2`, threadsAgree(backend, small), 4),
    law('the bits of one thread, large', `${backend}/2`, threadsAgree(backend, large), 1, 'large'),
  ])
const laws: readonly Law[] = [
  law('rewrites', '', checkRewrites, 2),
  law('gradient', '', checkGradient),
  law('gradient of the gradient', '', checkSecondGradient, 4),
  law('vmap', '', checkVmap, 4),
  law('vmap of modules', '', checkVmap, 1, 'modules'),
  law('gradient of modules', '', checkGradient, 1, 'modules'),
  ...(has('reference')
    ? [law('values', 'reference', compiledOn('reference', small), 4), law('eager', 'reference', eager, 4)]
    : []),
  ...onEngines,
].filter(({ name }) => name.includes(settings.law))

const graphsOf = {
  small: randomGraphs,
  medium: mediumGraphs,
  large: largeGraphs,
  long: longGraphs,
  modules: moduleStacks,
}
const share = {
  small: settings.batch,
  medium: Math.ceil(settings.batch / 16),
  large: Math.ceil(settings.batch / 32),
  long: Math.ceil(settings.batch / 50),
  modules: Math.ceil(settings.batch / 16),
}

// --- running -----------------------------------------------------------------

function hold(seed: number): void {
  values.clear()
  alone.clear()
  taught.clear()
  const drawn = Object.fromEntries(
    (['small', 'medium', 'large', 'long', 'modules'] as const).map((sizes) => [
      sizes,
      fc.sample(fc.noBias(graphsOf[sizes]), { seed, numRuns: share[sizes] }),
    ]),
  )
  const times: { [name: string]: { graphs: number; ms: number } } = {}
  let engine = 'none'
  for (const one of laws) {
    if (one.engine !== engine) fresh(one.engine)
    engine = one.engine
    const start = process.cpuUsage()
    const graphs = drawn[one.sizes].filter((_, i) => i % one.every === seed % one.every)
    for (const graph of graphs) {
      say({ kind: 'at', law: one.name, graph: asText(graph) })
      if (guarded(one, graph) === undefined) continue
      const [smallest, why] = shrunk(one, seed, graph)
      say({ kind: 'failed', law: one.name, why, graph: asText(smallest) })
      fresh(engine)
      break
    }
    const { user, system } = process.cpuUsage(start)
    times[one.name] = { graphs: graphs.length, ms: (user + system) / 1000 }
  }
  say({ kind: 'done', laws: times })
}

function guarded(one: Law, graph: RandomGraph): string | undefined {
  try {
    return one.check(graph)
  } catch (error) {
    fresh(one.engine)
    return error instanceof Error ? (error.stack ?? error.message) : String(error)
  }
}

/** Smaller graphs of the same failure, for as long as half a minute. */
function shrunk(one: Law, seed: number, found: RandomGraph): [RandomGraph, string] {
  const property = fc.property(fc.noBias(graphsOf[one.sizes]), (graph) => {
    say({ kind: 'at', law: one.name, graph: asText(graph) })
    // What a graph before it compiled is not there.
    fresh(one.engine)
    return guarded(one, graph) === undefined
  })
  const { counterexample } = fc.check(property, {
    seed,
    numRuns: share[one.sizes],
    interruptAfterTimeLimit: 60_000,
  })
  const smallest = counterexample?.[0] ?? found
  fresh(one.engine)
  return [smallest, guarded(one, smallest) ?? 'it fails only after the graphs before it']
}

process.on('message', (seed: number) => {
  hold(seed)
})
say({ kind: 'ready' })
