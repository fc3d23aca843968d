/** Losses where naive formulas overflow, cancel or divide by zero, and what they refuse. */

import { describe, expect, it } from 'vitest'
import * as loss from '../../src/loss/index.ts'
import { grad, type Tensor, tensor } from '../../src/tensor/index.ts'
import { forEachEngine } from '../support/backends.ts'
import { expectClose } from '../support/close.ts'
import { checkFirstOrder, checkSecondOrder } from '../support/derivative.ts'
import { randomOf } from '../support/random.ts'

const doubles = (values: readonly number[]): Tensor => tensor(new Float64Array(values))
const labels = (...values: readonly number[]): Tensor => tensor(new Int32Array(values))

forEachEngine(() => {
  describe('softmaxCrossEntropy', () => {
    it('gives the textbook values of (1, 2, 3) with target 0', () => {
      const z = tensor(new Float64Array([1, 2, 3]), { shape: [1, 3] })
      const l = loss.softmaxCrossEntropy(z, labels(0))
      expect(l.itemSync()).toBeCloseTo(2.40760596444438, 12)
      expectClose(grad(l, z), [-0.9099694268296196, 0.24472847105479764, 0.6652409557748219], 1e-12)
    })

    it.each([2, 10, 27, 65, 50257])('starts at ln %i for equal logits', (classes) => {
      const z = tensor(new Float32Array(classes), { shape: [1, classes] })
      expectClose(loss.softmaxCrossEntropy(z, labels(0)), [Math.log(classes)], 1e-6)
    })

    it.each(['float32', 'float64'] as const)('is finite, and so is its gradient, at ±1e4 in %s', (dtype) => {
      const z = tensor(
        [
          [1e4, 0, -1e4],
          [-1e4, 1e4, 0],
        ],
        { dtype },
      )
      const l = loss.softmaxCrossEntropy(z, labels(2, 1), { reduction: 'none' })
      expect([...l.dataSync()]).toEqual([2e4, 0])
      expect([...grad(l.sum(), z).dataSync()]).toEqual([1, 0, -1, 0, 0, 0])
    })

    it('loses no digits of a small loss to large logits', () => {
      const z = tensor(new Float32Array([10000, 9993]), { shape: [1, 2] })
      expect(loss.softmaxCrossEntropy(z, labels(0)).itemSync()).toBeCloseTo(Math.log1p(Math.exp(-7)), 6)
    })

    it('allows classes that are ruled out by −∞', () => {
      const z = tensor(new Float64Array([0, Number.NEGATIVE_INFINITY, 0]), { shape: [1, 3] })
      const l = loss.softmaxCrossEntropy(z, labels(0))
      expect(l.itemSync()).toBeCloseTo(Math.LN2, 12)
      expect([...grad(l, z).dataSync()]).toEqual([-0.5, 0, 0.5])
      const soft = loss.softmaxCrossEntropy(z, tensor(new Float64Array([1, 0, 0]), { shape: [1, 3] }))
      expect(soft.itemSync()).toBeCloseTo(Math.LN2, 12)
      expect([...grad(soft, z).dataSync()]).toEqual([-0.5, 0, 0.5])
    })

    it('gives NaN for a label that is no class, unless it is ignored', () => {
      const z = tensor([
        [1, 2],
        [3, 4],
      ])
      expect(loss.softmaxCrossEntropy(z, labels(0, 2).add(0)).itemSync()).toBeNaN()
      expect(loss.softmaxCrossEntropy(z, labels(-1, 0).add(0)).itemSync()).toBeNaN()
      const ignoring = loss.softmaxCrossEntropy(z, labels(-100, 0), { ignoreIndex: -100 })
      expect(ignoring.itemSync()).toBeCloseTo(Math.log1p(Math.E), 6)
    })

    it('takes classes on any axis and a single example', () => {
      const data = new Float64Array([1, 2, 3, 4, 5, 7])
      const last = loss.softmaxCrossEntropy(
        tensor(data, { shape: [1, 2, 3] }),
        tensor(new Int32Array([0, 2]), { shape: [1, 2] }),
        { axis: -1 },
      )
      const rows = loss.softmaxCrossEntropy(tensor(data, { shape: [2, 3] }), labels(0, 2))
      expectClose(last, rows.dataSync(), 1e-12)
      expectClose(
        loss.softmaxCrossEntropy(doubles([1, 2, 3]), tensor(0, { dtype: 'int32' })),
        [2.40760596444438],
        1e-12,
      )
    })

    it('has first and second derivatives', () => {
      const at = [{ shape: [2, 3], data: [0.3, -1.2, 0.7, 2, 0.1, -0.4] }]
      const f = ([z]: readonly Tensor[]) => [loss.softmaxCrossEntropy(z, labels(2, 0), { labelSmoothing: 0.2 })]
      checkFirstOrder(f, at, randomOf(1))
      checkSecondOrder(f, at, randomOf(2))
    })

    it('refuses shapes and types that do not fit, naming both', () => {
      const z = tensor([
        [1, 2],
        [3, 4],
      ])
      expect(() => loss.softmaxCrossEntropy(z, labels(0, 1, 1))).toThrow(
        /scores \[2, 2\].*need labels \[2\], not \[3\]/,
      )
      // What the compiler knows not to fit it refuses itself.
      const [flags, probabilities]: Tensor[] = [tensor([true, false]), tensor([0.5, 0.5])]
      expect(() => loss.softmaxCrossEntropy(z, flags)).toThrow(/labels are bool: they must be int32/)
      expect(() => loss.softmaxCrossEntropy(z, probabilities)).toThrow(
        /\[2, 2\] need probabilities of that shape, not \[2\]/,
      )
      expect(() => loss.softmaxCrossEntropy(z, labels(0, 1), { weight: tensor([1, 2, 3]) })).toThrow(
        /weight is \[3\], expected \[2\]/,
      )
      expect(() => loss.softmaxCrossEntropy(z, labels(0, 1), { reduction: 'meen' as 'mean' })).toThrow(
        /unknown reduction 'meen'/,
      )
    })
  })

  describe('sigmoidBinaryCrossEntropy', () => {
    const at = (z: number, t: number): { value: number; gradient: number } => {
      const logits = doubles([z])
      const l = loss.sigmoidBinaryCrossEntropy(logits, doubles([t]))
      return { value: l.itemSync(), gradient: grad(l, logits).dataSync()[0] }
    }

    it('is linear far on the wrong side', () => {
      expect(at(1000, 0)).toEqual({ value: 1000, gradient: 1 })
      expect(at(-1000, 1)).toEqual({ value: 1000, gradient: -1 })
      expect(at(1e4, 0)).toEqual({ value: 1e4, gradient: 1 })
    })

    it('keeps every digit far on the right side', () => {
      for (const [z, t] of [
        [-40, 0],
        [40, 1],
      ])
        expect(at(z, t).value / 4.248354255291589e-18).toBeCloseTo(1, 12)
      expect(at(2, 1).value).toBeCloseTo(0.1269280110429725, 14)
    })

    it('has the derivative ½ − t at 0, where relu and |z| have kinks', () => {
      expect(at(0, 1)).toEqual({ value: Math.LN2, gradient: -0.5 })
      expect(at(0, 0)).toEqual({ value: Math.LN2, gradient: 0.5 })
      expect(at(0, 0.25).gradient).toBe(0.25)
    })

    it('has first and second derivatives by logits and targets', () => {
      const points = [
        { shape: [4], data: [0.3, -1.2, 0, 2] },
        { shape: [4], data: [0.1, 0.9, 0.4, 0.6] },
      ]
      const f = ([z, t]: readonly Tensor[]) => [loss.sigmoidBinaryCrossEntropy(z, t, { posWeight: 3 })]
      // Differences across the kink of |z| at 0 need a point away from it.
      const away = [{ shape: [4], data: [0.3, -1.2, 0.5, 2] }, points[1]]
      checkFirstOrder(f, points, randomOf(3))
      checkSecondOrder(f, away, randomOf(4))
    })

    it('refuses shapes that differ', () => {
      const column: Tensor = tensor([[1], [2]])
      expect(() => loss.sigmoidBinaryCrossEntropy(column, tensor([1, 0]))).toThrow(/\[2, 1\] and targets \[2\] differ/)
    })
  })

  it('binaryCrossEntropy stays finite at probabilities 0 and 1', () => {
    const p = doubles([0, 1, 0, 1])
    const l = loss.binaryCrossEntropy(p, doubles([0, 1, 1, 0]), { reduction: 'sum' })
    expect(l.itemSync()).toBe(200)
    expect([...grad(l, p).dataSync()]).toEqual([0, 0, -1e12, 1e12])
  })

  it('huber is a parabola up to delta and a line beyond, with one derivative where they meet', () => {
    const x = doubles([0.5, 2, -2, 5])
    const l = loss.huber(x, doubles([0, 0, 0, 0]), { delta: 2, reduction: 'none' })
    expect([...l.dataSync()]).toEqual([0.125, 2, 2, 8])
    expect([...grad(l.sum(), x).dataSync()]).toEqual([0.5, 2, -2, 2])
  })

  it('regression losses refuse to broadcast', () => {
    const losses: ((predictions: Tensor, targets: Tensor) => Tensor)[] = [loss.mse, loss.l1, loss.huber]
    for (const f of losses)
      expect(() => f(tensor([[1], [2]]), tensor([1, 2]))).toThrow(/\[2, 1\] and targets \[2\] differ/)
  })
})
