// The idx format: what is written is read again, for every type, and a file made by hand is read as it should.
import { expect, test } from 'vitest'
import { readIdx, writeIdx } from '../../src/data/idx.ts'

test('a file made by hand', () => {
  const bytes = Uint8Array.of(0, 0, 0x0b, 2, 0, 0, 0, 2, 0, 0, 0, 1, 0x01, 0x02, 0xff, 0xfe)
  expect(readIdx(bytes, 'hand')).toEqual({ shape: [2, 1], data: Int16Array.of(0x0102, -2) })
  expect(writeIdx({ shape: [2, 1], data: Int16Array.of(0x0102, -2) })).toEqual(bytes)
})

test.each([
  [Uint8Array.of(0, 1, 255, 7, 8, 9)],
  [Int8Array.of(0, 1, -128, 7, 8, 9)],
  [Int16Array.of(0, 1, -32768, 7, 8, 9)],
  [Int32Array.of(0, 1, -(2 ** 31), 7, 8, 9)],
  [Float32Array.of(0, 1.5, -1e30, Number.NaN, 8, 9)],
  [Float64Array.of(0, 1.5, -1e300, Infinity, 8, 9)],
])('written and read again: %o', (data) => {
  expect(readIdx(writeIdx({ shape: [3, 2], data }), 'file')).toEqual({ shape: [3, 2], data })
})

test('bytes that lie inside a larger buffer, a single number, and no elements', () => {
  const file = writeIdx({ shape: [2], data: Float32Array.of(1, 2) })
  const shifted = new Uint8Array(file.length + 3)
  shifted.set(file, 3)
  expect(readIdx(shifted.subarray(3), 'shifted').data).toEqual(Float32Array.of(1, 2))
  expect(readIdx(writeIdx({ shape: [], data: Uint8Array.of(5) }), 'one')).toEqual({ shape: [], data: Uint8Array.of(5) })
  expect(readIdx(writeIdx({ shape: [0, 4], data: new Uint8Array(0) }), 'none').shape).toEqual([0, 4])
})

test('the data does not share memory with the file', () => {
  const file = writeIdx({ shape: [2], data: Uint8Array.of(1, 2) })
  const { data } = readIdx(file, 'file')
  file.fill(9)
  expect([...data]).toEqual([1, 2])
})
