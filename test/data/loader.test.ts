// Loaders: order, sizes, reuse of memory, transforms, and starting in the middle of an epoch.
import { expect, test } from 'vitest'
import { compose, type ExampleTransform, randomNoise, randomShift } from '../../src/data/augment.ts'
import { dataset } from '../../src/data/dataset.ts'
import { type Batch, type LoaderOptions, loader } from '../../src/data/loader.ts'
import { randomKey, randomStream } from '../../src/data/random.ts'

/** Example i has `width` inputs equal to i, and label i mod 4. */
function numbered(length: number, width = 1) {
  return dataset({
    name: 'numbered',
    inputs: Float32Array.from({ length: length * width }, (_, i) => Math.floor(i / width)),
    inputShape: [width],
    targets: Int32Array.from({ length }, (_, i) => i % 4),
    classes: 4,
  })
}

function copyOf({ inputs, targets, rows, size, index }: Batch) {
  return { inputs: [...inputs], targets: [...targets], rows: [...rows], size, index }
}

const copies = (batches: Iterable<Batch>) => Array.from(batches, copyOf)

async function asyncCopies(batches: AsyncIterable<Batch>, between: () => unknown) {
  const found: ReturnType<typeof copyOf>[] = []
  for await (const batch of batches) {
    await between()
    found.push(copyOf(batch))
  }
  return found
}

const laterTask = () => new Promise((resolve) => setTimeout(resolve))

test('without shuffling, batches follow the data; the last is smaller or left out', () => {
  const data = numbered(7)
  const batches = copies(loader(data, { batchSize: 3 }).epoch(0))
  expect(batches.map(({ inputs }) => inputs)).toEqual([[0, 1, 2], [3, 4, 5], [6]])
  expect(batches.map(({ targets }) => targets)).toEqual([[0, 1, 2], [3, 0, 1], [2]])
  expect(batches.map(({ size, index }) => [size, index])).toEqual([
    [3, 0],
    [3, 1],
    [1, 2],
  ])
  const even = loader(data, { batchSize: 3, dropLast: true })
  expect(even.batchesPerEpoch).toBe(2)
  expect(copies(even.epoch(0))).toEqual(batches.slice(0, 2))
  expect(loader(data, { batchSize: 3 }).batchesPerEpoch).toBe(3)
})

test.each([1, 40])('a shuffled epoch has every example once with its own target (%i inputs)', (width) => {
  const made = loader(numbered(50, width), { batchSize: 8, shuffle: true, seed: 3 })
  const batches = copies(made.epoch(2))
  const rows = batches.flatMap((batch) => batch.rows)
  expect([...rows].sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i))
  expect(batches.flatMap(({ inputs }) => inputs)).toEqual(rows.flatMap((row) => new Array(width).fill(row)))
  expect(batches.flatMap(({ targets }) => targets)).toEqual(rows.map((row) => row % 4))
})

test('the order is a pure function of seed and epoch', () => {
  const order = (seed: number, epoch: number) =>
    copies(loader(numbered(50), { batchSize: 8, shuffle: true, seed }).epoch(epoch)).flatMap(({ rows }) => rows)
  expect(order(3, 5)).toEqual(order(3, 5))
  expect(order(3, 6)).not.toEqual(order(3, 5))
  expect(order(4, 5)).not.toEqual(order(3, 5))
  const used = loader(numbered(50), { batchSize: 8, shuffle: true, seed: 3 })
  copies(used.epoch(0))
  expect(copies(used.epoch(5)).flatMap(({ rows }) => rows)).toEqual(order(3, 5))
})

const wobble: ExampleTransform = (example, _shape, random) => {
  example[0] += random.uniform()
}

test.each<[string, Partial<LoaderOptions>]>([
  ['in order', {}],
  ['shuffled', { shuffle: true, seed: 9 }],
  ['shuffled and transformed', { shuffle: true, seed: 9, transform: wobble }],
])('starting at any batch gives the rest of the same epoch (%s)', (_name, options) => {
  const data = numbered(23)
  const whole = copies(loader(data, { batchSize: 4, ...options }).epoch(1))
  for (let from = 0; from <= whole.length; from++)
    expect(copies(loader(data, { batchSize: 4, ...options }).epoch(1, { from }))).toEqual(whole.slice(from))
})

test('a transform sees new chances in each epoch and leaves the data alone, whatever the batch size', () => {
  const data = numbered(10)
  const inputs = (batchSize: number, epoch: number) =>
    copies(loader(data, { batchSize, transform: wobble }).epoch(epoch)).flatMap((batch) => batch.inputs)
  expect(inputs(3, 0)).toEqual(inputs(5, 0))
  expect(inputs(3, 1)).not.toEqual(inputs(3, 0))
  expect([...data.inputs]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
})

test('two buffers take turns: a batch holds while the next is made, also into the next epoch', () => {
  const made = loader(numbered(6), { batchSize: 2 })
  const buffers: ArrayBufferLike[] = []
  let previous: Batch | undefined
  let wanted: number[] = []
  for (const epoch of [0, 1])
    for (const batch of made.epoch(epoch)) {
      if (previous !== undefined) expect([...previous.inputs]).toEqual(wanted)
      previous = batch
      wanted = [...batch.inputs]
      buffers.push(batch.inputs.buffer)
    }
  expect(new Set(buffers).size).toBe(2)
})

test('passes that overlap do not share memory', () => {
  const made = loader(numbered(4), { batchSize: 2 })
  const pairs: number[][] = []
  for (const a of made.epoch(0)) for (const b of made.epoch(0)) pairs.push([...a.inputs, ...b.inputs])
  expect(pairs).toEqual([
    [0, 1, 0, 1],
    [0, 1, 2, 3],
    [2, 3, 0, 1],
    [2, 3, 2, 3],
  ])
})

test.each([
  ['no prefetch, a body that waits', 0, laterTask],
  ['prefetch 1, a body that waits', 1, laterTask],
  ['prefetch 3, a body that waits', 3, laterTask],
  ['prefetch 2, a body that does not', 2, () => undefined],
])('asynchronous epochs give the same batches: %s', async (_name, prefetch, between) => {
  const options = { batchSize: 4, shuffle: true, seed: 5, transform: wobble, prefetch }
  const wanted = copies(loader(numbered(23), options).epoch(3, { from: 1 }))
  const made = loader(numbered(23), options)
  expect(await asyncCopies(made.epochAsync(3, { from: 1 }), between)).toEqual(wanted)
  expect(await asyncCopies(made.epochAsync(3, { from: 1 }), between)).toEqual(wanted)
})

test('the next batch is made while the loop body waits, and the present one holds', async () => {
  const seen: number[] = []
  const transform: ExampleTransform = (example) => {
    seen.push(example[0])
  }
  const made = loader(numbered(4), { batchSize: 1, transform, prefetch: 2 })
  let previous: Batch | undefined
  for await (const batch of made.epochAsync(0)) {
    for (let i = 0; i < 8; i++) await laterTask()
    expect(seen).toHaveLength(Math.min(4, batch.index + 3))
    expect(batch.inputs[0]).toBe(batch.index)
    if (previous !== undefined) expect(previous.inputs[0]).toBe(previous.index)
    previous = batch
  }
})

test('an asynchronous epoch lets other tasks run, and may be left early', async () => {
  let ticks = 0
  const timer = setInterval(() => ticks++, 0)
  const made = loader(numbered(2000), { batchSize: 1 })
  for await (const batch of made.epochAsync(0)) if (ticks > 0 || batch.index === 1999) break
  clearInterval(timer)
  expect(ticks).toBeGreaterThan(0)
  expect(await asyncCopies(made.epochAsync(0, { from: 1999 }), laterTask)).toMatchObject([{ inputs: [1999] }])
})

test('nothing is made ahead for a loop that was left', async () => {
  let made = 0
  const transform: ExampleTransform = () => {
    made++
  }
  const batches = loader(numbered(4), { batchSize: 1, transform })
  for await (const _batch of batches.epochAsync(0)) break
  for (let i = 0; i < 4; i++) await laterTask()
  expect(made).toBe(1)
})

test('what a transform throws reaches the loop, also when made ahead', async () => {
  const transform: ExampleTransform = (example) => {
    if (example[0] === 2) throw new Error('no twos')
  }
  const made = loader(numbered(4), { batchSize: 1, transform })
  expect(() => copies(made.epoch(0))).toThrow('no twos')
  await expect(asyncCopies(made.epochAsync(0), laterTask)).rejects.toThrow('no twos')
})

test('randomShift moves an image by whole pixels, repeating its edge or filling', () => {
  const image = [1, 2, 3, 4, 5, 6, 7, 8, 9]
  const moved = (transform: ExampleTransform, seed: number) => {
    const example = Float32Array.from(image)
    transform(example, [1, 3, 3], randomStream(randomKey(seed)))
    return [...example]
  }
  const shift = (down: number, right: number, fill?: number) =>
    image.map((_, i) => {
      const [row, column] = [Math.floor(i / 3) - down, (i % 3) - right]
      const [nearRow, nearColumn] = [Math.min(2, Math.max(0, row)), Math.min(2, Math.max(0, column))]
      return fill !== undefined && (row !== nearRow || column !== nearColumn) ? fill : image[3 * nearRow + nearColumn]
    })
  const places = [-1, 0, 1].flatMap((down) => [-1, 0, 1].map((right) => [down, right]))
  const found = new Set(Array.from({ length: 200 }, (_, seed) => moved(randomShift(1), seed).join()))
  expect(found).toEqual(new Set(places.map(([down, right]) => shift(down, right).join())))
  const filled = new Set(Array.from({ length: 200 }, (_, seed) => moved(randomShift(1, { fill: -1 }), seed).join()))
  expect(filled).toEqual(new Set(places.map(([down, right]) => shift(down, right, -1).join())))
  expect(moved(randomShift(0), 1)).toEqual(image)
})

test('transforms are composed in order', () => {
  const double: ExampleTransform = (example) => {
    for (let i = 0; i < example.length; i++) example[i] *= 2
  }
  const increment: ExampleTransform = (example) => {
    for (let i = 0; i < example.length; i++) example[i] += 1
  }
  const example = Float32Array.of(1, 2)
  compose(double, increment, randomNoise(0))(example, [2], randomStream(randomKey(0)))
  expect([...example]).toEqual([3, 5])
  compose(randomNoise(0.1))(example, [2], randomStream(randomKey(0)))
  expect([...example]).not.toEqual([3, 5])
})
