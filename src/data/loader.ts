/** A loader: the batches of an epoch, in an order that is a pure function of seed and epoch, from any batch on. */
import type { ExampleTransform } from './augment.ts'
import { type Dataset, inputSizeOf, type Targets, targetSizeOf } from './dataset.ts'
import { foldKey, type RandomStream, randomKey, randomStream, shuffledOrder } from './random.ts'

const shuffleStream = 1
const transformStream = 2

/** Some examples side by side. The arrays are the loader's own and are used again: see `Loader`. */
export interface Batch {
  /** [size, ...inputShape]. */
  readonly inputs: Float32Array
  /** [size, ...targetShape]. */
  readonly targets: Targets
  /** Number of examples: the batch size, or fewer in the last batch of an epoch. */
  readonly size: number
  /** Place of the batch in its epoch. A run that stops after it resumes from `index + 1`. */
  readonly index: number
  /** Where in the data set each example comes from. */
  readonly rows: Uint32Array
}

export interface LoaderOptions {
  /** Examples in a batch; at most the length of the data. */
  readonly batchSize: number
  /** Visit the examples in a new random order in each epoch (false: in the order of the data). */
  readonly shuffle?: boolean
  /** Seed of order and transforms; 0 unless told. */
  readonly seed?: number
  /** Leave out the last batch of an epoch if it would be smaller than the others. */
  readonly dropLast?: boolean
  /** Changes each example of each batch; the data set stays as it is. */
  readonly transform?: ExampleTransform
  /** How many batches `epochAsync` may make ahead, while its user awaits something else; 1 unless told. */
  readonly prefetch?: number
}

/** Where to begin in an epoch. */
export interface EpochOptions {
  /** Index of the first batch, from 0 (whole epoch) to `batchesPerEpoch` (nothing left). */
  readonly from?: number
}

/**
 * Gives out batches. The memory of a batch is used again: it holds until the batch after the next is asked for, so the
 * previous batch may still be read (by an upload, say) while the next is made. Copy what should last longer.
 */
export interface Loader {
  readonly dataset: Dataset
  readonly batchSize: number
  readonly batchesPerEpoch: number
  /** The batches of epoch `epoch` (0, 1, …), each made when it is asked for. */
  epoch(epoch: number, options?: EpochOptions): IterableIterator<Batch>
  /**
   * The same batches for `for await`. Lets other tasks run between batches, and makes the next batches ahead whenever the loop body
   * awaits something that leaves this thread idle (a worker's step, a GPU's). A body that never awaits gains nothing.
   */
  epochAsync(epoch: number, options?: EpochOptions): AsyncIterableIterator<Batch>
}

/**
 * Makes a loader. Throws on a batch size that isn't a whole number from 1 to the length of the data, and on other bad options.
 *
 *     for (const batch of loader(train, { batchSize: 128, shuffle: true, seed: 7 }).epoch(0)) step(batch)
 */
export function loader(data: Dataset, options: LoaderOptions): Loader {
  const { batchSize, shuffle = false, seed = 0, dropLast = false, transform, prefetch = 1 } = options
  checkWhole(data, 'batchSize', batchSize, 1)
  checkWhole(data, 'prefetch', prefetch, 0)
  if (batchSize > data.length)
    throw new Error(
      `loader of '${data.name}': batch size ${batchSize} is larger than the data (${data.length} examples); choose at most ${data.length}`,
    )
  const key = randomKey(seed)
  const batchesPerEpoch = dropLast ? Math.floor(data.length / batchSize) : Math.ceil(data.length / batchSize)
  const idle: Workspace[] = []

  /** Memory for one pass over an epoch with the epoch's order in it; goes back to `idle` when the pass ends. */
  function begin(epoch: number, slots: number): Workspace {
    const at = idle.findIndex((workspace) => workspace.slots.length === slots)
    const workspace = at >= 0 ? idle.splice(at, 1)[0] : newWorkspace(data, batchSize, slots)
    if (shuffle) shuffledOrder(foldKey(key, shuffleStream, epoch), workspace.order)
    return workspace
  }

  function fill(workspace: Workspace, epoch: number, index: number): Batch {
    const slot = workspace.slots[workspace.turn]
    const first = index * batchSize
    const size = Math.min(batchSize, data.length - first)
    const { inputs, targets, rows } = size === batchSize ? slot.whole : slotViews(data, slot, size)
    const [inputSize, targetSize] = [inputSizeOf(data), targetSizeOf(data)]
    for (let i = 0; i < size; i++) {
      const row = workspace.order[first + i]
      rows[i] = row
      copyBlock(data.inputs, row, inputs, i, inputSize)
      copyBlock(data.targets, row, targets, i, targetSize)
      if (transform === undefined) continue
      workspace.random.restart(foldKey(key, transformStream, epoch, row))
      transform(slot.examples[i], data.inputShape, workspace.random)
    }
    workspace.turn = (workspace.turn + 1) % workspace.slots.length
    return { inputs, targets, size, index, rows }
  }

  function* run(epoch: number, from: number): Generator<Batch, undefined> {
    const workspace = begin(epoch, 2)
    try {
      for (let index = from; index < batchesPerEpoch; index++) yield fill(workspace, epoch, index)
    } finally {
      idle.push(workspace)
    }
  }

  async function* runAhead(epoch: number, from: number): AsyncGenerator<Batch, undefined> {
    const workspace = begin(epoch, prefetch + 2)
    const ready: Batch[] = []
    let next = from
    let isOver = false
    let isWaiting = false
    const makeAhead = () => {
      isWaiting = false
      if (isOver || next === batchesPerEpoch) return
      try {
        ready.push(fill(workspace, epoch, next))
      } catch {
        // Made again when it is asked for, where the caller sees what the transform throws.
        return
      }
      next++
      plan()
    }
    const plan = () => {
      if (isWaiting || next === batchesPerEpoch || ready.length >= prefetch) return
      isWaiting = true
      nextTask().then(makeAhead)
    }
    try {
      while (ready.length > 0 || next < batchesPerEpoch) {
        await nextTask()
        const batch = ready.shift() ?? fill(workspace, epoch, next++)
        plan()
        yield batch
      }
    } finally {
      isOver = true
      idle.push(workspace)
    }
  }

  function start(epoch: number, from = 0): number {
    checkWhole(data, 'epoch', epoch, 0)
    checkWhole(data, 'from', from, 0)
    if (from > batchesPerEpoch)
      throw new Error(
        `loader of '${data.name}': cannot begin at batch ${from}, an epoch has ${batchesPerEpoch}; was the run made with another batch size or other data?`,
      )
    return from
  }

  return {
    dataset: data,
    batchSize,
    batchesPerEpoch,
    epoch: (epoch, { from } = {}) => run(epoch, start(epoch, from)),
    epochAsync: (epoch, { from } = {}) => runAhead(epoch, start(epoch, from)),
  }
}

interface Views {
  readonly inputs: Float32Array
  readonly targets: Targets
  readonly rows: Uint32Array
}

/** The memory of one batch. */
interface Slot {
  readonly whole: Views
  /** One view for each example, for transforms. */
  readonly examples: readonly Float32Array[]
}

interface Workspace {
  readonly order: Uint32Array
  readonly slots: readonly Slot[]
  readonly random: RandomStream
  /** The slot that the next batch goes to. */
  turn: number
}

function newWorkspace(data: Dataset, batchSize: number, slots: number): Workspace {
  const [inputSize, targetSize] = [inputSizeOf(data), targetSizeOf(data)]
  const newSlot = (): Slot => {
    const inputs = new Float32Array(batchSize * inputSize)
    const count = batchSize * targetSize
    const targets = data.targets instanceof Int32Array ? new Int32Array(count) : new Float32Array(count)
    return {
      whole: { inputs, targets, rows: new Uint32Array(batchSize) },
      examples: Array.from({ length: batchSize }, (_, i) => inputs.subarray(i * inputSize, (i + 1) * inputSize)),
    }
  }
  return {
    order: Uint32Array.from({ length: data.length }, (_, i) => i),
    slots: Array.from({ length: slots }, newSlot),
    random: randomStream([0, 0]),
    turn: 0,
  }
}

function slotViews(data: Dataset, { whole }: Slot, size: number): Views {
  return {
    inputs: whole.inputs.subarray(0, size * inputSizeOf(data)),
    targets: whole.targets.subarray(0, size * targetSizeOf(data)),
    rows: whole.rows.subarray(0, size),
  }
}

function copyBlock(source: Targets, from: number, target: Targets, to: number, size: number): void {
  // A view costs about as much as copying thirty numbers one by one.
  if (size > 32) target.set(source.subarray(from * size, (from + 1) * size), to * size)
  else for (let i = 0; i < size; i++) target[to * size + i] = source[from * size + i]
}

/** Lets timers, input and signals have their turn; setImmediate where there is one, because a timer takes a millisecond. */
function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve)
    else setTimeout(resolve)
  })
}

function checkWhole(data: Dataset, field: string, value: number, least: number): void {
  if (!(Number.isInteger(value) && value >= least))
    throw new Error(`loader of '${data.name}': ${field} must be a whole number of at least ${least}, found ${value}`)
}
