// Offset tables against the sum they stand for: over every axis, joined or not, and what is told of them without looking at entries.

import { expect, test } from 'vitest'
import { forEachIndex } from '../../src/graph/shape.ts'
import { isRun, isStill, lengthOf, stepOf, tableOf } from '../../src/kernel/table.ts'
import { entriesOf } from '../support/table-entries.ts'

const cases: readonly (readonly [extents: number[], strides: number[]])[] = [
  [[], []],
  [[1], [7]],
  [[5], [3]],
  [[5], [0]],
  [
    [4, 1, 3],
    [3, 9, 1],
  ],
  [
    [2, 3, 4],
    [12, 4, 1],
  ],
  [
    [2, 3, 4],
    [0, 0, 0],
  ],
  [
    [3, 2, 2],
    [5, -2, 7],
  ],
  [
    [2, 2, 2],
    [4, 2, 9],
  ],
  [
    [0, 3],
    [3, 1],
  ],
  [
    [3, 0],
    [1, 1],
  ],
]

test.each(cases)('extents %j, strides %j', (extents, strides) => {
  const expected: number[] = []
  forEachIndex(extents, (index) => {
    expected.push(index.reduce((sum, i, a) => sum + i * strides[a], 0))
  })
  const table = tableOf(extents, strides)
  expect(lengthOf(table)).toBe(expected.length)
  const steps = new Set(expected.slice(1).map((entry, i) => entry - expected[i]))
  expect(stepOf(table)).toBe(steps.size === 1 ? [...steps][0] : undefined)
  expect(isStill(table)).toBe(expected.every((entry) => entry === 0))
  expect(isRun(table)).toBe(expected.every((entry, i) => entry === i))
  expect(entriesOf(table)).toEqual(expected)
})
