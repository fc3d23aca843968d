/** What `fit` is told, and the checks of it that come before any work. */
import { type Augmentation, augmented } from '../augment/index.ts'
import type { ExampleTransform } from '../data/augment.ts'
import type { Dataset } from '../data/dataset.ts'
import type { Json, Module } from '../nn/index.ts'
import type { Optimizer, Plateau } from '../optim/index.ts'
import { iota, random, type Tensor, withTraining, zeros } from '../tensor/index.ts'
import type { Callbacks } from './callbacks.ts'
import { checkEarlyStopping, type EarlyStopping } from './early-stopping.ts'
import type { Loss, Metric } from './metrics.ts'
import { nextTask } from './turns.ts'

export interface FitOptions {
  /** The mean over the examples of a batch of what is to become small. */
  readonly loss: Loss
  readonly optimizer: Optimizer
  /** Passes over the data. */
  readonly epochs: number
  /** Examples in a batch; 32, or all of them if there are fewer, unless told. */
  readonly batchSize?: number
  /** Measured after each epoch, in evaluation mode. */
  readonly validation?: Dataset
  /** Computed on the training batches as they come, and on the validation set. */
  readonly metrics?: { readonly [name: string]: Metric }
  /** A rate of `optim.reduceOnPlateau`, which is told the loss after each epoch: of the validation set if there is one, else of training. */
  readonly plateau?: Plateau
  /** Ends training when nothing gets better. */
  readonly earlyStopping?: EarlyStopping
  /** Batches whose gradients make one update: their mean over examples, as one large batch would give. */
  readonly gradientAccumulation?: number
  /** Scales all gradients down together where their norm is larger. */
  readonly clipNorm?: number
  readonly callbacks?: Callbacks | readonly Callbacks[]
  /** Ends the run after the running update, with a checkpoint if there is a run folder. */
  readonly signal?: AbortSignal
  /** Seed of the order of examples, transforms and dropout; the runtime's unless told. */
  readonly seed?: number
  /** Visit the examples in a new order in each epoch; true unless told. */
  readonly shuffle?: boolean
  /** Changes each training example each time it comes. */
  readonly transform?: ExampleTransform
  /** Random changes of training batches as part of the compiled step: `augment.shift(2)` and the like. Metrics see the targets as they were. */
  readonly augment?: readonly Augmentation[]
  /** The folder to write configuration, records and checkpoints to (Node). Throws if it already holds a run, unless `resume` is set. */
  readonly run?: string
  /** Go on with the run in the folder, from its last checkpoint, as if it had not stopped. */
  readonly resume?: boolean
  /**
   * How often to write a checkpoint beside that at the end: after so many updates or seconds. Unless told, every second, or less
   * often where that would take more than 2 % of the time.
   */
  readonly checkpointEvery?: { readonly steps?: number; readonly seconds?: number }
  /** A live bar on standard error: true, false, or by whether it is a terminal. */
  readonly progress?: boolean
  /** Kept in the run's config.json for whoever rebuilds it. */
  readonly settings?: { readonly [key: string]: Json }
}

/**
 * Rejects options that make no sense, on their own or for this network and data. Builds graphs of a batch, computes nothing; each
 * takes a page's thread for a while, so it has a turn of its own.
 */
export async function checkFit(net: Module, data: Dataset, options: FitOptions): Promise<void> {
  const {
    epochs,
    gradientAccumulation = 1,
    clipNorm,
    run,
    resume = false,
    checkpointEvery = {},
    metrics = {},
  } = options
  whole('epochs', epochs, 0)
  whole('gradientAccumulation', gradientAccumulation, 1)
  if (clipNorm !== undefined && !(clipNorm > 0))
    throw new RangeError(`fit: clipNorm is ${clipNorm}, it must be above 0`)
  if (checkpointEvery.steps !== undefined) whole('checkpointEvery.steps', checkpointEvery.steps, 1)
  if (checkpointEvery.seconds !== undefined && !(checkpointEvery.seconds >= 0))
    throw new RangeError(`fit: checkpointEvery.seconds is ${checkpointEvery.seconds}, it must be at least 0`)
  if (resume && run === undefined) throw new RangeError('fit: resume needs the folder of the run to go on with: run')
  if ('loss' in metrics) throw new RangeError("fit: no metric can be called 'loss', that name is taken")
  if (options.earlyStopping) checkEarlyStopping(options.earlyStopping, ['loss', ...Object.keys(metrics)])
  if (net.parameters().length === 0) throw new RangeError('fit: the network has no parameters to train')
  await nextTask()
  checkShapes(net, data, options)
  await nextTask()
  if (options.augment) checkAugment(net, data, options, options.augment)
  if (options.validation) checkShapes(net, options.validation, options)
}

/** Network and loss take what the augmentations make of a batch. */
function checkAugment(net: Module, data: Dataset, { loss }: FitOptions, augment: readonly Augmentation[]): void {
  const size = Math.min(2, data.length)
  const key = random.key(0)
  const draw = { key, runKey: key, epoch: iota([1], 0).reshape([]), rows: iota([size], 0), classes: data.classes }
  const { inputs, targets } = withTraining(true, () => augmented(blank(data, size), augment, draw))
  withTraining(false, () => loss(net(inputs), targets))
}

/** A batch of zeros. */
function blank(data: Dataset, size: number): { inputs: Tensor; targets: Tensor } {
  const targetType = data.targets instanceof Int32Array ? 'int32' : 'float32'
  return { inputs: zeros([size, ...data.inputShape]), targets: zeros([size, ...data.targetShape], targetType) }
}

function checkShapes(net: Module, data: Dataset, { loss, metrics = {} }: FitOptions): void {
  withTraining(false, () => {
    const { inputs, targets } = blank(data, Math.min(2, data.length))
    const outputs = net(inputs)
    const value = loss(outputs, targets)
    if (value.size !== 1)
      throw new RangeError(`fit: the loss has shape [${value.shape.join(', ')}], it must be a scalar: take its mean`)
    for (const metric of Object.values(metrics)) metric.count(outputs, targets)
    const given = outputs.shape.at(-1) ?? 1
    if (data.classes !== undefined && outputs.rank === 2 && given > 1 && given < data.classes)
      throw new RangeError(`fit: the network has ${given} outputs, but '${data.name}' has ${data.classes} classes`)
  })
}

function whole(name: string, value: number, least: number): void {
  if (!Number.isInteger(value) || value < least)
    throw new RangeError(`fit: ${name} is ${value}, it must be a whole number of at least ${least}`)
}
