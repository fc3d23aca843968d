/** log Γ, its derivatives and the inverse of erf, against closed forms and Python's `math.lgamma`. */

import { describe, expect, it } from 'vitest'
import { digamma, erfinv, grad, lgamma, polygamma, type Tensor, tensor } from '../../src/tensor/index.ts'
import { forEachEngine } from '../support/backends.ts'

const euler = 0.5772156649015329
const zeta3 = 1.2020569031595942

forEachEngine(() => {
  describe.each([
    ['float64', 1e-13],
    ['float32', 3e-6],
  ] as const)('%s', (dtype, tolerance) => {
    const check = (f: (x: Tensor) => Tensor, points: readonly (readonly [number, number])[]): void => {
      const values = f(
        tensor(
          points.map(([x]) => x),
          { dtype },
        ),
      ).dataSync()
      points.forEach(([x, expected], i) => {
        if (!Number.isFinite(expected)) expect(values[i], `at ${x}`).toBe(expected)
        else
          expect(Math.abs(values[i] - expected), `at ${x}: ${values[i]}, expected ${expected}`).toBeLessThanOrEqual(
            tolerance * Math.max(1, Math.abs(expected)),
          )
      })
    }

    it('lgamma', () => {
      check(lgamma, [
        [1, 0],
        [2, 0],
        [3, Math.log(2)],
        [11, Math.log(3628800)],
        [0.5, Math.log(Math.sqrt(Math.PI))],
        [0.0625, 2.739631621946204],
        [100.5, 361.4355404677776],
        [1e4, 82099.71749644238],
        [-0.5, 1.265512123484645],
        [-2.75, 0.004487897535955687],
        [-20.5, -42.70719597482576],
        [0, Infinity],
        [-3, Infinity],
        [Infinity, Infinity],
        [-Infinity, Infinity],
        [NaN, NaN],
      ])
    })
    it('digamma', () => {
      check(digamma, [
        [1, -euler],
        [2, 1 - euler],
        [0.5, -euler - 2 * Math.LN2],
        [0.25, -Math.PI / 2 - 3 * Math.LN2 - euler],
        [-0.5, 2 - euler - 2 * Math.LN2],
        [-0.25, Math.PI / 2 - 3 * Math.LN2 - euler + 4],
        [1e4, Math.log(1e4) - 1 / 2e4 - 1 / 12e8],
        [Infinity, Infinity],
      ])
    })
    it('polygamma', () => {
      check(
        (x) => polygamma(1, x),
        [
          [1, Math.PI ** 2 / 6],
          [0.5, Math.PI ** 2 / 2],
          [-0.5, Math.PI ** 2 / 2 + 4],
          [1e3, 1e-3 + 0.5e-6 + 1 / 6e9],
        ],
      )
      check(
        (x) => polygamma(2, x),
        [
          [1, -2 * zeta3],
          [0.5, -14 * zeta3],
          [-0.5, 16 - 14 * zeta3],
        ],
      )
      check(
        (x) => polygamma(3, x),
        [
          [1, Math.PI ** 4 / 15],
          [0.5, Math.PI ** 4],
        ],
      )
      expect(() => polygamma(1.5, tensor([1]))).toThrow('polygamma: the order is 1.5')
    })
    it('erfinv is the inverse of erf, and infinite at its ends', () => {
      const x = tensor([-0.999, -0.5, -1e-6, 0, 0.1, 0.75, 0.99], { dtype })
      const back = erfinv(x).erf().sub(x).abs().max().itemSync()
      expect(back).toBeLessThanOrEqual(dtype === 'float64' ? 2e-16 : 2e-7)
      expect([...erfinv(tensor([1, -1, 1.5, -0], { dtype })).dataSync()]).toEqual([Infinity, -Infinity, NaN, -0])
      check(erfinv, [[0.5, 0.4769362762044699]])
    })
    it('each derives the next', () => {
      const x = tensor([0.3, 1.7, 6.5, -1.3], { dtype })
      const first = grad(lgamma(x).sum(), x)
      const second = grad(first.sum(), x)
      const third = grad(second.sum(), x)
      const expected = [digamma(x), polygamma(1, x), polygamma(2, x)].map((y) => [...y.dataSync()])
      expect([first, second, third].map((y) => [...y.dataSync()])).toEqual(expected)
    })
  })
})
