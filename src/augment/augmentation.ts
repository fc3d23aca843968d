// Augmentation: random changes of a batch that are part of the compiled step, and what they are given to draw from.

import { misfit } from '../graph/refuse.ts'
import type { Json } from '../nn/index.ts'
import { iota, random, runtime, type Tensor } from '../tensor/index.ts'

/** Some examples with what they are to give: inputs [n, ...] and targets [n, ...]. */
export interface Examples {
  readonly inputs: Tensor
  readonly targets: Tensor
}

/** What an augmentation may depend on beside the examples. All chance comes from the keys, so that a resumed run sees the same. */
export interface Draw {
  /** Another one in each step, and for each augmentation of a step. */
  readonly key: random.Key
  /** The same one throughout a run: with `rows`, what is drawn for an example once. */
  readonly runKey: random.Key
  /** The running epoch, an int32 scalar: 0, 1, … */
  readonly epoch: Tensor
  /** Where in the data set each example comes from, int32 [n]. */
  readonly rows: Tensor
  /** The number of classes, where targets are labels. */
  readonly classes?: number | undefined
}

/**
 * A random change of examples. Make your own as a record of these three; `options` go to a run's configuration.
 *
 *     const brighter: Augmentation = {
 *       kind: 'brighter', options: {},
 *       apply: ({ inputs, targets }, { key }) => ({ inputs: inputs.add(random.uniform([], { key })), targets }),
 *     }
 */
export interface Augmentation {
  readonly kind: string
  readonly options: { readonly [option: string]: Json }
  apply(examples: Examples, draw: Draw): Examples
}

/**
 * The examples after all augmentations, one after another, each with a key of its own; as they are unless training. Without
 * a draw the next key of the runtime's stream is taken, epoch 0 and the examples' places in the batch.
 *
 *     const { inputs, targets } = augment.augmented({ inputs: x, targets: t }, [augment.shift(2), augment.flip()])
 */
export function augmented(
  examples: Examples,
  augmentations: readonly Augmentation[],
  draw: Draw = drawOf(examples),
): Examples {
  if (!runtime.training) return examples
  const [n] = examples.inputs.shape
  return augmentations.reduce((before, augmentation, i) => {
    const after = augmentation.apply(before, {
      ...draw,
      key: random.fold(draw.key, i),
      runKey: random.fold(draw.runKey, i),
    })
    if (after.inputs.shape[0] !== n || after.targets.shape[0] !== n)
      throw misfit(
        `augment: ${augmentation.kind} makes ${after.inputs.shape[0]} inputs and ${after.targets.shape[0]} targets of ${n} examples: their number must stay`,
      )
    return after
  }, examples)
}

function drawOf({ inputs }: Examples): Draw {
  return {
    key: random.nextKey(),
    runKey: random.key(runtime.random.seed),
    epoch: iota([1], 0).reshape([]),
    rows: iota([inputs.shape[0]], 0),
  }
}

/** An augmentation of inputs alone, by a function of them and a draw. */
export const ofInputs = (
  kind: string,
  options: Augmentation['options'],
  change: (inputs: Tensor, draw: Draw) => Tensor,
): Augmentation => ({
  kind,
  options,
  apply: ({ inputs, targets }, draw) => ({ inputs: change(inputs, draw), targets }),
})

/** Throws unless the number lies in [least, most]; the ends are finite or not. */
export function checkWithin(kind: string, name: string, value: number, least = 0, most = Number.MAX_VALUE): void {
  if (!(value >= least && value <= most))
    throw misfit(
      `augment.${kind}: ${name} is ${value}, it must ${most === Number.MAX_VALUE ? `be finite and at least ${least}` : `lie in [${least}, ${most}]`}`,
    )
}

/** Throws unless the number is a whole one of at least `least`. */
export function checkWhole(kind: string, name: string, value: number, least = 0): void {
  if (!(Number.isInteger(value) && value >= least))
    throw misfit(`augment.${kind}: ${name} is ${value}, it must be a whole number of at least ${least}`)
}
