/** Changes of a whole data set's inputs: any function, given mean and standard deviation, or measured ones. */
import { type Dataset, dataset, inputSizeOf } from './dataset.ts'

/** A change of a data set that is made once, before training. */
export type DatasetTransform = (data: Dataset) => Dataset

/** What mean and standard deviation are taken over: each element, the first axis (colours of an image), or everything. */
export type ScalePer = 'feature' | 'channel' | 'all'

/** Measured mean and standard deviation with the transform that applies them to any data set of that shape. */
export interface Standardizer {
  readonly mean: readonly number[]
  readonly standardDeviation: readonly number[]
  readonly transform: DatasetTransform
}

/**
 * A data set whose inputs are `change(example, index)`, each of shape `inputShape` (as before unless told).
 * `example` is a view for reading. Throws if a result has another length or a number that is not finite.
 */
export function mapInputs(
  data: Dataset,
  change: (example: Float32Array, index: number) => ArrayLike<number>,
  inputShape: readonly number[] = data.inputShape,
): Dataset {
  const before = inputSizeOf(data)
  const after = inputShape.reduce((product, extent) => product * extent, 1)
  const inputs = new Float32Array(data.length * after)
  for (let i = 0; i < data.length; i++) {
    const changed = change(data.inputs.subarray(i * before, (i + 1) * before), i)
    if (changed.length !== after)
      throw new Error(
        `mapInputs of '${data.name}': example ${i} became ${changed.length} numbers, expected ${after} for shape [${inputShape.join(', ')}]`,
      )
    inputs.set(changed, i * after)
  }
  return dataset({ ...data, inputs, inputShape })
}

/**
 * The transform x → (x − mean) / standardDeviation. Each is one number, one for each entry of the first axis (channels), or
 * one for each input element. Throws on a standard deviation that is not above 0, or a list of another length.
 *
 *     const train = normalize(0.1307, 0.3081)(images)
 */
export function normalize(
  mean: number | readonly number[],
  standardDeviation: number | readonly number[],
): DatasetTransform {
  const means = typeof mean === 'number' ? [mean] : mean
  const deviations = typeof standardDeviation === 'number' ? [standardDeviation] : standardDeviation
  if (!means.every(Number.isFinite)) throw new Error(`normalize: mean must be finite, found ${means.join(', ')}`)
  const bad = deviations.findIndex((deviation) => !(deviation > 0 && Number.isFinite(deviation)))
  if (bad >= 0)
    throw new Error(
      `normalize: standard deviation ${bad} must be above 0, found ${deviations[bad]}; drop a constant feature or use 1`,
    )
  return (data) => {
    const size = inputSizeOf(data)
    const meanAt = elementTable(data, means, 'mean')
    const deviationAt = elementTable(data, deviations, 'standard deviation')
    const inputs = new Float32Array(data.inputs.length)
    for (let i = 0; i < inputs.length; i++) inputs[i] = (data.inputs[i] - meanAt[i % size]) / deviationAt[i % size]
    return dataset({ ...data, inputs })
  }
}

/**
 * Measures mean and standard deviation (over n, in float64) of a training set; its `transform` then serves every part of the
 * data alike. A constant feature is only centred.
 *
 *     const scaler = standardize(train)
 *     const [a, b] = [scaler.transform(train), scaler.transform(test)]
 */
export function standardize(train: Dataset, per: ScalePer = 'feature'): Standardizer {
  const size = inputSizeOf(train)
  const groups = per === 'feature' ? size : per === 'channel' ? train.inputShape[0] : 1
  const groupSize = size / groups
  const count = train.length * groupSize
  const mean = new Array<number>(groups).fill(0)
  const variance = new Array<number>(groups).fill(0)
  const groupOf = (i: number) => Math.floor((i % size) / groupSize)
  for (let i = 0; i < train.inputs.length; i++) mean[groupOf(i)] += train.inputs[i] / count
  for (let i = 0; i < train.inputs.length; i++)
    variance[groupOf(i)] += (train.inputs[i] - mean[groupOf(i)]) ** 2 / count
  // A feature whose spread is rounding noise beside its size is constant.
  const standardDeviation = variance.map((value, group) =>
    Math.sqrt(value) > 1e-7 * Math.abs(mean[group]) ? Math.sqrt(value) : 1,
  )
  return { mean, standardDeviation, transform: normalize(mean, standardDeviation) }
}

/** `values` spread over the elements of one input. */
function elementTable(data: Dataset, values: readonly number[], what: string): Float64Array {
  const size = inputSizeOf(data)
  if (values.length !== 1 && values.length !== size && values.length !== data.inputShape[0])
    throw new Error(
      `normalize of '${data.name}': ${values.length} values of ${what}, expected 1, ${data.inputShape[0]} (first axis) or ${size} (elements) for input shape [${data.inputShape.join(', ')}]`,
    )
  const perValue = size / values.length
  return Float64Array.from({ length: size }, (_, element) => values[Math.floor(element / perValue)])
}
