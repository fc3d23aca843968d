// activity(net, examples): what flows through a network, module by module: how large, how saturated, which units are dead.

import { aligned } from '../graph/aligned.ts'
import { defineModule } from '../nn/define.ts'
import { isModule, type Module } from '../nn/module.ts'
import { rebuild } from '../nn/tree.ts'
import { grad, readAs, runtime, type Tensor, withTraining } from '../tensor/index.ts'

export interface ActivityOptions {
  /** A scalar of the network's output; with it each row says how large the gradient is that comes back. */
  readonly loss?: (output: Tensor) => Tensor
  /** An activation is saturated where its derivative is less than this; 1e-3 unless told. */
  readonly threshold?: number
}

/** What one call of a module gave. */
export interface ActivityRow {
  /** Names from the network down, as `encoder.1`. */
  readonly path: string
  readonly kind: string
  readonly mean: number
  /** The standard deviation of all elements. */
  readonly deviation: number
  /** Of an activation: the share of elements where its derivative is below the threshold. */
  readonly saturated?: number
  /** Of an activation: units whose derivative is 0 for every example and place. They learn nothing, and will not by these examples. */
  readonly dead?: readonly number[]
  readonly units?: number
  /** Of a softmax: the mean entropy of its distributions, in nats, and their mean largest probability. */
  readonly entropy?: number
  readonly largest?: number
  /** The root mean square of the loss's gradient by this output. */
  readonly gradient?: number
}

export interface Activity {
  readonly rows: readonly ActivityRow[]
  /** An aligned table. */
  toString(): string
}

const pointwise: ReadonlySet<string> = new Set(
  (
    'sigmoid tanh relu relu6 leakyRelu prelu rrelu elu selu celu gelu silu mish softplus softSign hardTanh hardSigmoid hardSwish ' +
    'hardShrink softShrink tanhShrink threshold logSigmoid'
  ).split(' '),
)
const distributions: ReadonlySet<string> = new Set(['softmax', 'softmin', 'sparsemax', 'entmax15'])

/** A call as it was: what went in and what came out. */
interface Call {
  readonly path: string
  readonly module: Module
  readonly input: Tensor
  readonly output: Tensor
  /** The axis of units: channels after a convolution, else the last. */
  readonly unitAxis: number
}

/**
 * Runs a network, in evaluation mode, on one batch or several, and tells of every module without children what it gave: mean and spread,
 * saturated shares and dead units of activations, entropies of softmaxes, and how large gradients are on their way back. Modules inside of
 * loops, branches and mapped functions are left out, as are functions that a module calls itself.
 *
 *     console.log(String(await activity(net, [images], { loss: (y) => loss.softmaxCrossEntropy(y, labels) })))
 */
export async function activity(
  net: Module,
  examples: Tensor | readonly Tensor[],
  options: ActivityOptions = {},
): Promise<Activity> {
  if (!isModule(net)) throw new TypeError(`activity: the network is ${String(net)}, it must be a module`)
  const { threshold = 1e-3 } = options
  if (!(threshold >= 0)) throw new RangeError(`activity: threshold is ${threshold}, it must be at least 0`)
  const batches = Array.isArray(examples) ? (examples as readonly Tensor[]) : [examples as Tensor]
  if (batches.length === 0) throw new RangeError('activity: there are no examples: give at least one batch')
  const sums: Sums[] = []
  for (const batch of batches) {
    const { calls, output } = watch(net, batch)
    const gradients = options.loss
      ? grad(
          options.loss(output),
          calls.map((call) => call.output),
        )
      : []
    for (const [i, call] of calls.entries()) {
      sums[i] ??= { call, elements: 0, values: {}, alive: undefined }
      await addCall(sums[i], call, gradients[i], threshold)
    }
  }
  const rows = sums.map(rowOf)
  return { rows, ...readAs(() => table(rows)) }
}

interface Sums {
  readonly call: Call
  elements: number
  /** Sums over elements, or over distributions. */
  values: { [name: string]: { sum: number; count: number } }
  alive: boolean[] | undefined
}

function watch(net: Module, batch: Tensor): { calls: Call[]; output: Tensor } {
  const calls: Call[] = []
  let isAfterConvolution = batch.rank >= 4
  const watched = rebuild(net, (module, children, path) =>
    defineModule({
      ...module.definition,
      children,
      forward: (x, own, inner) => {
        const output = module.definition.forward(x, own, inner)
        const isApart = runtime.trace !== undefined || runtime.transforms.length > 0
        if (Object.keys(children).length > 0 || isApart) return output
        if (Object.keys(own).length > 0 && !pointwise.has(module.kind))
          isAfterConvolution = /^(conv|batchNorm|groupNorm|instanceNorm|whitening)/.test(module.kind) && output.rank > 2
        calls.push({
          path: path.join('.'),
          module,
          input: x,
          output,
          unitAxis: isAfterConvolution && output.rank > 2 ? 1 : output.rank - 1,
        })
        return output
      },
    }),
  )
  const output = withTraining(false, () => watched(batch))
  return { calls, output }
}

async function addCall(sums: Sums, call: Call, gradient: Tensor | undefined, threshold: number): Promise<void> {
  const { module, input, output, unitAxis } = call
  const y = output.cast('float64')
  const totals: { [name: string]: readonly [sum: Tensor, count: number] } = {
    mean: [y.sum(), y.size],
    square: [y.square().sum(), y.size],
    ...(gradient ? { gradient: [gradient.cast('float64').square().sum(), gradient.size] } : {}),
  }
  let alive: Tensor | undefined
  if (pointwise.has(module.kind) && output.rank > 0) {
    const slope = grad(output.sum(), input)
    totals.saturated = [slope.abs().less(threshold).cast('float64').sum(), slope.size]
    const others = slope.shape.flatMap((_, axis) => (axis === unitAxis ? [] : [axis]))
    alive = others.length > 0 ? slope.notEqual(0).any(others) : slope.notEqual(0)
  }
  if (distributions.has(module.kind)) {
    const axis = Number(module.config.axis ?? -1)
    const plogp = y.greater(0).where(y.mul(y.greater(0).where(y, 1).log()), 0)
    const largest = y.max(axis)
    totals.entropy = [plogp.sum().neg(), largest.size]
    totals.largest = [largest.sum(), largest.size]
  }
  for (const [name, [sum, count]] of Object.entries(totals)) {
    const before = sums.values[name] ?? { sum: 0, count: 0 }
    sums.values[name] = { sum: before.sum + (await sum.item()), count: before.count + count }
  }
  if (!alive) return
  const flags = [...(await alive.data())].map((flag) => flag !== 0)
  sums.alive = flags.map((flag, i) => flag || sums.alive?.[i] === true)
}

function rowOf({ call, values, alive }: Sums): ActivityRow {
  const meanOf = (name: string): number => values[name].sum / values[name].count
  const mean = meanOf('mean')
  return {
    path: call.path,
    kind: call.module.kind,
    mean,
    deviation: Math.sqrt(Math.max(0, meanOf('square') - mean ** 2)),
    ...(values.saturated ? { saturated: meanOf('saturated') } : {}),
    ...(alive ? { dead: alive.flatMap((flag, i) => (flag ? [] : [i])), units: alive.length } : {}),
    ...(values.entropy ? { entropy: meanOf('entropy'), largest: meanOf('largest') } : {}),
    ...(values.gradient ? { gradient: Math.sqrt(meanOf('gradient')) } : {}),
  }
}

function table(rows: readonly ActivityRow[]): string {
  const number = (value: number | undefined): string => (value === undefined ? '' : value.toPrecision(3))
  const share = (value: number | undefined): string => (value === undefined ? '' : `${(100 * value).toFixed(1)} %`)
  const columns: { readonly [name: string]: (row: ActivityRow) => string } = {
    module: (row) => row.path || 'net',
    kind: (row) => row.kind,
    mean: (row) => number(row.mean),
    deviation: (row) => number(row.deviation),
    saturated: (row) => share(row.saturated),
    dead: (row) => (row.dead ? `${row.dead.length} of ${row.units}` : ''),
    entropy: (row) => number(row.entropy),
    largest: (row) => number(row.largest),
    gradient: (row) => number(row.gradient),
  }
  const told = Object.entries(columns).filter(([, cell]) => rows.some((row) => cell(row) !== ''))
  const lines = [told.map(([name]) => name), ...rows.map((row) => told.map(([, cell]) => cell(row)))]
  return aligned(lines, (column) => column < 2)
}
