/** Arithmetic as NumPy has it: signs of remainders, division by zero, powers, NaN and infinities. */

import { describe, expect, it } from 'vitest'
import { ones, pointwise, type Tensor, tensor } from '../../src/tensor/index.ts'
import { forEachBackend } from '../support/backends.ts'

forEachBackend(() => {
  const values = (x: Tensor): number[] => [...x.dataSync()]
  const whole = (...v: number[]): Tensor => tensor(v, { dtype: 'int32' })

  it('pointwise functions by name make floats of integers where the method does, and only there', () => {
    const x = whole(1, 2)
    expect(values(pointwise.exp(x))).toEqual(values(x.exp()))
    expect(pointwise.neg(x).dtype).toBe('int32')
  })

  describe('division', () => {
    it('remainder takes the sign of the divisor', () => {
      const [x, y] = [
        [7, -7, 7, -7, 6],
        [3, 3, -3, -3, -3],
      ]
      expect(values(whole(...x).remainder(whole(...y)))).toEqual([1, 2, -2, -1, 0])
      for (const dtype of ['float32', 'float64'] as const) {
        expect(values(tensor(x, { dtype }).remainder(tensor(y, { dtype })))).toEqual([1, 2, -2, -1, 0])
      }
    })

    it('remainder of floats by infinity is x, or infinity where the signs differ', () => {
      const x = tensor([5, -5, 5, -5, Infinity, 3])
      const y = tensor([Infinity, Infinity, -Infinity, -Infinity, 2, 0])
      expect(values(x.remainder(y))).toEqual([5, Infinity, -Infinity, -5, NaN, NaN])
    })

    it('floorDivide rounds down', () => {
      expect(values(whole(7, -7, 7, -7).floorDivide(whole(2, 2, -2, -2)))).toEqual([3, -4, -4, 3])
      expect(values(tensor([7, -7, 7.5]).floorDivide(2))).toEqual([3, -4, 3])
      expect(whole(7).floorDivide(2).dtype).toBe('int32')
      expect(values(whole(-7).floorDivide(0.5))).toEqual([-14])
    })

    it('integers divided by 0 give 0, floats infinity or NaN', () => {
      expect(values(whole(3, -3, 0).floorDivide(0))).toEqual([0, 0, 0])
      expect(values(whole(3, -3, 0).remainder(0))).toEqual([0, 0, 0])
      expect(values(whole(3, -3, 0).div(0))).toEqual([Infinity, -Infinity, NaN])
      expect(values(tensor([3, -3, 0]).div(0))).toEqual([Infinity, -Infinity, NaN])
      expect(values(whole(-2147483648).floorDivide(-1))).toEqual([-2147483648])
    })
  })

  describe('powers', () => {
    it('of integers stay integers where they are whole', () => {
      expect(whole(3).pow(4).dtype).toBe('int32')
      expect(values(whole(3, -2, 0).pow(5))).toEqual([243, -32, 0])
      expect(values(whole(3, -2, 0).pow(0))).toEqual([1, 1, 1])
      expect(values(whole(2, 4).pow(-1))).toEqual([0.5, 0.25])
      expect(values(whole(16).pow(0.5))).toEqual([4])
    })

    it('follow C and NumPy at the edges', () => {
      const x = tensor([0, 0, NaN, 1, -1, Infinity, -8, 2], { dtype: 'float64' })
      const y = tensor([0, -1, 0, NaN, Infinity, -1, 1 / 3, 1024], { dtype: 'float64' })
      expect(values(x.pow(y))).toEqual([1, Infinity, 1, 1, 1, 0, NaN, Infinity])
    })

    it.each([1, 2, 3, 4])('the float exponent %d is exact for small whole numbers', (n) => {
      expect(values(tensor([-3, 0, 5]).pow(n))).toEqual([(-3) ** n, 0, 5 ** n])
    })
  })

  describe('NaN and infinities', () => {
    const odd = [NaN, Infinity, -Infinity, -0]
    it('NaN stays NaN in maximum, minimum, relu, clamp and sign', () => {
      const x = tensor([NaN, 1])
      for (const y of [x.maximum(0), x.minimum(0), x.relu(), x.clamp(-1, 1), x.sign(), x.abs(), x.floor()]) {
        expect(y.dataSync()[0]).toBeNaN()
        expect(y.dataSync()[1]).not.toBeNaN()
      }
      expect(values(tensor([1, NaN]).maximum(tensor([NaN, 1])))).toEqual([NaN, NaN])
    })
    it('comparisons with NaN are false, except "not equal"', () => {
      const x = tensor([NaN])
      expect(
        [x.equal(x), x.less(x), x.lessEqual(x), x.greater(x), x.greaterEqual(x), x.notEqual(x)].map((y) =>
          y.itemSync(),
        ),
      ).toEqual([0, 0, 0, 0, 0, 1])
      expect(tensor(odd).isNaN().arraySync()).toEqual([true, false, false, false])
    })
    it('rounding keeps infinities, NaN and the sign of zero', () => {
      for (const y of [tensor(odd).floor(), tensor(odd).ceil(), tensor(odd).round(), tensor(odd).trunc()])
        expect(values(y)).toEqual(odd)
      expect(values(tensor([0.5, 1.5, 2.5, -0.5, -1.5]).round())).toEqual([0, 2, 2, -0, -2])
      expect(values(tensor([-0.2, -1.7, 1.7]).trunc())).toEqual([-0, -1, 1])
    })
    it('where and maskedFill do not let the other branch through', () => {
      const x = tensor([NaN, 2])
      expect(values(x.isNaN().where(0, x))).toEqual([0, 2])
      expect(values(x.maskedFill(x.isNaN(), -Infinity))).toEqual([-Infinity, 2])
    })
  })

  it('comparisons with a number on either side', () => {
    const x = tensor([1, 2, 3])
    expect(x.less(2).arraySync()).toEqual([true, false, false])
    expect(x.lessEqual(2).arraySync()).toEqual([true, true, false])
    expect(x.greater(2).arraySync()).toEqual([false, false, true])
    expect(x.greaterEqual(2).arraySync()).toEqual([false, true, true])
    expect(x.equal(2).arraySync()).toEqual([false, true, false])
    expect(x.notEqual(2).arraySync()).toEqual([true, false, true])
    expect(x.greater(tensor([2, 2, 2])).arraySync()).toEqual([false, false, true])
    expect(x.greaterEqual(tensor([2, 2, 2])).arraySync()).toEqual([false, true, true])
  })

  it('clamp leaves open ends open', () => {
    const x = tensor([-5, 0, 5])
    expect(values(x.clamp(-1))).toEqual([-1, 0, 5])
    expect(values(x.clamp(undefined, 1))).toEqual([-5, 0, 1])
    expect(values(whole(-5, 5).clamp(-2, 2))).toEqual([-2, 2])
  })
})

describe('broadcasting', () => {
  it.each([
    [[2, 3], [3], [2, 3]],
    [
      [4, 1],
      [1, 5],
      [4, 5],
    ],
    [[], [2, 0], [2, 0]],
    [[1], [0], [0]],
    [
      [7, 1, 3],
      [5, 1],
      [7, 5, 3],
    ],
  ])('%j with %j is %j', (a, b, expected) => {
    expect(ones(a).add(ones(b)).shape).toEqual(expected)
    expect(ones(b).add(ones(a)).shape).toEqual(expected)
  })

  it.each([
    [[2, 3], [2], 'add: cannot broadcast [2, 3] with [2]: 3 is not 2, and neither is 1'],
    [[4, 3], [5, 3], 'add: cannot broadcast [4, 3] with [5, 3]: 4 is not 5, and neither is 1'],
    [[2], [0], 'add: cannot broadcast [2] with [0]: 2 is not 0, and neither is 1'],
  ])('%j with %j is refused and both are named', (a, b, message) => {
    expect(() => ones(a).add(ones(b))).toThrow(message)
  })
})
