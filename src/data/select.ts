/** Smaller data sets out of a larger one: chosen examples, the first few, and random parts. */
import { type Dataset, inputSizeOf, targetSizeOf, withExamples } from './dataset.ts'
import { foldKey, randomKey, shuffledOrder } from './random.ts'

const splitStream = 3

/** The examples at `indices`, in that order; an index may come twice. Throws on an index outside the data set. */
export function subset(data: Dataset, indices: ArrayLike<number>): Dataset {
  if (indices.length === 0)
    throw new Error(`subset of '${data.name}': no indices, but a data set has at least one example`)
  const [inputSize, targetSize] = [inputSizeOf(data), targetSizeOf(data)]
  const inputs = new Float32Array(indices.length * inputSize)
  const targets = newLike(data.targets, indices.length * targetSize)
  for (let i = 0; i < indices.length; i++) {
    const row = indices[i]
    if (!(Number.isInteger(row) && row >= 0 && row < data.length))
      throw new Error(
        `subset of '${data.name}': index ${row} at place ${i} is not a whole number from 0 to ${data.length - 1}`,
      )
    inputs.set(data.inputs.subarray(row * inputSize, (row + 1) * inputSize), i * inputSize)
    targets.set(data.targets.subarray(row * targetSize, (row + 1) * targetSize), i * targetSize)
  }
  return withExamples(data, { inputs, targets, length: indices.length })
}

/** The first `count` examples, without copying them. Throws if there are fewer. */
export function take(data: Dataset, count: number): Dataset {
  if (!(Number.isInteger(count) && count >= 1 && count <= data.length))
    throw new Error(`take from '${data.name}': expected a whole number from 1 to ${data.length}, found ${count}`)
  return withExamples(data, {
    inputs: data.inputs.subarray(0, count * inputSizeOf(data)),
    targets: data.targets.subarray(0, count * targetSizeOf(data)),
    length: count,
  })
}

/**
 * Parts a data set at random, the same way for the same seed. One fraction gives two parts, that share and the rest; a list
 * gives a part for each, and one for the rest if they sum to less than 1. Throws if a part would be empty.
 *
 *     const [train, validation] = split(data, 0.8, 0)
 */
export function split(data: Dataset, fraction: number, seed?: number): [Dataset, Dataset]
export function split(data: Dataset, fractions: readonly number[], seed?: number): Dataset[]
export function split(data: Dataset, fractions: number | readonly number[], seed = 0): Dataset[] {
  const shares = typeof fractions === 'number' ? [fractions] : [...fractions]
  const sum = shares.reduce((total, share) => total + share, 0)
  const almostOne = 1 - 1e-9
  const oneOnly = typeof fractions === 'number' && sum >= almostOne
  if (shares.length === 0 || !shares.every((share) => share > 0) || sum > 1 + 1e-9 || oneOnly)
    throw new Error(
      `split of '${data.name}': fractions must be above 0 and sum to ${typeof fractions === 'number' ? 'less than' : 'at most'} 1, found ${shares.join(' + ')}`,
    )
  if (sum < almostOne) shares.push(1 - sum)
  const order = shuffledOrder(foldKey(randomKey(seed), splitStream), new Uint32Array(data.length))
  let [begin, reached] = [0, 0]
  return shares.map((share, part) => {
    reached += share
    const end = part === shares.length - 1 ? data.length : Math.round(reached * data.length)
    if (end <= begin)
      throw new Error(
        `split of '${data.name}': part ${part} with fraction ${share} of ${data.length} examples is empty`,
      )
    const chosen = subset(data, order.subarray(begin, end))
    begin = end
    return chosen
  })
}

function newLike(targets: Int32Array | Float32Array, length: number): Int32Array | Float32Array {
  return targets instanceof Int32Array ? new Int32Array(length) : new Float32Array(length)
}
