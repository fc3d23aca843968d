/** Reductions: empty ranges, NaN, ties, axes that are kept, and sums that are finite where exponentials are not. */

import { describe, expect, it } from 'vitest'
import { grad, norm, ones, type Tensor, tensor, zeros } from '../../src/tensor/index.ts'
import { forEachBackend } from '../support/backends.ts'
import { expectClose } from '../support/close.ts'

forEachBackend(() => {
  const values = (x: Tensor): number[] => [...x.dataSync()]
  const grid = tensor([
    [1, 5, 2],
    [4, 0, 6],
  ])

  it('over all axes, some, none, counted from either end, kept or dropped', () => {
    expect(grid.sum().arraySync()).toBe(18)
    expect(grid.sum(-1).arraySync()).toEqual([8, 10])
    expect(grid.sum([1, 0]).arraySync()).toBe(18)
    expect(grid.sum([]).arraySync()).toEqual([
      [1, 5, 2],
      [4, 0, 6],
    ])
    expect(grid.sum(0, true).arraySync()).toEqual([[5, 5, 8]])
    expect(grid.max(1, true).arraySync()).toEqual([[5], [6]])
    expect(grid.mean(0).arraySync()).toEqual([2.5, 2.5, 4])
    expect(grid.prod(1).arraySync()).toEqual([10, 0])
    expect(grid.min().arraySync()).toBe(0)
    expect(grid.argmax(1).arraySync()).toEqual([1, 2])
    expect(grid.argmin(0, true).arraySync()).toEqual([[0, 1, 0]])
    expect(grid.argmax().arraySync()).toBe(5)
    expect(ones([]).sum().shape).toEqual([])
    expect(grid.greater(4).any(1).arraySync()).toEqual([true, true])
    expect(grid.greater(0).all(1).arraySync()).toEqual([true, false])
  })

  it('of nothing give the identity, or are refused where there is none', () => {
    const empty = zeros([2, 0])
    expect(values(empty.sum(1))).toEqual([0, 0])
    expect(values(empty.prod(1))).toEqual([1, 1])
    expect(values(empty.max(1))).toEqual([-Infinity, -Infinity])
    expect(values(empty.min(1))).toEqual([Infinity, Infinity])
    expect(values(empty.mean(1))).toEqual([NaN, NaN])
    expect(values(empty.logSumExp(1))).toEqual([-Infinity, -Infinity])
    expect(values(empty.equal(0).any(1))).toEqual([0, 0])
    expect(values(empty.equal(0).all(1))).toEqual([1, 1])
    expect(() => empty.argmax(1)).toThrow('argmax: no elements to choose from along axes [1] of [2, 0]')
    expect(() => zeros([0], 'int32').max()).toThrow('max: no elements along axes [0] of [0]')
  })

  it('NaN wins in max, min and sum, and the first one in argmax and argmin', () => {
    const x = tensor([
      [1, NaN, 3, NaN],
      [NaN, -Infinity, Infinity, 0],
    ])
    expect(values(x.max(1))).toEqual([NaN, NaN])
    expect(values(x.min(1))).toEqual([NaN, NaN])
    expect(values(x.sum(1))).toEqual([NaN, NaN])
    expect(values(x.argmax(1))).toEqual([1, 0])
    expect(values(x.argmin(1))).toEqual([1, 0])
  })

  it('argmax takes the first of equals, counted row by row', () => {
    expect(
      values(
        tensor([
          [3, 7, 7],
          [7, 7, 1],
        ]).argmax(1),
      ),
    ).toEqual([1, 0])
    expect(
      tensor([
        [3, 7],
        [7, 7],
      ])
        .argmax()
        .itemSync(),
    ).toBe(1)
    expect(
      tensor([[-Infinity, -Infinity]])
        .argmax()
        .itemSync(),
    ).toBe(0)
    expect(
      tensor([[Infinity, Infinity]])
        .argmin()
        .itemSync(),
    ).toBe(0)
  })

  it('var and std with a correction; the gradient of std is 0 where nothing varies', () => {
    expect(grid.var().itemSync()).toBeCloseTo(5.6, 5)
    expect(grid.var(undefined, { correction: 0 }).itemSync()).toBeCloseTo(28 / 6, 5)
    expect(grid.std(1, { keepAxes: true }).shape).toEqual([2, 1])
    const flat = tensor([2, 2, 2])
    expect(values(grad(flat.std(), flat))).toEqual([0, 0, 0])
    expect(flat.std().itemSync()).toBe(0)
  })

  it('norms, whose gradient at 0 is 0', () => {
    const x = tensor([
      [3, -4],
      [0, 0],
    ])
    expect(values(norm(x, 2, 1))).toEqual([5, 0])
    expect(values(norm(x, 1, 1))).toEqual([7, 0])
    expect(values(norm(x, Infinity, 1, true))).toEqual([4, 0])
    for (const p of [1, 2, 3, Infinity]) {
      expect(values(grad(norm(x, p, 1).sum(), x)).slice(2), `p = ${p}`).toEqual([0, 0])
    }
    expect(() => norm(x, 0)).toThrow('norm: the order is 0, it must be positive')
  })

  describe('softmax and logSumExp', () => {
    const extremes = tensor([
      [1000, 1000, 1000],
      [-1e4, 0, 1e4],
      [-Infinity, 0, 0],
    ])
    it('are finite where the exponential overflows', () => {
      const third = 1 / 3
      expectClose(
        extremes.softmax(),
        tensor([
          [third, third, third],
          [0, 0, 1],
          [0, 0.5, 0.5],
        ]),
        1e-6,
      )
      expectClose(extremes.logSumExp(1), tensor([1000 + Math.log(3), 1e4, Math.log(2)]), 1e-6)
      expectClose(
        extremes.logSoftmax().slice([0, 2]),
        tensor([
          [-Math.log(3), -Math.log(3), -Math.log(3)],
          [-2e4, -1e4, 0],
        ]),
        1e-6,
      )
      expect(tensor([-Infinity, -Infinity]).logSumExp().itemSync()).toBe(-Infinity)
      expect(tensor([Infinity, 0]).logSumExp().itemSync()).toBe(Infinity)
    })
    it('have finite gradients there', () => {
      const results: readonly Tensor[] = [
        extremes.softmax(),
        extremes.logSumExp(1),
        extremes.slice([0, 2]).logSoftmax(),
      ]
      for (const y of results) {
        const gradient = grad(y.square().sum(), extremes)
        expect(values(gradient).every(Number.isFinite)).toBe(true)
      }
    })
    it('rows of a softmax add up to 1, and a shift changes nothing', () => {
      const x = tensor(
        Float64Array.from({ length: 60 }, (_, i) => Math.sin(i * i)),
        { shape: [3, 20] },
      )
      expectClose(x.softmax(1).sum(1), tensor([1, 1, 1], { dtype: 'float64' }), 1e-14)
      expectClose(x.add(100).softmax(0), x.softmax(0), 1e-13)
    })
  })

  it('ties: max over one axis gives the first the whole gradient, amax and several axes share it', () => {
    const x = tensor([
      [2, 2, 1],
      [0, 2, 2],
    ])
    expect(grad(x.max(1).sum(), x).arraySync()).toEqual([
      [1, 0, 0],
      [0, 1, 0],
    ])
    expect(grad(x.amax(1).sum(), x).arraySync()).toEqual([
      [0.5, 0.5, 0],
      [0, 0.5, 0.5],
    ])
    expect(grad(x.max(), x).arraySync()).toEqual([
      [0.25, 0.25, 0],
      [0, 0.25, 0.25],
    ])
    expect(grad(x.neg().min(1).sum(), x).arraySync()).toEqual([
      [-1, -0, -0],
      [-0, -1, -0],
    ])
    const [a, b] = [tensor([1, 2]), tensor([1, 3])]
    const [da, db] = grad(a.maximum(b).sum(), [a, b])
    expect([values(da), values(db)]).toEqual([
      [0.5, 0],
      [0.5, 1],
    ])
  })
})
