/** Making tensors of nested arrays, typed arrays and rules, and reading them back. */

import { describe, expect, it } from 'vitest'
import {
  arange,
  eye,
  full,
  iota,
  linspace,
  oneHot,
  ones,
  onesLike,
  type Tensor,
  tensor,
  write,
  zerosLike,
} from '../../src/tensor/index.ts'
import { forEachBackend } from '../support/backends.ts'
import { expectClose } from '../support/close.ts'

forEachBackend(() => {
  const values = (x: Tensor): number[] => [...x.dataSync()]

  it('nested arrays, scalars, typed arrays with a shape; the data is copied', async () => {
    expect(
      tensor([
        [1, 2, 3],
        [4, 5, 6],
      ]).shape,
    ).toEqual([2, 3])
    expect(tensor(3).shape).toEqual([])
    expect(tensor([[], []]).shape).toEqual([2, 0])
    expect(tensor([1, 2, 3, 4], { shape: [2, 2] }).arraySync()).toEqual([
      [1, 2],
      [3, 4],
    ])
    const data = new Float32Array([1, 2])
    const x = tensor(data)
    data[0] = 9
    expect(values(x)).toEqual([1, 2])
    const read = x.dataSync()
    read[0] = 9
    expect(values(x)).toEqual([1, 2])
    expect(await x.data()).toEqual(new Float32Array([1, 2]))
    expect(await tensor([[true], [false]]).array()).toEqual([[true], [false]])
    expect(await tensor([5]).item()).toBe(5)
  })

  it('rules', () => {
    expect(values(arange(4))).toEqual([0, 1, 2, 3])
    expect(arange(4).dtype).toBe('int32')
    expect(values(arange(2, 8, 3))).toEqual([2, 5])
    expect(values(arange(3, 0, -1))).toEqual([3, 2, 1])
    expect(values(arange(5, 2))).toEqual([])
    expect(arange(0, 1, 0.25).dtype).toBe('float32')
    expect(values(arange(0, 1, 0.25))).toEqual([0, 0.25, 0.5, 0.75])
    expectClose(linspace(0, 1, 5), [0, 0.25, 0.5, 0.75, 1], 1e-7)
    expect(values(linspace(2, 3, 1))).toEqual([2])
    expect(eye(2).arraySync()).toEqual([
      [1, 0],
      [0, 1],
    ])
    expect(full([2], 7, 'int32').dataSync()).toEqual(new Int32Array([7, 7]))
    expect(onesLike(tensor([[true]])).arraySync()).toEqual([[true]])
    expect(zerosLike(tensor(new Uint8Array(3))).dtype).toBe('uint8')
    expect(iota([2, 3], -1).arraySync()).toEqual([
      [0, 1, 2],
      [0, 1, 2],
    ])
    expect(oneHot(tensor([2, 0], { dtype: 'int32' }), 3).arraySync()).toEqual([
      [0, 0, 1],
      [1, 0, 0],
    ])
    expect(oneHot(tensor([3, -1], { dtype: 'int32' }), 3).arraySync()).toEqual([
      [0, 0, 0],
      [0, 0, 0],
    ])
  })

  it('write overwrites the data of a tensor; what was built from it and not read sees the new values', () => {
    const x = tensor([1, 2, 3])
    const [before, after] = [x.mul(10), x.mul(100)]
    expect(values(before)).toEqual([10, 20, 30])
    write(x, [4, 5, 6])
    expect(values(x)).toEqual([4, 5, 6])
    expect(values(after)).toEqual([400, 500, 600])
  })
})

describe('refused', () => {
  it.each([
    [() => tensor([[1, 2], [3]]), 'tensor: row [1] has 1 elements, others have 2'],
    [() => tensor([[1], 2]), 'tensor: element [1] is a number where a row of 1 was expected'],
    [() => tensor([1, [2]]), 'tensor: row [1] has 1 elements, others have none'],
    [() => tensor([1, 2, 3], { shape: [2, 2] }), "tensor: 3 elements don't fit the shape [2, 2] of 4"],
    [() => tensor(new Float32Array(3), { shape: [2] }), "tensor: 3 elements don't fit the shape [2] of 2"],
    [() => arange(0, 1, 0), 'arange: the step is 0'],
    [() => write(ones([2]).add(1), [1, 2]), 'write: only tensors made from data by tensor() can be overwritten'],
    [() => write(tensor([1, 2]), [1]), 'write: 1 elements for a tensor of shape [2]'],
    [() => ones([2]).itemSync(), 'item: the tensor has shape [2] with 2 elements, not one'],
    [() => full([2, -1], 0), 'shape [2, -1]: extents must be integers ≥ 0'],
    [() => ones([1.5]), 'shape [1.5]: extents must be integers ≥ 0'],
  ])('%#', (f, message) => {
    expect(f).toThrow(message)
  })
})
