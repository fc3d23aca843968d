/** What a network is worth on a data set, and what it says about inputs: whole sets, batch by batch, in evaluation mode. */
import type { Dataset } from '../data/dataset.ts'
import { loader } from '../data/loader.ts'
import type { Module } from '../nn/index.ts'
import { compile, type DataArray, Tensor, tensor, withTraining } from '../tensor/index.ts'
import { type Feed, feedOf } from './feed.ts'
import type { Metrics, Values } from './metrics.ts'
import { takingTurns } from './turns.ts'

export interface EvaluateOptions {
  /** Examples computed at once; 256 unless told, and at most the length of the data. */
  readonly batchSize?: number
  /** Rejects with the signal's reason when it is aborted. */
  readonly signal?: AbortSignal
}

/**
 * The values of metrics over all examples of a data set.
 *
 *     const { loss, accuracy } = await evaluate(net, digits.test, { loss: meanLoss(softmaxCrossEntropy), accuracy })
 */
export function evaluate<M extends Metrics>(
  net: Module,
  data: Dataset,
  metrics: M,
  options: EvaluateOptions = {},
): Promise<Values<M>> {
  return evaluator(net, metrics)(data, options)
}

export type Evaluator<M extends Metrics> = (data: Dataset, options?: EvaluateOptions) => Promise<Values<M>>

/** The same for many calls: what is compiled stays. */
export function evaluator<M extends Metrics>(net: Module, metrics: M): Evaluator<M> {
  const counted = Object.values(metrics)
  const step = compile((inputs: Tensor, targets: Tensor): Tensor[] => {
    const outputs = net(inputs)
    return counted.map((metric) => metric.count(outputs, targets))
  })
  const feeds = new WeakMap<Dataset, Feed>()
  return async (data, { batchSize = usualBatch, signal } = {}) => {
    const feed = feeds.get(data) ?? feedOf(data)
    feeds.set(data, feed)
    const turn = takingTurns()
    const sums = counted.map(() => new Float64Array(1))
    const take = async (counts: Promise<readonly ArrayLike<number>[]>): Promise<void> => {
      for (const [i, count] of (await counts).entries()) {
        if (sums[i].length < count.length) sums[i] = new Float64Array(count.length)
        add(sums[i], count)
      }
    }
    // An engine on another thread is given the next batch before the last one's counts are waited for.
    let last: Promise<readonly ArrayLike<number>[]> | undefined
    for (const batch of loader(data, { batchSize: Math.min(batchSize, data.length) }).epoch(0)) {
      signal?.throwIfAborted()
      const [inputs, targets] = feed(batch)
      const results = withTraining(false, () => step(inputs, targets))
      const counts = Promise.all(results.map((count) => count.data()))
      counts.catch(() => {})
      if (last) await take(last)
      last = counts
      await turn()
    }
    if (last) await take(last)
    const values = Object.keys(metrics).map((name, i) => [name, counted[i].value(sums[i], data.length)])
    return Object.fromEntries(values)
  }
}

/**
 * The outputs of a network for many inputs, computed in batches in evaluation mode. inputs: a data set, or a tensor
 * [examples, …]; gives a tensor [examples, …].
 *
 *     const digit = await (await predict(net, image.unsqueeze(0))).argmax(-1).item()
 */
export async function predict(net: Module, inputs: Tensor | Dataset, options: EvaluateOptions = {}): Promise<Tensor> {
  const { batchSize = usualBatch, signal } = options
  const forward = compile((x: Tensor) => net(x))
  const run = (x: Tensor): Tensor => withTraining(false, () => forward(x))
  const count = inputs instanceof Tensor ? inputs.shape[0] : inputs.length
  if (inputs instanceof Tensor && (inputs.rank === 0 || count <= batchSize)) return run(inputs)

  const turn = takingTurns()
  const parts: Tensor[] = []
  for (const part of inputs instanceof Tensor ? slices(inputs, batchSize) : batches(inputs, batchSize)) {
    signal?.throwIfAborted()
    parts.push(run(part))
    await turn()
  }
  return joined(parts)
}

const usualBatch = 256

function add(sum: Float64Array, count: ArrayLike<number>): void {
  for (let i = 0; i < sum.length; i++) sum[i] += count[i]
}

function* slices(inputs: Tensor, size: number): Generator<Tensor> {
  for (let start = 0; start < inputs.shape[0]; start += size) yield inputs.slice([start, start + size])
}

function* batches(data: Dataset, size: number): Generator<Tensor> {
  const feed = feedOf(data)
  for (const batch of loader(data, { batchSize: Math.min(size, data.length) }).epoch(0)) yield feed(batch)[0]
}

/** The parts one after another, on the host: their number is not baked into a program. */
async function joined(parts: readonly Tensor[]): Promise<Tensor> {
  const [{ dtype, shape }] = parts
  const data = await Promise.all(parts.map((part) => part.data()))
  const all = new (data[0].constructor as new (length: number) => DataArray)(sum(data.map((part) => part.length)))
  let at = 0
  for (const part of data) {
    all.set(part, at)
    at += part.length
  }
  return tensor(all, { shape: [sum(parts.map((part) => part.shape[0])), ...shape.slice(1)], dtype })
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, n) => total + n, 0)
