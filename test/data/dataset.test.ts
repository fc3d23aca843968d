// Data sets: what is made of a source, and what is chosen, parted and scaled from it.
import { expect, test } from 'vitest'
import { dataset } from '../../src/data/dataset.ts'
import { mapInputs, normalize, standardize } from '../../src/data/scale.ts'
import { split, subset, take } from '../../src/data/select.ts'

/** Example i has inputs 2i and 2i + 1, and label i mod 3. */
function numbered(length: number) {
  return dataset({
    name: 'numbered',
    inputs: Float32Array.from({ length: 2 * length }, (_, i) => i),
    inputShape: [2],
    targets: Int32Array.from({ length }, (_, i) => i % 3),
    classNames: ['a', 'b', 'c'],
  })
}

test('labels and real targets', () => {
  const labelled = numbered(4)
  expect(labelled).toMatchObject({ length: 4, classes: 3, classNames: ['a', 'b', 'c'], targetShape: [] })
  expect(Object.isFrozen(labelled)).toBe(true)
  const guessed = dataset({ inputs: [1, 2], inputShape: [1], targets: Int32Array.of(4, 0) })
  expect(guessed.classes).toBe(5)
  const fromNumbers = dataset({ inputs: [1, 2], inputShape: [1], targets: [1, 0], classes: 3 })
  expect(fromNumbers.targets).toEqual(Int32Array.of(1, 0))
  const real = dataset({ inputs: [1, 2, 3, 4], inputShape: [2], targets: [0.5, 1, 2, 3], targetShape: [2] })
  expect(real.targets).toEqual(Float32Array.of(0.5, 1, 2, 3))
  expect(real.classes).toBeUndefined()
})

test('typed arrays are kept without a copy', () => {
  const [inputs, targets] = [Float32Array.of(1, 2), Int32Array.of(0, 1)]
  const made = dataset({ inputs, inputShape: [1], targets })
  expect(made.inputs).toBe(inputs)
  expect(made.targets).toBe(targets)
})

test('subset takes examples in the order asked, with repeats', () => {
  const chosen = subset(numbered(5), [4, 0, 4])
  expect([...chosen.inputs]).toEqual([8, 9, 0, 1, 8, 9])
  expect([...chosen.targets]).toEqual([1, 0, 1])
  expect(chosen).toMatchObject({ length: 3, classes: 3, name: 'numbered' })
})

test('take is a view of the first examples', () => {
  const data = numbered(5)
  const first = take(data, 2)
  expect([...first.inputs]).toEqual([0, 1, 2, 3])
  expect(first.inputs.buffer).toBe(data.inputs.buffer)
})

test('split parts all examples, the same way for a seed', () => {
  const data = numbered(100)
  const parts = split(data, [0.5, 0.3], 1)
  expect(parts.map(({ length }) => length)).toEqual([50, 30, 20])
  const firsts = parts.flatMap(({ inputs }) => [...inputs].filter((_, i) => i % 2 === 0))
  expect(firsts.sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => 2 * i))
  expect(split(data, [0.5, 0.3], 1)[0].inputs).toEqual(parts[0].inputs)
  expect(split(data, [0.5, 0.3], 2)[0].inputs).not.toEqual(parts[0].inputs)
  const [train, rest] = split(data, 0.8)
  expect([train.length, rest.length]).toEqual([80, 20])
  expect(split(data, [0.7, 0.2, 0.1])).toHaveLength(3)
})

test('mapInputs may change the shape', () => {
  const sums = mapInputs(numbered(3), ([a, b], index) => [a + b, index, 7], [3, 1])
  expect([...sums.inputs]).toEqual([1, 0, 7, 5, 1, 7, 9, 2, 7])
  expect(sums.inputShape).toEqual([3, 1])
  expect([...sums.targets]).toEqual([0, 1, 2])
})

test('normalize with one value, one for each channel, one for each element', () => {
  const image = dataset({ inputs: [1, 2, 3, 4], inputShape: [2, 2], targets: [0] })
  expect([...normalize(1, 2)(image).inputs]).toEqual([0, 0.5, 1, 1.5])
  expect([...normalize([1, 3], [1, 2])(image).inputs]).toEqual([0, 1, 0, 0.5])
  expect([...normalize([1, 2, 3, 4], 1)(image).inputs]).toEqual([0, 0, 0, 0])
  expect([...image.inputs]).toEqual([1, 2, 3, 4])
})

test('standardize measures the training set and serves others', () => {
  const train = dataset({ inputs: [1, 5, 3, 5, 5, 5], inputShape: [2], targets: [0, 0, 0] })
  const { mean, standardDeviation, transform } = standardize(train)
  expect(mean[0]).toBeCloseTo(3, 12)
  expect(standardDeviation[0]).toBeCloseTo(Math.sqrt(8 / 3), 12)
  expect(standardDeviation[1]).toBe(1)
  const other = transform(dataset({ inputs: [3, 6], inputShape: [2], targets: [0] }))
  expect(other.inputs[0]).toBeCloseTo(0, 6)
  expect(other.inputs[1]).toBeCloseTo(1, 6)

  const images = dataset({ inputs: [0, 2, 10, 30, 0, 2, 10, 30], inputShape: [2, 2], targets: [0, 0] })
  expect(standardize(images, 'channel')).toMatchObject({ mean: [1, 20], standardDeviation: [1, 10] })
  expect(standardize(images, 'all').mean[0]).toBeCloseTo(10.5, 12)
})
