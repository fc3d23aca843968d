/** Element types: promotion, numbers beside tensors, casts, and integers that wrap. */

import { describe, expect, it } from 'vitest'
import { type DType, full, ones, type Tensor, tensor, zeros } from '../../src/tensor/index.ts'
import { forEachBackend } from '../support/backends.ts'

const order: readonly DType[] = ['bool', 'uint8', 'int32', 'float32', 'float64']

describe('promotion', () => {
  it.each(order.flatMap((a, i) => order.map((b, k) => [a, b, order[Math.max(i, k)]] as const)))(
    '%s with %s is %s',
    (a, b, expected) => {
      expect(ones([2], a).mul(ones([2], b)).dtype).toBe(expected)
      expect(ones([2], 'bool').where(ones([2], a), ones([2], b)).dtype).toBe(expected)
    },
  )

  it.each([
    ['bool', 1, 'int32'],
    ['uint8', 1, 'uint8'],
    ['int32', 1, 'int32'],
    ['float32', 1, 'float32'],
    ['float64', 1, 'float64'],
    ['bool', 0.5, 'float32'],
    ['uint8', 0.5, 'float32'],
    ['int32', 0.5, 'float32'],
    ['float32', 0.5, 'float32'],
    ['float64', 0.5, 'float64'],
    ['int32', Infinity, 'float32'],
    ['uint8', NaN, 'float32'],
  ] as const)('%s and the number %d give %s', (dtype, value, expected) => {
    expect(ones([2], dtype).mul(value).dtype).toBe(expected)
  })

  it('refuses numbers that an integer tensor cannot hold', () => {
    expect(() => ones([2], 'uint8').sub(-1)).toThrow('sub: -1 does not fit uint8 [2]')
    expect(() => ones([3], 'uint8').add(256)).toThrow('add: 256 does not fit uint8 [3]')
    expect(() => ones([], 'int32').mul(2 ** 31)).toThrow('mul: 2147483648 does not fit int32 []')
  })

  it('gives float32 where the result is not whole', () => {
    for (const dtype of ['bool', 'uint8', 'int32'] as const) {
      const x = ones([2], dtype)
      for (const y of [x.div(x), x.exp(), x.sqrt(), x.mean(), x.sigmoid(), x.softmax(), x.std(), x.atan2(x)])
        expect(y.dtype).toBe('float32')
    }
    for (const y of [ones([2], 'float64').exp(), ones([2], 'float64').mean()]) expect(y.dtype).toBe('float64')
  })

  it('refuses bool where arithmetic has no meaning for it', () => {
    const flag = ones([2], 'bool')
    expect(() => flag.sub(flag)).toThrow('sub: does not take bool: cast it to int32 or float32 first')
    expect(() => flag.neg()).toThrow('neg: does not take bool')
    expect(() => ones([2]).and(flag)).toThrow('and: does not take float32: cast it to int32 or bool first')
    expect(() => ones([2]).where(1, 0)).toThrow('where: the condition is float32: it must be bool')
  })
})

forEachBackend(() => {
  const values = (x: Tensor): number[] => [...x.dataSync()]

  describe('casts', () => {
    const from = [0, -0, 0.5, -0.5, 1.9, -1.9, 255, 256, 300, -1, 3e9, -3e9, Infinity, -Infinity, NaN]
    it.each([
      ['int32', [0, 0, 0, 0, 1, -1, 255, 256, 300, -1, 2147483647, -2147483648, 2147483647, -2147483648, 0]],
      ['uint8', [0, 0, 0, 0, 1, 255, 255, 0, 44, 255, 255, 0, 255, 0, 0]],
      ['bool', [0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]],
    ] as const)('from floats to %s: truncated, saturated at 32 bits, the low byte of uint8', (dtype, expected) => {
      for (const source of ['float32', 'float64'] as const)
        expect(values(tensor(from, { dtype: source }).cast(dtype))).toEqual(expected)
      // A constant is cast when the graph is built.
      expect(from.map((v) => full([], v, 'float64').cast(dtype).itemSync())).toEqual(expected)
    })

    it('from integers and booleans', () => {
      const x = tensor([0, 1, -1, 256, 511], { dtype: 'int32' })
      expect(values(x.cast('uint8'))).toEqual([0, 1, 255, 0, 255])
      expect(values(x.cast('bool'))).toEqual([0, 1, 1, 1, 1])
      expect(values(x.cast('float32'))).toEqual([0, 1, -1, 256, 511])
      expect(values(x.cast('bool').cast('float64'))).toEqual([0, 1, 1, 1, 1])
      expect(values(tensor([true, false]).cast('int32'))).toEqual([1, 0])
    })

    it('from float64 to float32 and back rounds', () => {
      expect(values(tensor([0.1, 1e300], { dtype: 'float64' }).cast('float32').cast('float64'))).toEqual([
        Math.fround(0.1),
        Infinity,
      ])
      expect(full([], 0.1, 'float64').cast('float32').itemSync()).toBe(Math.fround(0.1))
    })
  })

  describe('integers wrap', () => {
    const big = tensor([2147483647, -2147483648, 65536], { dtype: 'int32' })
    it('int32 at 32 bits', () => {
      expect(values(big.add(1))).toEqual([-2147483648, -2147483647, 65537])
      expect(values(big.sub(1))).toEqual([2147483646, 2147483647, 65535])
      expect(values(big.mul(big))).toEqual([1, 0, 0])
      expect(values(big.neg())).toEqual([-2147483647, -2147483648, -65536])
      expect(values(big.abs())).toEqual([2147483647, -2147483648, 65536])
      expect(big.sum().itemSync()).toBe(65535)
      expect(tensor([65536, 65536, 3], { dtype: 'int32' }).prod().itemSync()).toBe(0)
    })

    const small = tensor([250, 5, 0], { dtype: 'uint8' })
    it('uint8 at 8 bits, also in the middle of a longer expression', () => {
      expect(values(small.add(10))).toEqual([4, 15, 10])
      expect(values(small.sub(6))).toEqual([244, 255, 250])
      expect(values(small.mul(2))).toEqual([244, 10, 0])
      expect(values(small.neg())).toEqual([6, 251, 0])
      expect(values(small.not())).toEqual([5, 250, 255])
      expect(values(small.add(10).less(small))).toEqual([1, 0, 0])
      expect(values(small.add(10).cast('float32').mul(0.5))).toEqual([2, 7.5, 5])
      expect(values(small.sub(6).maximum(small.mul(2)))).toEqual([244, 255, 250])
    })

    it('sums and products of bytes and booleans are int32', () => {
      const bytes = tensor(new Uint8Array(600).fill(255))
      expect(bytes.sum().dtype).toBe('int32')
      expect(bytes.sum().itemSync()).toBe(600 * 255)
      expect(bytes.mean().itemSync()).toBe(255)
      expect(tensor([true, true, false]).sum().itemSync()).toBe(2)
      expect(
        tensor(new Uint8Array([20, 20, 20]))
          .prod()
          .itemSync(),
      ).toBe(8000)
    })
  })

  it('compares integers with numbers beyond their range', () => {
    const x = tensor([0, 255], { dtype: 'uint8' })
    expect(values(x.less(300))).toEqual([1, 1])
    expect(values(x.greater(-1))).toEqual([1, 1])
    expect(values(x.equal(256))).toEqual([0, 0])
    expect(values(tensor([2147483647], { dtype: 'int32' }).less(2 ** 31))).toEqual([1])
    expect(values(tensor([3, 4], { dtype: 'int32' }).lessEqual(3.5))).toEqual([1, 0])
  })

  it('logic works on booleans, bits on integers', () => {
    const [a, b] = [tensor([true, true, false, false]), tensor([true, false, true, false])]
    expect(a.and(b).arraySync()).toEqual([true, false, false, false])
    expect(a.or(b).arraySync()).toEqual([true, true, true, false])
    expect(a.xor(b).arraySync()).toEqual([false, true, true, false])
    expect(a.not().arraySync()).toEqual([false, false, true, true])
    expect(a.add(b).arraySync()).toEqual([true, true, true, false])
    expect(a.mul(b).arraySync()).toEqual([true, false, false, false])
    const [x, y] = [tensor([12, -1], { dtype: 'int32' }), tensor([10, 7], { dtype: 'int32' })]
    expect(values(x.and(y))).toEqual([8, 7])
    expect(values(x.or(y))).toEqual([14, -1])
    expect(values(x.xor(y))).toEqual([6, -8])
    expect(values(x.not())).toEqual([-13, 0])
  })

  it('keeps the type of typed arrays and of booleans', () => {
    expect(tensor(new Float64Array(2)).dtype).toBe('float64')
    expect(tensor(new Int32Array(2)).dtype).toBe('int32')
    expect(tensor(new Uint8Array(2)).dtype).toBe('uint8')
    expect(tensor([true]).dtype).toBe('bool')
    expect(tensor([]).dtype).toBe('float32')
    expect(tensor([1, true]).dtype).toBe('float32')
    expect(tensor(new Uint8Array([0, 3]), { dtype: 'bool' }).arraySync()).toEqual([false, true])
    expect(zeros([1], 'uint8').dataSync()).toBeInstanceOf(Uint8Array)
  })
})
