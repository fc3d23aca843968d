// Operands read where they lie: which vectors the columns of right ones are, rows of left ones, and products of windows of images with vacant columns between the rows, of few rows too.

import { describe, expect, test } from 'vitest'
import { createX86Backend } from '#x86'
import { avx512 } from '../../src/backend/x86/avx512.ts'
import { nativePlan } from '../../src/backend/x86/blocking.ts'
import { columnsInPlace, inPlaceOf, leftInPlace } from '../../src/backend/x86/in-place.ts'
import { lengthOf, type Table, tableOf } from '../../src/kernel/table.ts'
import { entriesOf } from '../support/table-entries.ts'
import { contractProgram, matrices, multiply, type Product } from '../wasm/contract-program.ts'
import { targets } from './native.ts'

const along = tableOf([3, 3], [34, 1])

/** Windows of `kernel` × `kernel` of images [images, channels, rows + kernel − 1, pitch], multiplied by m filters. */
function windows(
  m: number,
  images: number,
  channels: number,
  rows: number,
  columns: number,
  pitch: number,
  kernel: number,
): Product {
  const plane = (rows + kernel - 1) * pitch
  const [n, k] = [images * rows * columns, channels * kernel * kernel]
  return {
    ...matrices(1, m, n, k),
    right: {
      offset: 0,
      batch: tableOf([1], [0]),
      outer: tableOf([images, rows, columns], [channels * plane, pitch, 1]),
      inner: tableOf([channels, kernel, kernel], [plane, pitch, 1]),
    },
    rightLength: images * channels * plane,
  }
}

const products: { readonly [name: string]: Product } = {
  'rows of whole vectors': windows(5, 2, 3, 4, 32, 34, 3),
  'rows joined over vacant columns': windows(17, 3, 2, 6, 26, 28, 3),
  'pieces of several blocks, of a long k': windows(15, 3, 40, 24, 24, 26, 3),
  'rows shorter than a vector': windows(3, 4, 2, 7, 7, 9, 3),
  'one row, its end beyond the last vector': matrices(1, 2, 333, 50),
  'a batch of them': matrices(3, 7, 100, 40),
  'packed, its rows spread over tiles': matrices(1, 43, 70, 300, { right: true }),
  'a k of one': windows(4, 2, 1, 5, 48, 48, 1),
  'left rows in place, a rest of them': matrices(2, 31, 33, 70, { right: true }),
  'left rows in place, all their runs of k': matrices(2, 15, 17, 801),
  'left columns in place': matrices(3, 29, 40, 67, { left: true }),
  'few left rows in place': matrices(2, 3, 20, 133, { left: true, right: true }),
}

/** Numbers of so few bits that sums are exact in any order. */
const numbers = (length: number): Float32Array => Float32Array.from({ length }, (_, i) => ((i * 7919) % 61) / 8 - 3)

describe.each(targets)('$name', ({ name }) => {
  test.each(Object.entries(products))('%s', (_, product) => {
    const { batch, m, n, leftLength, rightLength } = product
    const backend = createX86Backend({ threads: 1, worthCalling: 0, vectors: name })
    if (typeof backend === 'string') throw new Error(backend)
    const [left, right] = [numbers(leftLength), numbers(rightLength)]
    const storages = [leftLength, rightLength, batch * m * n].map((length) => backend.allocate(4 * length))
    backend.upload(storages[0], left)
    backend.upload(storages[1], right)
    backend.load(contractProgram(product)).run(storages)
    const result = backend.download(storages[2], 'float32', batch * m * n) as Float32Array
    backend.terminate()
    expect(Buffer.from(result.buffer).equals(Buffer.from(multiply(product, left, right).buffer))).toBe(true)
  })
})

test('columns that are no neighbours, or a k that runs backwards, are not read in place', () => {
  expect(inPlaceOf(tableOf([64], [2]), along, 16)).toBeUndefined()
  expect(inPlaceOf(tableOf([2, 64], [64, 1]), tableOf([3], [-1]), 16)).toBeUndefined()
})

test('rows of the left operand are read in place where few tiles read them, and they do not crowd each other out of a cache', () => {
  const at = (row: number, step: number, n: number): unknown =>
    leftInPlace({ outer: tableOf([128], [row]), inner: tableOf([64], [step]) }, n, avx512)
  expect(at(384, 1, 128)).toEqual({ row: 1536, step: 4 })
  expect(at(1, 100, 32)).toEqual({ row: 4, step: 400 })
  for (const refused of [at(384, 1, 129), at(512, 1, 32), at(1, 1024, 32), at(-384, 1, 32), at(0, 1, 32)])
    expect(refused).toBeUndefined()
})

test('rows are joined where that leaves fewer columns vacant, and each vector begins at its column', () => {
  const cases: readonly [Table, number][] = [
    [tableOf([2, 32, 32], [4624, 34, 1]), 1],
    [tableOf([3, 26, 26], [25088, 28, 1]), 1.1],
    [tableOf([3, 7, 7], [81 * 64, 9, 1]), 1.31],
    [tableOf([5, 3], [100, 1]), 16 / 3],
    [tableOf([1000], [1]), 1.01],
  ]
  for (const [outer, most] of cases) {
    const place = inPlaceOf(outer, along, 16)
    if (!place) throw new Error('not in place')
    expect(place.waste).toBeLessThanOrEqual(most)
    const [wanted, begins] = [entriesOf(outer), entriesOf(place.table)]
    expect(columnsInPlace(lengthOf(outer), place, 16)).toBe(16 * lengthOf(place.table))
    const run = place.run === 0 ? place.columns : place.run
    const found = Array.from(wanted, (_, column) => {
      const [piece, inPiece] = [Math.floor(column / place.columns), column % place.columns]
      const vacant = Math.floor(inPiece / run) * place.gap
      const lane = inPiece + vacant
      return begins[piece * place.vectors + Math.floor(lane / 16)] + (lane % 16)
    })
    expect(found).toEqual(Array.from(wanted))
  }
})

test('what reaches beyond the caches is read by one row of blocks', () => {
  const [images, channels, filters] = [64, 32, 64]
  const { n, k, right } = windows(filters, images, channels, 24, 24, 26, 3)
  const place = inPlaceOf(right.outer, right.inner, 16)
  expect(place?.reach).toBe(images * channels * 26 * 26)
  const cache = { first: 48 * 2 ** 10, second: 2 * 2 ** 20, last: 32 * 2 ** 20 }
  const costs = { packLeft: 0.25, packRight: 0.15, epilogue: 0.1, streams: 1 }
  const plan = nativePlan({ batch: 1, m: filters, n, k, ...costs }, place, cache, avx512)
  expect(plan).toMatchObject({ inPlace: place, blocking: { mBlocks: 1 } })
})
