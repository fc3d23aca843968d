/** The configuration of a run: what it takes to build it again, and what has to be equal to go on with it. */
import type { Dataset } from '../data/dataset.ts'
import type { Json, Module } from '../nn/index.ts'
import { backend, runtime } from '../tensor/index.ts'
import { fingerprint } from './fingerprint.ts'
import type { FitOptions } from './fit-options.ts'
import type { RunConfig } from './run-folder.ts'
import { version } from './version.ts'

/** Everything about a run that is plain data. */
export function configOf(net: Module, data: Dataset, options: FitOptions): RunConfig {
  const {
    epochs,
    batchSize,
    validation,
    metrics = {},
    earlyStopping,
    gradientAccumulation = 1,
    clipNorm,
    augment,
  } = options
  return {
    engine: engineOf(),
    threads: backend().threads,
    settings: options.settings ?? {},
    network: net.config,
    parameters: net.parameters().reduce((sum, { size }) => sum + size, 0),
    data: dataConfig(data),
    validation: validation ? dataConfig(validation) : null,
    epochs,
    batchSize: batchSize ?? Math.min(32, data.length),
    shuffle: options.shuffle ?? true,
    seed: runtime.random.seed,
    optimizer: { kind: options.optimizer.kind, learningRate: options.optimizer.learningRate },
    gradientAccumulation,
    clipNorm: clipNorm ?? null,
    metrics: Object.keys(metrics),
    earlyStopping: earlyStopping ? { ...earlyStopping } : null,
    ...(augment ? { augment: augment.map(({ kind, options }) => ({ kind, ...options })) } : {}),
  }
}

/** What the bits of a result depend on beside the program: the same on equal ones. */
export function engineOf(): { readonly [key: string]: string } {
  const { process } = globalThis as { process?: { versions?: Record<string, string>; arch?: string } }
  const host = process?.versions?.node ? `Node ${process.versions.node} ${process.arch}` : 'browser'
  const used = backend()
  const arithmetic = 'relaxedMadd' in used && used.relaxedMadd ? { arithmetic: fused } : {}
  return { tenon: `Tenon ${version}`, host, backend: `backend ${used.name}`, ...arithmetic }
}

/** Whether the run in a folder used one instruction for a·b + c. */
export function isFused({ engine }: RunConfig): boolean {
  return typeof engine === 'object' && engine !== null && 'arithmetic' in engine && engine.arithmetic === fused
}

const fused = 'relaxed SIMD'

/** In words, what differs between the run in a folder and the one that is to go on with it. */
export function differences(known: RunConfig, now: RunConfig): string[] {
  const found = mustEqual
    .filter((key) => !sameJson(known[key], now[key]))
    .map((key) => `${key} is ${JSON.stringify(now[key])}, it was ${JSON.stringify(known[key])}`)
  if (!sameJson(known.network, now.network)) found.unshift('it trained another network, see its config.json')
  if (kindOf(known) !== kindOf(now)) found.push(`the optimizer is ${kindOf(now)}, it was ${kindOf(known)}`)
  return found
}

export const sameJson = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)

const mustEqual = ['data', 'batchSize', 'shuffle', 'seed', 'gradientAccumulation', 'metrics', 'augment']

const dataConfig = (data: Dataset): Json => ({
  name: data.name,
  examples: data.length,
  inputShape: [...data.inputShape],
  fingerprint: fingerprint(data),
})

const kindOf = ({ optimizer }: RunConfig): Json =>
  typeof optimizer === 'object' && optimizer !== null && 'kind' in optimizer ? optimizer.kind : null
