/** The training step: forward, loss, gradients, clipping and update as compiled functions, for whole batches or parts of them. */
import { type Augmentation, augmented, type Examples } from '../augment/index.ts'
import type { Dataset } from '../data/dataset.ts'
import type { Batch } from '../data/loader.ts'
import type { Module } from '../nn/index.ts'
import { clipGlobalNorm, type Optimizer } from '../optim/index.ts'
import {
  compile,
  type DType,
  grad,
  hostNumber,
  random,
  runtime,
  Tensor,
  Variable,
  withTraining,
  zerosLike,
} from '../tensor/index.ts'
import { feedOf } from './feed.ts'
import type { Loss, Metrics } from './metrics.ts'

export interface StepOptions {
  readonly net: Module
  readonly data: Dataset
  readonly loss: Loss
  readonly optimizer: Optimizer
  readonly metrics: Metrics
  /** The largest norm of all gradients together. */
  readonly clipNorm?: number
  readonly augment?: readonly Augmentation[]
  /** Whether gradients of several batches are summed up before an update. */
  readonly accumulates: boolean
}

/** The mean loss of a batch, and what it adds to each metric. */
export interface BatchResult {
  readonly loss: number
  readonly counts: readonly ArrayLike<number>[]
}

export interface TrainingStep {
  /**
   * Starts to compute a batch, which updates the network, unless gradients accumulate. The batch may be overwritten and further steps
   * started before the result is there.
   */
  run(batch: Batch, epoch: number): Promise<BatchResult>
  /** Where gradients accumulate: updates the network by the mean gradient of all examples since the last update. */
  update(): void
}

/** Makes the step; nothing is compiled before its first run. */
export function trainingStep(options: StepOptions): TrainingStep {
  const { net, loss, optimizer, metrics, clipNorm, accumulates, augment = [] } = options
  const feed = feedOf(options.data)
  const sums = new Map<Variable, Variable>()
  let examples = 0
  let running = 0

  /** The batch as the network is to see it. */
  const changed = (inputs: Tensor, targets: Tensor, rows: Tensor): Examples => {
    if (augment.length === 0) return { inputs, targets }
    const epoch = new Tensor(hostNumber(() => running, 'int32'))
    const runKey = random.key(runtime.random.seed)
    const { classes } = options.data
    return augmented({ inputs, targets }, augment, { key: random.nextKey(), runKey, epoch, rows, classes })
  }

  const apply = (parameters: readonly Variable[], gradients: readonly Tensor[]): void =>
    optimizer.step(parameters, clipNorm === undefined ? gradients : clipGlobalNorm(gradients, clipNorm))

  const onBatch = compile((inputs: Tensor, targets: Tensor, rows: Tensor): Tensor[] => {
    const seen = changed(inputs, targets, rows)
    const outputs = net(seen.inputs)
    const mean = loss(outputs, seen.targets)
    const parameters = net.parameters()
    const gradients = grad(mean, parameters)
    if (!accumulates) apply(parameters, gradients)
    else
      parameters.forEach((parameter, i) => {
        const sum = sumOf(sums, parameter)
        sum.assign(sum.add(gradients[i].mul(inputs.shape[0])))
      })
    return [mean, ...Object.values(metrics).map((metric) => metric.count(outputs, targets))]
  })
  const onUpdate = compile((): Tensor[] => {
    const parameters = net.parameters()
    const share = (dtype: DType): Tensor => new Tensor(hostNumber(() => 1 / examples, dtype))
    apply(
      parameters,
      parameters.map((parameter) => sumOf(sums, parameter).mul(share(parameter.dtype))),
    )
    for (const sum of sums.values()) sum.assign(zerosLike(sum))
    return []
  })

  return {
    async run(batch, epoch) {
      running = epoch
      const results = withTraining(true, () => onBatch(...feed(batch)))
      examples += batch.size
      const [[loss], ...counts] = await Promise.all(results.map((result) => result.data()))
      return { loss, counts }
    },
    update() {
      withTraining(true, onUpdate)
      examples = 0
    },
  }
}

/** The sum of a parameter's gradients, zero at first. */
function sumOf(sums: Map<Variable, Variable>, parameter: Variable): Variable {
  const { dtype, shape, size, name } = parameter
  const zeros = dtype === 'float64' ? new Float64Array(size) : new Float32Array(size)
  const sum = sums.get(parameter) ?? new Variable(zeros, shape, dtype, { name: `${name}.gradient`, trainable: false })
  sums.set(parameter, sum)
  return sum
}
