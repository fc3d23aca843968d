/** What a NumPy user reaches for beside the operations: against NumPy's values, at edges, and by finite differences. */
import { expect, it } from 'vitest'
import * as t from '../../src/tensor/index.ts'
import numpy from '../fixtures/numpy-arrays.json' with { type: 'json' }
import { forEachEngine } from '../support/backends.ts'

const f64 = (nested: t.Nested): t.Tensor => t.tensor(nested, { dtype: 'float64' })
const near = (actual: t.Tensor, expected: unknown): void => {
  const flat = [expected].flat(9) as number[]
  const found = [...actual.dataSync()]
  expect(found).toEqual(flat.map((v) => expect.closeTo(v, 12)))
}
const same = (actual: t.Tensor, expected: unknown): void => expect(actual.arraySync()).toEqual(expected)

forEachEngine((on) => {
  const ready = (): void => t.configure(on)

  it('searchSorted and interp are NumPy’s', async () => {
    ready()
    const [s, q] = [f64(numpy.s), f64(numpy.q)]
    same(t.searchSorted(s, q), numpy.left)
    same(t.searchSorted(s, q, { side: 'right' }), numpy.right)
    same(t.searchSorted(s, t.tensor([[Number.NaN], [Infinity]])), [[9], [9]])
    same(t.searchSorted(t.zeros([0]), t.tensor([1, 2])), [0, 0])
    for (const n of [1, 2, 3, 4, 5, 7, 8, 9, 64, 65]) {
      const ordered = t.arange(0, n)
      same(t.searchSorted(ordered, t.arange(-1, n + 1)), [0, ...Array.from({ length: n + 1 }, (_, i) => i)])
    }
    const [xs, ys, x, expected] = numpy.interp
    near(t.interp(f64(x), f64(xs), f64(ys)), expected)
    near(t.interp(f64([3, -3]), f64([1]), f64([7])), [7, 7])
    expect(t.interp(f64([Number.NaN]), f64([1, 2]), f64([3, 4])).itemSync()).toBeNaN()
    await t.checkGradient((v, w) => t.interp(v, f64([0, 1, 3]), w), [f64([0.3, 1.7, -2, 5]), f64([1, -1, 2])])
    expect(() => t.interp(f64([1]), f64([1, 2]), f64([1]))).toThrow('interp: the points are [2] and [1]')
    expect(() => t.searchSorted(f64([[1]]), q)).toThrow('searchSorted: the sorted values are [1, 1]')
  })

  it('cov, corrcoef, histogram and bincount are NumPy’s', async () => {
    ready()
    const x = f64(numpy.x)
    near(t.cov(x), numpy.cov)
    near(t.cov(x, 0), numpy.cov0)
    near(t.corrcoef(x), numpy.corr)
    const values = f64([0, 0.1, 0.25, 0.5, 0.75, 0.99, 1, 1, -1, 2, Number.NaN])
    const { counts, edges } = t.histogram(values, { low: 0, high: 1, bins: 4 })
    same(counts, numpy.hist)
    same(edges, [0, 0.25, 0.5, 0.75, 1])
    const whole = t.tensor([1, 3, 3, -1, 9, 0], { dtype: 'int32' })
    same(t.bincount(whole, 5), [1, 1, 0, 2, 0])
    same(t.bincount(whole, 0), [])
    same(t.bincount(whole, 4, t.tensor([1, 0.5, 0.25, 7, 7, 2])), [2, 1, 0, 0.75])
    expect(
      t
        .corrcoef(
          f64([
            [1, 1],
            [0, 2],
          ]),
        )
        .arraySync(),
    ).toEqual([
      [Number.NaN, Number.NaN],
      [Number.NaN, expect.closeTo(1, 12)],
    ])
    await t.checkGradient((v) => t.corrcoef(v).square().sum(), [x])
    expect(() => t.histogram(x, { low: 1, high: 1 })).toThrow('histogram: low is 1 and high 1: low must be less')
    expect(() => t.cov(f64([1, 2]))).toThrow('cov: takes [variables, samples], not [2]')
  })

  it('kron, cross and tensordot are NumPy’s', async () => {
    ready()
    const [x, y, a, b] = [numpy.x, numpy.y, numpy.a, numpy.b].map(f64)
    near(t.kron(x.slice([0, 2], [0, 2]), y.slice([0, 2])), numpy.kron)
    near(t.cross(x.slice([], [0, 3]), x.slice([], [1, 4])), numpy.cross)
    near(t.tensordot(a, b), numpy.td2)
    near(
      t.tensordot(a, b, [
        [2, 0],
        [1, 2],
      ]),
      numpy.td,
    )
    expect(t.tensordot(a, b, 0).shape).toEqual(numpy.td0)
    expect(() => t.tensordot(a, b, 1)).toThrow('tensordot: axes [2] of [2, 3, 4] and [0] of [3, 4, 2] differ')
    expect(() => t.cross(a, a)).toThrow('cross: the last axes of [2, 3, 4] and [2, 3, 4] must have 3 elements')
    expect(() => t.kron(a, y)).toThrow('kron: takes two matrices, not [2, 3, 4] and [4, 2]')
  })

  it('diff, trapezoid, rot90 and repeat are NumPy’s', async () => {
    ready()
    const [x, a] = [f64(numpy.x), f64(numpy.a)]
    near(t.diff(x, 2, 0), numpy.diff2)
    expect(t.diff(f64([5])).shape).toEqual([0])
    expect(t.diff(f64([5]), 3).shape).toEqual([0])
    expect(t.diff(x, 0)).toBe(x)
    near(t.trapezoid(x, 0.5, 0), numpy.trapz)
    near(t.trapezoid(f64([4])), 0)
    for (const [times, expected] of [
      [-1, numpy['rot-1']],
      [0, numpy.rot0],
      [1, numpy.rot1],
      [2, numpy.rot2],
      [3, numpy.rot3],
      [5, numpy.rot1],
    ] as const)
      same(t.rot90(a, times, [0, 2]), expected)
    same(t.repeat(x, 2, 1), numpy.repeat)
    expect(t.repeat(x, 0).shape).toEqual([0, 4])
    expect(() => t.rot90(a, 1, [0, -3])).toThrow('rot90: both axes are 0')
  })

  it('unstack undoes stack, moveAxis moves one axis, meshgrid spans', async () => {
    ready()
    const x = t.arange(0, 24).reshape([2, 3, 4])
    for (const axis of [0, 1, -1]) same(t.stack(t.unstack(x, axis), axis), x.arraySync())
    expect(t.moveAxis(x, 0, 2).shape).toEqual([3, 4, 2])
    expect(t.moveAxis(x, -1, 0).shape).toEqual([4, 2, 3])
    same(t.moveAxis(t.moveAxis(x, 2, 1), 1, 2), x.arraySync())
    const [rows, columns] = t.meshgrid(t.tensor([1, 2]), t.tensor([3, 4, 5]))
    same(rows, [
      [1, 1, 1],
      [2, 2, 2],
    ])
    same(columns, [
      [3, 4, 5],
      [3, 4, 5],
    ])
    expect(t.meshgrid()).toEqual([])
    expect(() => t.meshgrid(x)).toThrow('meshgrid: an axis is [2, 3, 4]: each must be a vector')
  })

  it('nanSum, nanMean, nanToNum, isClose and allClose', async () => {
    ready()
    const x = f64([
      [1, Number.NaN],
      [Infinity, -Infinity],
      [Number.NaN, Number.NaN],
    ])
    same(t.nanSum(x.slice([0, 1])), 1)
    same(t.nanMean(x, 1), [1, Number.NaN, Number.NaN])
    same(t.nanToNum(x, { nan: 7, positive: 8, negative: 9 }), [
      [1, 7],
      [8, 9],
      [7, 7],
    ])
    same(t.nanToNum(t.tensor([Infinity, -Infinity])), [3.4028234663852886e38, -3.4028234663852886e38])
    await t.checkGradient((v) => t.nanMean(v.add(f64([0, Number.NaN, 0]))), [f64([1, 2, 3])])
    // NumPy's isclose.
    const [a, b] = [
      f64([1, 1, Infinity, Infinity, Number.NaN, 1e10, 0]),
      f64([1 + 1e-6, 1.1, Infinity, -Infinity, Number.NaN, 1.00001e10, 1e-9]),
    ]
    same(t.isClose(a, b), [true, false, true, false, false, true, true])
    same(t.isClose(a, b, { equalNaN: true }), [true, false, true, false, true, true, true])
    expect(t.allClose(f64([1, 2]), f64([1, 2 + 1e-9])).itemSync()).toBe(1)
    expect(() => t.isClose(a, b, { relative: -1 })).toThrow('isClose: relative is -1')
  })

  it('nonzero, maskedSelect and unique read values and give tensors', async () => {
    ready()
    const x = f64([
      [0, 7, Number.NaN],
      [5, 0, 0],
    ])
    same(await t.nonzero(x), [
      [0, 1],
      [0, 2],
      [1, 0],
    ])
    same(await t.nonzero(t.tensor(3)), [[]])
    expect((await t.nonzero(t.zeros([2, 0]))).shape).toEqual([0, 2])
    same(await t.maskedSelect(x, x.greater(1)), [7, 5])
    same(await t.maskedSelect(x, t.tensor([false, true])), [[5, 0, 0]])
    expect((await t.maskedSelect(x, t.tensor([false, false]))).shape).toEqual([0, 3])
    const v = t.variable(f64([1, -2, 3]))
    same(t.grad((await t.maskedSelect(v, v.greater(0))).square().sum(), v), [2, 0, 6])
    await expect(t.maskedSelect(x, t.tensor([true, false, true]))).rejects.toThrow(
      'maskedSelect: the mask is bool [3], the tensor [2, 3]',
    )
    const { values, counts, inverse, first } = await t.unique(
      t.tensor([
        [3, 1, 3],
        [Number.NaN, 1, -0],
      ]),
    )
    same(values, [-0, 1, 3, Number.NaN])
    same(counts, [1, 2, 2, 1])
    same(inverse, [
      [2, 1, 2],
      [3, 1, 0],
    ])
    same(first, [5, 1, 0, 3])
    expect((await t.unique(t.zeros([0]))).values.shape).toEqual([0])
    expect(() => t.compile((y: t.Tensor) => t.nonzero(y) as never)(x)).toThrow('the function is async')
  })
})
