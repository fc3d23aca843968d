/** scatter: against a loop over the elements, with indices that repeat; gradients against differences; bounds. */

import { describe, expect, it } from 'vitest'
import { checkGradient, grad, random, scatter, type Tensor, tensor, vmap, zeros } from '../../src/tensor/index.ts'
import { forEachEngine } from '../support/backends.ts'

const dtype = 'float64'
const ints = (values: readonly number[], shape: readonly number[] = [values.length]): Tensor =>
  tensor(Int32Array.from(values), { shape })
type Reduce = 'set' | 'add' | 'min' | 'max' | 'mean'
const rules: { readonly [R in Reduce]: (values: readonly number[]) => number } = {
  set: (values) => values[values.length - 1],
  add: (values) => values.reduce((a, b) => a + b, 0),
  min: (values) => Math.min(...values),
  max: (values) => Math.max(...values),
  mean: (values) => values.reduce((a, b) => a + b, 0) / values.length,
}

forEachEngine(() => {
  const x = random.normal([5, 3], { key: random.key(1), dtype })
  const source = random.normal([7, 3], { key: random.key(2), dtype })
  const indices = ints(
    Array.from({ length: 21 }, (_, i) => (i * i) % 5),
    [7, 3],
  )

  describe.each(Object.keys(rules) as Reduce[])('%s', (reduce) => {
    it.each([true, false])('counts the element itself: %s', (includeSelf) => {
      const [at, from, own] = [indices, source, x].map((t) => [...t.dataSync()])
      const expected = own.map((value, place) => {
        const [row, column] = [Math.floor(place / 3), place % 3]
        const written = from.filter((_, i) => i % 3 === column && at[i] === row)
        if (written.length === 0) return value
        return rules[reduce](includeSelf && reduce !== 'set' ? [value, ...written] : written)
      })
      const found = [...scatter(x, indices, source, { reduce, includeSelf }).dataSync()]
      found.forEach((value, i) => {
        expect(value).toBeCloseTo(expected[i], 12)
      })
    })

    it('has a gradient, along another axis too', async () => {
      const other = indices.slice([0, 4]).transpose()
      await checkGradient(
        (a: Tensor, b: Tensor) => scatter(a, other, b, { axis: 1, reduce }),
        [x.transpose(), source.slice([0, 4]).transpose()],
        { tolerance: 1e-6 },
      )
    })
  })

  it('the last write stays, and alone gets the gradient', () => {
    const [a, b] = [zeros([3]), tensor([5, 6, 7])]
    const y = scatter(a, ints([1, 1, -1]), b)
    expect([...y.dataSync()]).toEqual([0, 6, 7])
    expect([...grad(y.sum(), b).dataSync()]).toEqual([0, 1, 1])
    expect([...grad(y.sum(), a).dataSync()]).toEqual([1, 0, 0])
  })

  it('takes nothing at all, infinities, whole numbers, and maps', () => {
    expect([...scatter(x, ints([], [0, 3]), zeros([0, 3], dtype)).dataSync()]).toEqual([...x.dataSync()])
    const wild = tensor([-Infinity, Infinity, -1e4])
    expect([...scatter(zeros([2]), ints([0, 0, 1]), wild, { reduce: 'max' }).dataSync()]).toEqual([Infinity, 0])
    expect([...scatter(ints([1, 2]), ints([1]), ints([9])).dataSync()]).toEqual([1, 9])
    const rows = vmap((row: Tensor, at: Tensor, value: Tensor) => scatter(row, at, value))(
      zeros([2, 3]),
      ints([0, 2], [2, 1]),
      tensor([[4], [5]]),
    )
    expect(rows.arraySync()).toEqual([
      [4, 0, 0],
      [0, 0, 5],
    ])
  })
})
