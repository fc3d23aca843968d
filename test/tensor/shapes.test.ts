/** Shapes: slices as Python's, reshaping, joining and splitting, and what is refused. */

import { describe, expect, it } from 'vitest'
import { resolveRange } from '../../src/graph/shape.ts'
import {
  arange,
  concat,
  ones,
  padWith,
  roll,
  split,
  stack,
  type Tensor,
  tensor,
  tile,
  zeros,
} from '../../src/tensor/index.ts'
import { forEachBackend } from '../support/backends.ts'

/** Python's list[from:to:step]. */
function pythonSlice(list: readonly number[], from: number | null, to: number | null, step: number): number[] {
  const n = list.length
  const clip = (v: number, low: number, high: number): number => Math.min(Math.max(v < 0 ? v + n : v, low), high)
  const out: number[] = []
  if (step > 0) {
    const stop = to === null ? n : clip(to, 0, n)
    for (let i = from === null ? 0 : clip(from, 0, n); i < stop; i += step) out.push(list[i])
  } else {
    const stop = to === null ? -1 : clip(to, -1, n - 1)
    for (let i = from === null ? n - 1 : clip(from, -1, n - 1); i > stop; i += step) out.push(list[i])
  }
  return out
}

forEachBackend(() => {
  const values = (x: Tensor): number[] => [...x.dataSync()]
  const grid: Tensor = arange(6).reshape([2, 3])

  describe('slice', () => {
    it("is Python's, and what lies beyond the ends is left out", () => {
      const list = [0, 1, 2, 3, 4]
      const ranges = [
        [1, 4, 1],
        [-3, 9, 2],
        [null, null, -2],
        [9, -9, -3],
        [3, 1, 1],
        [-1, null, 1],
      ] as const
      for (const [from, to, step] of ranges) {
        expect(values(arange(5).slice([from, to, step]))).toEqual(pythonSlice(list, from, to, step))
      }
    })
    it('leaves axes without a range whole', () => {
      expect(grid.slice([1, 2]).arraySync()).toEqual([[3, 4, 5]])
      expect(grid.slice(null, [null, null, -2]).arraySync()).toEqual([
        [2, 0],
        [5, 3],
      ])
      expect(grid.slice([], [1]).arraySync()).toEqual([
        [1, 2],
        [4, 5],
      ])
    })
    it('refuses what is no range', () => {
      expect(() => grid.slice([0, 1, 0])).toThrow('slice: [0, 1, 0] must be integers, with a step other than 0')
      expect(() => grid.slice([0.5])).toThrow('slice: [0.5] must be integers')
      expect(() => grid.slice([], [], [])).toThrow('slice: 3 ranges for [2, 3]')
    })
  })

  it('at takes an element, a row, or rows', () => {
    expect(grid.at(1).arraySync()).toEqual([3, 4, 5])
    expect(grid.at(-1, 1).arraySync()).toEqual([2, 5])
    expect(grid.at(0).at(2).arraySync()).toBe(2)
    expect(grid.at(tensor([1, 0, 1], { dtype: 'int32' })).arraySync()).toEqual([
      [3, 4, 5],
      [0, 1, 2],
      [3, 4, 5],
    ])
    expect(() => grid.at(2)).toThrow('at: index 2 is out of range for axis 0 of [2, 3]')
    expect(() => grid.at(-4, 1)).toThrow('at: index -4 is out of range for axis 1 of [2, 3]')
  })

  describe('reshape', () => {
    it('works out one extent', () => {
      expect(arange(12).reshape([3, -1]).shape).toEqual([3, 4])
      expect(arange(12).reshape([-1]).shape).toEqual([12])
      expect(zeros([0, 3]).reshape([-1, 3]).shape).toEqual([0, 3])
      expect(zeros([3, 0]).reshape([0, 5]).shape).toEqual([0, 5])
      expect(ones([1, 1]).reshape([]).shape).toEqual([])
    })
    it.each([[[4, 2]], [[-1, 4]], [[-1, -1]], [[-1, 0]], [[2, -3]], [[1.5, 4]]])(
      'of [2, 3] to %j is refused',
      (shape) => {
        expect(() => grid.reshape(shape)).toThrow(`reshape: [2, 3] with 6 elements does not fit [${shape.join(', ')}]`)
      },
    )
  })

  it('flatten, squeeze, unsqueeze, permute and transpose', () => {
    const x: Tensor = arange(24).reshape([1, 2, 3, 4])
    expect(x.flatten().shape).toEqual([24])
    expect(x.flatten(1, 2).shape).toEqual([1, 6, 4])
    expect(x.flatten(-2).shape).toEqual([1, 2, 12])
    expect(ones([]).flatten().shape).toEqual([1])
    expect(x.squeeze().shape).toEqual([2, 3, 4])
    expect(x.squeeze(0).shape).toEqual([2, 3, 4])
    expect(() => x.squeeze(1)).toThrow('squeeze: axis 1 of [1, 2, 3, 4] has extent 2, not 1')
    expect(x.unsqueeze(-1).shape).toEqual([1, 2, 3, 4, 1])
    expect(x.unsqueeze(0).shape).toEqual([1, 1, 2, 3, 4])
    expect(x.permute([3, 0, -2, 1]).shape).toEqual([4, 1, 3, 2])
    expect(() => x.permute([0, 1, 2])).toThrow('permute: [0, 1, 2] is not a permutation of the 4 axes of [1, 2, 3, 4]')
    expect(grid.transpose().arraySync()).toEqual([
      [0, 3],
      [1, 4],
      [2, 5],
    ])
    expect(x.transpose(0, -1).shape).toEqual([4, 2, 3, 1])
    expect(grid.flip().arraySync()).toEqual([
      [5, 4, 3],
      [2, 1, 0],
    ])
    expect(grid.flip(1).arraySync()).toEqual([
      [2, 1, 0],
      [5, 4, 3],
    ])
  })

  it('concat, stack and split', () => {
    expect(concat([grid, grid], 1).shape).toEqual([2, 6])
    expect(concat([grid, grid], -2).shape).toEqual([4, 3])
    expect(concat([grid, ones([2, 1])], -1).arraySync()).toEqual([
      [0, 1, 2, 1],
      [3, 4, 5, 1],
    ])
    expect(stack([grid, grid]).shape).toEqual([2, 2, 3])
    expect(stack([grid, grid], -1).shape).toEqual([2, 3, 2])
    expect(split(arange(5), 2).map((x) => values(x))).toEqual([[0, 1], [2, 3], [4]])
    expect(split(grid, [1, 0, 2], 1).map((x) => x.shape)).toEqual([
      [2, 1],
      [2, 0],
      [2, 2],
    ])
    expect(() => concat([grid, ones([3, 2])])).toThrow('concat: shapes [2, 3] and [3, 2] differ outside axis 0')
    expect(() => concat([] as readonly Tensor[])).toThrow('concat: needs at least one tensor')
    expect(() => split(grid, [1, 1], 1)).toThrow("split: sizes [1, 1] don't add up to 3, axis 1 of [2, 3]")
    expect(() => split(grid, 0)).toThrow('split: the size is 0')
  })

  it('roll, tile and padding by elements', () => {
    expect(values(roll(arange(5), 2))).toEqual([3, 4, 0, 1, 2])
    expect(values(roll(arange(5), -6))).toEqual([1, 2, 3, 4, 0])
    expect(values(roll(arange(5), 10))).toEqual([0, 1, 2, 3, 4])
    expect(roll(zeros([0]), 3).shape).toEqual([0])
    expect(tile(arange(2), [2, 3]).arraySync()).toEqual([
      [0, 1, 0, 1, 0, 1],
      [0, 1, 0, 1, 0, 1],
    ])
    expect(tile(grid, [2]).arraySync()).toEqual([
      [0, 1, 2, 0, 1, 2],
      [3, 4, 5, 3, 4, 5],
    ])
    expect(tile(grid, [0, 1]).shape).toEqual([0, 3])
    expect(values(padWith(arange(4), [[3, 2]], 'reflect'))).toEqual([3, 2, 1, 0, 1, 2, 3, 2, 1])
    expect(values(padWith(arange(3), [[2, 1]], 'replicate'))).toEqual([0, 0, 0, 1, 2, 2])
    expect(values(padWith(arange(3), [[3, 1]], 'circular'))).toEqual([0, 1, 2, 0, 1, 2, 0])
    expect(
      padWith(
        grid,
        [
          [1, 0],
          [0, 1],
        ],
        'reflect',
      ).arraySync(),
    ).toEqual([
      [3, 4, 5, 4],
      [0, 1, 2, 1],
      [3, 4, 5, 4],
    ])
    expect(() => padWith(arange(3), [[3, 0]], 'reflect')).toThrow(
      "padWith: axis 0 of [3] takes 0 to 2 elements at each end in mode 'reflect'",
    )
    expect(
      grid
        .pad(
          [
            [1, 0],
            [0, 2],
          ],
          9,
        )
        .arraySync(),
    ).toEqual([
      [9, 9, 9, 9, 9],
      [0, 1, 2, 9, 9],
      [3, 4, 5, 9, 9],
    ])
    expect(() => grid.pad([[1, 0]])).toThrow('one for each axis of [2, 3]')
    expect(() =>
      grid.pad([
        [-1, 0],
        [0, 0],
      ]),
    ).toThrow('must be integers ≥ 0')
  })

  it('tensors of size 0 pass through everything', () => {
    const empty = zeros([0, 3])
    expect(empty.add(1).mul(empty).exp().shape).toEqual([0, 3])
    expect(values(empty.sum(0))).toEqual([0, 0, 0])
    expect(empty.matmul(zeros([3, 2])).shape).toEqual([0, 2])
    expect(values(zeros([2, 0]).matmul(zeros([0, 2])))).toEqual([0, 0, 0, 0])
    expect(concat([empty, ones([1, 3])]).arraySync()).toEqual([[1, 1, 1]])
    expect(empty.softmax().shape).toEqual([0, 3])
    expect(empty.arraySync()).toEqual([])
    expect(zeros([2, 0]).arraySync()).toEqual([[], []])
  })
})

it.each([0, 1, 5])("a range of %d elements is Python's, whatever its ends and step", (n) => {
  const list = Array.from({ length: n }, (_, i) => i)
  const ends = [null, -7, -5, -1, 0, 2, 4, 5, 9]
  for (const from of ends) {
    for (const to of ends) {
      for (const step of [1, 2, 3, -1, -2, -7]) {
        const { start, size } = resolveRange([from, to, step], n)
        const taken = Array.from({ length: size }, (_, i) => start + i * step)
        expect([from, to, step, taken]).toEqual([from, to, step, pythonSlice(list, from, to, step)])
      }
    }
  }
})

describe('axes', () => {
  // Shapes that the compiler does not know: what does not fit would not compile.
  const unknown = (shape: readonly number[]): Tensor => ones(shape)
  const x = unknown([2, 3])
  it.each([
    ['sum', () => x.sum(2), 'sum: axis 2 is out of range for rank 2: use an integer from -2 to 1'],
    ['max', () => x.max(-3), 'max: axis -3 is out of range for rank 2'],
    ['mean', () => x.mean([0, -2]), 'mean: axes [0, 0] name an axis twice'],
    ['argmax', () => x.argmax(0.5), 'argmax: axis 0.5 is out of range'],
    ['softmax', () => x.softmax(2), 'axis 2 is out of range for rank 2'],
    ['unsqueeze', () => x.unsqueeze(4), 'unsqueeze: axis 4 is out of range for rank 3'],
    ['sum of a scalar', () => unknown([]).sum(0), 'sum: axis 0 is out of range for rank 0: a scalar has no axes'],
    ['matmul', () => x.matmul(x), 'matmul: inner dimensions differ, [2, 3] @ [2, 3]: 3 is not 2'],
    [
      'matmul of a scalar',
      () => x.matmul(unknown([])),
      'matmul: [2, 3] @ []: scalars have no inner dimension, use mul',
    ],
    ['matmul of vectors', () => unknown([3]).matmul(unknown([4])), '3 is not 4'],
    ['matmul of batches', () => unknown([2, 1, 1]).matmul(unknown([3, 1, 1])), 'matmul: cannot broadcast [2] with [3]'],
    ['broadcastTo', () => x.broadcastTo([3, 2]), 'broadcast: [2, 3] does not broadcast to [3, 2]'],
  ])('%s names the shapes or axes that do not fit', (_, f, message) => {
    expect(f).toThrow(message)
  })
})
