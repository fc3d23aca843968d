// Winograd's convolutions: the same sums as the products they stand for, of images and of filters, and nothing seen of what lies past their edges.

import { describe, expect, test } from 'vitest'
import { createX86Backend } from '#x86'
import { avx512 } from '../../src/backend/x86/avx512.ts'
import { gradientsPlan, imagesPlan, slopesOf, type Windows, windowsOf } from '../../src/backend/x86/winograd.ts'
import { type Table, tableOf } from '../../src/kernel/table.ts'
import { contractProgram, matrices, multiply, type Product } from '../wasm/contract-program.ts'
import { targets } from './native.ts'

interface Images {
  readonly images: number
  readonly channels: number
  readonly rows: number
  readonly columns: number
  /** From row to row of the images; two more than the columns, or more. */
  readonly pitch: number
}

const planeOf = ({ rows, pitch }: Images): number => (rows + 2) * pitch
const resultsOf = (given: Images): Table => {
  const { images, channels, rows, columns, pitch } = given
  return tableOf([images, rows, columns], [channels * planeOf(given), pitch, 1])
}
const windowOf = (given: Images): Table => tableOf([given.channels, 3, 3], [planeOf(given), given.pitch, 1])

/** `m` filters on the windows of images. */
function convolution(m: number, given: Images): Product {
  const { images, channels, rows, columns } = given
  return {
    ...matrices(1, m, images * rows * columns, 9 * channels),
    right: { offset: 0, batch: tableOf([1], [0]), outer: resultsOf(given), inner: windowOf(given) },
    rightLength: images * channels * planeOf(given),
  }
}

/** The gradient of `m` filters, summed up over the images of each of `batch` elements. */
function gradient(batch: number, m: number, given: Images): Product {
  const { images, channels, rows, columns } = given
  const [n, k, size] = [9 * channels, images * rows * columns, rows * columns]
  const imageLength = channels * planeOf(given)
  return {
    ...matrices(batch, m, n, k),
    left: {
      offset: 0,
      batch: tableOf([batch], [images * m * size]),
      outer: tableOf([m], [size]),
      inner: tableOf([images, size], [m * size, 1]),
    },
    leftLength: batch * images * m * size,
    right: {
      offset: 0,
      batch: tableOf([batch], [images * imageLength]),
      outer: windowOf(given),
      inner: resultsOf(given),
    },
    rightLength: batch * images * imageLength,
  }
}

const products: { readonly [name: string]: Product } = {
  'images in one block each': convolution(32, { images: 8, channels: 16, rows: 12, columns: 24, pitch: 26 }),
  'images in several blocks': convolution(48, { images: 1, channels: 20, rows: 34, columns: 38, pitch: 40 }),
  'odd images, filters that do not fill tiles': convolution(37, {
    images: 3,
    channels: 17,
    rows: 23,
    columns: 21,
    pitch: 23,
  }),
  'long rows, with more between them': convolution(29, { images: 1, channels: 33, rows: 9, columns: 71, pitch: 80 }),
  'gradients of filters': gradient(4, 32, { images: 2, channels: 32, rows: 14, columns: 16, pitch: 18 }),
  'gradients, odd images': gradient(5, 45, { images: 1, channels: 51, rows: 17, columns: 19, pitch: 24 }),
  'gradients, long rows of few channels': gradient(4, 19, {
    images: 1,
    channels: 16,
    rows: 20,
    columns: 67,
    pitch: 69,
  }),
}

/** Images of which rows and columns from `low` to before `high` are in memory, behind a margin that no one may see. */
interface Part {
  readonly low: readonly [number, number]
  readonly high: readonly [number, number]
}

const margin = 50

/** The same product of images that lie in memory without what is around a part of them. */
function ofPart(product: Product, given: Images, count: number, { low, high }: Part): Product {
  const { images, channels, rows, columns } = given
  const [height, width] = [high[0] - low[0], high[1] - low[1]]
  const of = ({ extents }: Table): Table =>
    extents[0] === channels && extents[1] === 3
      ? tableOf([channels, 3, 3], [height * width, width, 1])
      : tableOf([images, rows, columns], [channels * height * width, width, 1])
  const length = images * channels * height * width
  const { outer, inner } = product.right
  return {
    ...product,
    right: {
      offset: margin - low[0] * width - low[1],
      batch: tableOf([count], [length]),
      outer: of(outer),
      inner: of(inner),
    },
    rightLength: count * length + 2 * margin,
    padding: { extents: [rows + 2, columns + 2], low, high },
  }
}

/** Planes of whole images with zeros around a part, and that part alone. */
function planes(given: Images, count: number, { low, high }: Part): { whole: Float32Array; part: Float32Array } {
  const { rows, pitch } = given
  const [height, width] = [high[0] - low[0], high[1] - low[1]]
  const total = count * given.images * given.channels
  const whole = new Float32Array(total * planeOf(given))
  const part = new Float32Array(total * height * width + 2 * margin).fill(Number.NaN)
  for (let plane = 0; plane < total; plane++) {
    for (let i = 0; i < height; i++) {
      for (let j = 0; j < width; j++) {
        const value = round((plane * (rows + 2) + i) * pitch + j)
        whole[plane * planeOf(given) + (low[0] + i) * pitch + low[1] + j] = value
        part[margin + (plane * height + i) * width + j] = value
      }
    }
  }
  return { whole, part }
}

/** What the product of two operands is, with fewer multiplications or without. */
function run(
  product: Product,
  operands: readonly Float32Array[],
  options: { winograd: boolean; threads: number },
): Float32Array {
  const { batch, m, n } = product
  const backend = createX86Backend({ worthCalling: 0, vectors: 'avx512', ...options })
  if (typeof backend === 'string') throw new Error(backend)
  const size = batch * m * n
  const storages = [...operands.map(({ length }) => length), size].map((length) => backend.allocate(4 * length))
  operands.forEach((operand, i) => {
    backend.upload(storages[i], operand)
  })
  backend.load(contractProgram(product)).run(storages)
  const result = backend.download(storages[2], 'float32', size) as Float32Array
  backend.terminate()
  return result
}

const operandsOf = ({ leftLength, rightLength }: Product, of: (i: number) => number): Float32Array[] =>
  [leftLength, rightLength].map((length, side) => Float32Array.from({ length }, (_, i) => of(2 * i + side)))

/** Numbers of so few bits that sums are exact in any order, and halves of them; and some of all bits. */
const round = (i: number): number => ((i * 7919) % 61) / 8 - 3
const rough = (i: number): number => Math.sin(i * i)

const hasLanes = targets.includes(avx512)

describe.skipIf(!hasLanes)('Winograd (needs AVX-512)', () => {
  const fewer = { winograd: true, threads: 1 }

  test.each(Object.entries(products))('%s: exactly the sums where those are exact', (_, product) => {
    const operands = operandsOf(product, round)
    const want = multiply(product, operands[0], operands[1])
    expect(Buffer.from(run(product, operands, fewer).buffer).equals(Buffer.from(want.buffer))).toBe(true)
  })

  test.each(Object.entries(products))(
    '%s: a few parts in ten million of the largest beside the direct way',
    (_, product) => {
      const operands = operandsOf(product, rough)
      const [direct, turned] = [false, true].map((winograd) => run(product, operands, { winograd, threads: 1 }))
      const largest = direct.reduce((most, x) => Math.max(most, Math.abs(x)), 0)
      const error = direct.reduce((most, x, i) => Math.max(most, Math.abs(x - turned[i])), 0)
      // It is another way
      expect(error).toBeGreaterThan(0)
      expect(error / largest).toBeLessThan(2e-6)
    },
  )

  test('two threads give what one gives', () => {
    for (const name of ['images in several blocks', 'gradients, odd images']) {
      const operands = operandsOf(products[name], rough)
      expect(run(products[name], operands, { winograd: true, threads: 2 })).toEqual(
        run(products[name], operands, fewer),
      )
    }
  })

  test('what lies between the rows of images is not seen', () => {
    for (const name of ['long rows, with more between them', 'gradients, odd images']) {
      const product = products[name]
      const pitch = name.startsWith('long') ? 80 : 24
      const seen = name.startsWith('long') ? 73 : 21
      const [left, right] = operandsOf(product, round)
      const want = multiply(product, left, right)
      const hidden = right.map((x, i) => (i % pitch < seen ? x : Number.NaN))
      expect(run(product, [left, hidden], fewer)).toEqual(want)
    }
  })
})

const partly: { readonly [name: string]: [images: Images, part: Part] } = {
  'one around': [
    { images: 3, channels: 17, rows: 12, columns: 24, pitch: 26 },
    { low: [1, 1], high: [13, 25] },
  ],
  'two around, more columns than a vector has lanes': [
    { images: 2, channels: 16, rows: 15, columns: 37, pitch: 39 },
    { low: [2, 2], high: [15, 37] },
  ],
  'above and to the right': [
    { images: 1, channels: 18, rows: 9, columns: 41, pitch: 43 },
    { low: [4, 0], high: [11, 30] },
  ],
  'whole tiles of nothing': [
    { images: 2, channels: 16, rows: 21, columns: 70, pitch: 72 },
    { low: [9, 37], high: [11, 41] },
  ],
}

describe.skipIf(!hasLanes)('Winograd of padded images (needs AVX-512)', () => {
  const fewer = { winograd: true, threads: 1 }

  test.each(Object.entries(partly))('%s: images', (_, [given, part]) => {
    const product = convolution(23, given)
    const [left] = operandsOf(product, round)
    const { whole, part: seen } = planes(given, 1, part)
    const found = run(ofPart(product, given, 1, part), [left, seen], fewer)
    expect(found).toEqual(multiply(product, left, whole))
  })

  test.each(Object.entries(partly))('%s: gradients of filters', (_, [given, part]) => {
    const product = gradient(4, 19, given)
    const [left] = operandsOf(product, round)
    const { whole, part: seen } = planes(given, 4, part)
    const found = run(ofPart(product, given, 4, part), [left, seen], fewer)
    expect(found).toEqual(multiply(product, left, whole))
  })
})

describe('which products are such convolutions', () => {
  const given: Images = { images: 2, channels: 16, rows: 8, columns: 10, pitch: 12 }
  const cache = { first: 48 * 1024, second: 2 ** 21, last: 2 ** 25 }

  test('windows of 3 × 3 side by side', () => {
    const windows: Windows = {
      ...{ channels: 16, images: 2, rows: 8, columns: 10 },
      ...{ imageStride: 4 * 16 * 120, channelStride: 4 * 120, rowStride: 48 },
    }
    expect(windowsOf(resultsOf(given), windowOf(given))).toEqual(windows)
  })

  test('no others: with strides, with gaps, of other sizes', () => {
    expect(windowsOf(tableOf([2, 8, 10], [1920, 24, 2]), windowOf(given))).toBeUndefined()
    expect(windowsOf(resultsOf(given), tableOf([16, 3, 3], [120, 24, 2]))).toBeUndefined()
    expect(windowsOf(resultsOf(given), tableOf([16, 5, 5], [120, 12, 1]))).toBeUndefined()
    expect(windowsOf(tableOf([100], [1]), tableOf([100], [1]))).toBeUndefined()
  })

  test('slopes whose columns are neighbours, however their table joins axes', () => {
    const windows = windowsOf(resultsOf(given), windowOf(given))
    if (!windows) throw new Error('none')
    const outer = tableOf([16], [80])
    const slopes = { slopeImageStride: 4 * 1280, slopeStride: 320, slopeRowStride: 40 }
    expect(slopesOf({ outer, inner: tableOf([2, 8, 10], [1280, 10, 1]) }, windows)).toEqual(slopes)
    const apart = { ...slopes, slopeRowStride: 48 }
    expect(slopesOf({ outer, inner: tableOf([2, 8, 10], [1280, 12, 1]) }, windows)).toEqual(apart)
    expect(slopesOf({ outer, inner: tableOf([2, 8, 10], [1280, 20, 2]) }, windows)).toBeUndefined()
    expect(slopesOf({ outer, inner: tableOf([2, 16, 5], [1280, 5, 1]) }, windows)).toEqual(slopes)
  })

  test('not with few channels, filters, rows or batch elements', () => {
    const windows = windowsOf(resultsOf(given), windowOf(given)) as Windows
    const slopes = { slopeImageStride: 0, slopeStride: 320, slopeRowStride: 40 }
    expect(imagesPlan(windows, 16, 0.1, cache, avx512)).toBeDefined()
    expect(imagesPlan(windows, 15, 0.1, cache, avx512)).toBeUndefined()
    expect(imagesPlan({ ...windows, channels: 15 }, 16, 0.1, cache, avx512)).toBeUndefined()
    expect(imagesPlan({ ...windows, rows: 3 }, 16, 0.1, cache, avx512)).toBeUndefined()
    expect(gradientsPlan(windows, slopes, { batch: 4, m: 16 }, cache, avx512)).toBeDefined()
    expect(gradientsPlan(windows, slopes, { batch: 3, m: 16 }, cache, avx512)).toBeUndefined()
  })

  test('all of a block stays in scratch memory, or there is no plan', () => {
    for (const columns of [16, 64, 256, 1024]) {
      const windows = windowsOf(
        resultsOf({ ...given, channels: 64, columns, pitch: columns + 2 }),
        windowOf({ ...given, channels: 64, pitch: columns + 2 }),
      ) as Windows
      const plan = imagesPlan(windows, 64, 0.1, cache, avx512)
      if (plan) expect(plan.tileAt + 64 * plan.resultStride).toBeLessThan(3 * 2 ** 20)
      else expect(columns).toBeGreaterThan(200)
    }
  })
})
