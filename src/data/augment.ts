/** Random changes of single examples, made anew in every epoch while a loader fills its batches. */
import type { RandomStream } from './random.ts'

/**
 * Changes one example in place. All chance must come from `random`, which depends on the loader's seed, the epoch and the
 * example alone, so that a run that is resumed sees the same examples.
 */
export type ExampleTransform = (example: Float32Array, shape: readonly number[], random: RandomStream) => void

/** Applies transforms one after another. */
export function compose(...transforms: readonly ExampleTransform[]): ExampleTransform {
  return (example, shape, random) => {
    for (const transform of transforms) transform(example, shape, random)
  }
}

/**
 * Moves an image [channels, height, width] or [height, width] by up to `pixels` (a whole number) along both axes. What
 * comes in is `fill`, or the nearest edge pixel if it isn't given.
 */
export function randomShift(pixels: number, options: { readonly fill?: number } = {}): ExampleTransform {
  if (!(Number.isInteger(pixels) && pixels >= 0))
    throw new Error(`randomShift: pixels must be a whole number of at least 0, found ${pixels}`)
  const { fill } = options
  let before = new Float32Array(0)
  return (example, shape, random) => {
    const [height, width] = imageExtents('randomShift', shape)
    const down = random.integer(2 * pixels + 1) - pixels
    const right = random.integer(2 * pixels + 1) - pixels
    if (before.length !== example.length) before = new Float32Array(example.length)
    before.set(example)
    for (let start = 0; start < example.length; start += width) {
      const row = (start / width) % height
      const fromRow = clamp(row - down, height)
      const fromStart = start + (fromRow - row) * width
      const isRowOutside = fromRow !== row - down
      for (let column = 0; column < width; column++) {
        const fromColumn = clamp(column - right, width)
        const isOutside = isRowOutside || fromColumn !== column - right
        example[start + column] = isOutside && fill !== undefined ? fill : before[fromStart + fromColumn]
      }
    }
  }
}

/** Adds normal noise of the given standard deviation to every element. */
export function randomNoise(standardDeviation: number): ExampleTransform {
  if (!(standardDeviation >= 0 && Number.isFinite(standardDeviation)))
    throw new Error(`randomNoise: standard deviation must be at least 0, found ${standardDeviation}`)
  return (example, _shape, random) => {
    for (let i = 0; i < example.length; i++) example[i] += random.normal(0, standardDeviation)
  }
}

function imageExtents(name: string, shape: readonly number[]): [number, number] {
  if (shape.length !== 2 && shape.length !== 3)
    throw new Error(
      `${name}: expected an image [channels, height, width] or [height, width], found shape [${shape.join(', ')}]`,
    )
  return [shape[shape.length - 2], shape[shape.length - 1]]
}

function clamp(index: number, extent: number): number {
  return Math.min(extent - 1, Math.max(0, index))
}
