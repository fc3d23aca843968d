/** A data set: examples of one shape with their targets, as plain typed arrays that are never changed in place. */

/** Class labels (whole numbers from 0) or real numbers, one block of `targetShape` for each example. */
export type Targets = Int32Array | Float32Array

/** Examples and targets, laid out one after another; treat the arrays as read-only, subsets and loaders copy from them. */
export interface Dataset {
  /** What error messages and run folders call it. */
  readonly name: string
  /** Number of examples. */
  readonly length: number
  /** `length` blocks of `inputShape`. */
  readonly inputs: Float32Array
  /** Shape of one example, such as [1, 28, 28]. */
  readonly inputShape: readonly number[]
  /** `length` blocks of `targetShape`: labels in an Int32Array, real numbers in a Float32Array. */
  readonly targets: Targets
  /** Shape of one target; [] for one number, such as a class label. */
  readonly targetShape: readonly number[]
  /** Number of classes; labels lie in [0, classes). Absent for real targets. */
  readonly classes?: number
  /** One name for each class. */
  readonly classNames?: readonly string[]
}

/** What `dataset` makes a data set from. */
export interface DatasetSource {
  readonly inputs: Float32Array | readonly number[]
  readonly inputShape: readonly number[]
  /** Labels if it is an Int32Array or if `classes` or `classNames` is given; else real numbers. */
  readonly targets: Targets | readonly number[]
  readonly targetShape?: readonly number[]
  /** As many as `classNames`, or one more than the largest label, unless told. */
  readonly classes?: number
  readonly classNames?: readonly string[]
  readonly name?: string
}

/**
 * Makes a data set after checking every number of it: lengths against shapes, inputs finite, labels whole and in range.
 * Typed arrays are kept, not copied. Throws with the place of the first bad number.
 *
 *     dataset({ inputs: [0, 0, 1, 1], inputShape: [2], targets: [0, 1], classes: 2 }).length // 2
 */
export function dataset(source: DatasetSource): Dataset {
  const { name = 'dataset', inputShape, targetShape = [], classNames } = source
  const where = `dataset '${name}'`
  const inputSize = shapeSize(where, 'inputShape', inputShape)
  const targetSize = shapeSize(where, 'targetShape', targetShape)
  const inputs = source.inputs instanceof Float32Array ? source.inputs : Float32Array.from(source.inputs)
  const length = inputs.length / inputSize
  if (!Number.isInteger(length) || length === 0)
    throw new Error(
      `${where}: inputs hold ${inputs.length} numbers, not one or more whole examples of shape ${showShape(inputShape)} (${inputSize} each)`,
    )
  if (source.targets.length !== length * targetSize)
    throw new Error(
      `${where}: targets hold ${source.targets.length} numbers, expected ${length * targetSize}: ${length} examples with target shape ${showShape(targetShape)}`,
    )
  checkFinite(where, 'inputs', inputs, inputShape, inputSize)

  const isLabelled =
    source.targets instanceof Int32Array || source.classes !== undefined || source.classNames !== undefined
  const names = classNames === undefined ? {} : { classNames: Object.freeze([...classNames]) }
  const shapes = { inputShape: Object.freeze([...inputShape]), targetShape: Object.freeze([...targetShape]) }
  if (!isLabelled) {
    const targets = source.targets instanceof Float32Array ? source.targets : Float32Array.from(source.targets)
    checkFinite(where, 'targets', targets, targetShape, targetSize)
    return Object.freeze({ name, length, inputs, targets, ...shapes })
  }
  const classes = countClasses(where, source)
  checkLabels(where, source.targets, targetSize, classes)
  const targets = source.targets instanceof Int32Array ? source.targets : Int32Array.from(source.targets)
  return Object.freeze({ name, length, inputs, targets, ...shapes, classes, ...names })
}

/** Number of elements of one example's input. */
export function inputSizeOf(data: Dataset): number {
  return data.inputs.length / data.length
}

/** Number of elements of one example's target. */
export function targetSizeOf(data: Dataset): number {
  return data.targets.length / data.length
}

/** The same data set with other examples or inputs that are known to be good, so that nothing is checked again. */
export function withExamples(
  data: Dataset,
  changes: Partial<Pick<Dataset, 'inputs' | 'inputShape' | 'targets' | 'length' | 'name'>>,
): Dataset {
  return Object.freeze({ ...data, ...changes })
}

function shapeSize(where: string, field: string, shape: readonly number[]): number {
  if (!shape.every((extent) => Number.isInteger(extent) && extent >= 1))
    throw new Error(`${where}: ${field} is ${showShape(shape)}, but every extent must be a whole number of at least 1`)
  return shape.reduce((product, extent) => product * extent, 1)
}

function checkFinite(
  where: string,
  field: 'inputs' | 'targets',
  values: Float32Array,
  shape: readonly number[],
  size: number,
): void {
  // 0·x is 0 for a finite x and NaN otherwise: one pass without branches, and a search only where it failed.
  let zero = 0
  for (let i = 0; i < values.length; i++) zero += 0 * values[i]
  if (zero === 0) return
  const bad = values.findIndex((value) => !Number.isFinite(value))
  const column = bad % size
  const place = shape.length > 1 ? ` (at ${showShape(placeInShape(column, shape))} of ${showShape(shape)})` : ''
  throw new Error(
    `${where}: ${field} of example ${Math.floor(bad / size)} has ${values[bad]} in column ${column}${place}; remove the example or replace the value`,
  )
}

function countClasses(where: string, { classes, classNames, targets }: DatasetSource): number {
  if (classes !== undefined && !(Number.isInteger(classes) && classes >= 1))
    throw new Error(`${where}: classes must be a whole number of at least 1, found ${classes}`)
  if (classes !== undefined && classNames !== undefined && classNames.length !== classes)
    throw new Error(`${where}: ${classNames.length} class names for ${classes} classes`)
  if (classes !== undefined) return classes
  if (classNames !== undefined) return classNames.length
  let largest = 0
  for (const label of targets) if (label > largest) largest = label
  return largest + 1
}

function checkLabels(where: string, labels: ArrayLike<number>, targetSize: number, classes: number): void {
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i]
    if (Number.isInteger(label) && label >= 0 && label < classes) continue
    const place = targetSize > 1 ? ` in column ${i % targetSize}` : ''
    throw new Error(
      `${where}: label of example ${Math.floor(i / targetSize)} is ${label}${place}, expected a whole number from 0 to ${classes - 1} (${classes} classes)`,
    )
  }
}

function placeInShape(flat: number, shape: readonly number[]): number[] {
  const place: number[] = []
  let rest = flat
  for (const extent of [...shape].reverse()) {
    place.unshift(rest % extent)
    rest = Math.floor(rest / extent)
  }
  return place
}

function showShape(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`
}
