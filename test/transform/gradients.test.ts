/** Gradients as graphs: of any order, with respect to any node, stopped, replaced, refused. */

import { describe, expect, it } from 'vitest'
import {
  customGradient,
  grad,
  noGrad,
  ones,
  stack,
  type Tensor,
  tensor,
  variable,
  vjp,
  zeros,
} from '../../src/tensor/index.ts'
import { toTensor } from '../conformance/fixture.ts'
import { scalarFunction, vectorFunction } from '../conformance/second-order.ts'
import { forEachBackend } from '../support/backends.ts'
import { expectClose } from '../support/close.ts'
import { reference } from '../support/reference.ts'

const f64 = (values: number | number[]): Tensor =>
  tensor(new Float64Array(Array.isArray(values) ? values : [values]), {
    shape: Array.isArray(values) ? [values.length] : [],
  })

forEachBackend(() => {
  const values = (x: Tensor): number[] => [...x.dataSync()]

  describe('higher orders', () => {
    it('sin four times round', () => {
      const x = f64([0.3, -1.2, 2])
      let y = x.sin()
      for (const f of [Math.cos, (v: number) => -Math.sin(v), (v: number) => -Math.cos(v), Math.sin]) {
        y = grad(y.sum(), x)
        expectClose(y, values(x).map(f), 1e-14)
      }
    })

    it('x⁴ down to 0', () => {
      const x = f64([1.5, -2])
      let y = x.pow(4)
      for (const f of [
        (v: number) => 4 * v ** 3,
        (v: number) => 12 * v ** 2,
        (v: number) => 24 * v,
        () => 24,
        () => 0,
      ]) {
        y = grad(y.sum(), x)
        expectClose(y, values(x).map(f), 1e-13)
      }
    })

    it('a gradient penalty: the gradient of a function of a gradient', () => {
      const [x, w] = [f64([1, 2, 3]), f64([0.5, -1, 2])]
      const dx = grad(x.mul(w).sum().tanh(), x)
      const penalty = dx.square().sum()
      const step = 1e-6
      const at = (shift: number): number => {
        const moved = w.add(f64([shift, 0, 0]))
        return grad(x.mul(moved).sum().tanh(), x).square().sum().itemSync()
      }
      const numeric = (at(step) - at(-step)) / (2 * step)
      expect(grad(penalty, w).dataSync()[0]).toBeCloseTo(numeric, 8)
    })
  })

  describe('the fixture: sin(v0·v1) + v1³·e^v2', () => {
    const { second_order: known } = reference
    const [f, g] = [scalarFunction, vectorFunction]
    const unit = (i: number): Tensor => f64([0, 1, 2].map((k) => (k === i ? 1 : 0)))

    it('value, Hessian and Hessian-vector product by differentiating the gradient', () => {
      const v = toTensor(known.at)
      expect(f(v).itemSync()).toBeCloseTo(known.value, 14)
      const first = grad(f(v), v)
      const hessian = stack([0, 1, 2].map((i) => grad(first.at(i), v)))
      expectClose(hessian, known.hessian, 1e-12)
      const direction = toTensor(known.hvp_vector)
      expectClose(grad(first.mul(direction).sum(), v), known.hvp, 1e-12)
      expectClose(vjp([first], [direction], [v])[0], known.hvp, 1e-12)
    })

    it('Jacobian by rows, and both products with it', () => {
      const v = toTensor(known.at)
      const rows = [0, 1, 2].map((i) => vjp([g(v)], [unit(i)], [v])[0])
      expectClose(stack(rows), known.jacobian, 1e-12)
      // The vector-Jacobian product is linear in its cotangent: transposed once more it is the Jacobian-vector product.
      const cotangent = zeros([3], 'float64')
      const direction = toTensor(known.hvp_vector)
      const product = (u: Tensor): Tensor => vjp([g(v)], [u], [v])[0]
      const seeded = cotangent.add(f64([0, 0, 0]))
      const jvp = vjp([product(seeded)], [direction], [seeded])[0]
      const jv = stack(rows).matmul(direction)
      expectClose(jvp, jv, 1e-14)
      // ⟨u, Jv⟩ = ⟨Jᵀu, v⟩
      const u = f64([0.3, -2, 1.1])
      expect(u.mul(jvp).sum().itemSync()).toBeCloseTo(product(u).mul(direction).sum().itemSync(), 12)
    })
  })

  describe('with respect to', () => {
    it('inputs, variables and values in between, in one call', () => {
      const [x, w] = [tensor([1, 2]), variable(tensor([3, 4]))]
      const hidden = x.mul(w)
      const y = hidden.square().sum()
      const [dx, dw, dh] = grad(y, [x, w, hidden])
      expect(values(dx)).toEqual([18, 64])
      expect(values(dw)).toEqual([6, 32])
      expect(values(dh)).toEqual([6, 16])
    })

    it('a value inside a choice, whose own making needs a guard', () => {
      const [x, isChosen] = [f64([4, 9]), f64([1, -1]).greater(0)]
      const root = x.sqrt().log().add(0)
      const y = isChosen.where(root.mul(3), 0).sum()
      const [dx, dr] = grad(y, [x, root])
      expect(values(dr)).toEqual([3, 0])
      // Seen apart, the root is a value of its own.
      expect(values(dx)).toEqual([3 / 8, 0])
    })

    it('the output itself, and what the output does not depend on', () => {
      const [x, other] = [tensor([1, 2]), tensor([[1]])]
      const y = x.sum()
      const [dy, none] = grad(y, [y, other])
      expect(dy.arraySync()).toBe(1)
      expect(none.arraySync()).toEqual([[0]])
      expect(none.dtype).toBe('float32')
    })

    it('a value used several times: the gradients add up', () => {
      const x = tensor([2])
      const shared = x.square()
      expect(grad(shared.add(shared.mul(3)).sum(), x).itemSync()).toBe(16)
      expect(grad(x.add(x).add(x).sum(), x).itemSync()).toBe(3)
      // Shared within a diamond: both a node and what it is made of.
      const [dx, ds] = grad(shared.mul(x).sum(), [x, shared])
      expect([dx.itemSync(), ds.itemSync()]).toEqual([12, 2])
    })

    it('a parameter that is used twice gets the sum of both uses', () => {
      const w = variable(
        tensor([
          [1, 2],
          [3, 4],
        ]),
      )
      const x = tensor([[1, 0]])
      const tied = grad(x.matmul(w).matmul(w).sum(), w)
      const [first, second] = [variable(w.add(0)), variable(w.add(0))]
      const [a, b] = grad(x.matmul(first).matmul(second).sum(), [first, second])
      expect(values(tied)).toEqual(values(a.add(b)))
    })

    it('twice the seed is twice every gradient, exactly', () => {
      const x = tensor([0.1, -0.7, 3])
      const y = x.softmax().log()
      const [one] = vjp([y], [tensor([1, 2, 3])], [x])
      const [two] = vjp([y], [tensor([2, 4, 6])], [x])
      expect(values(two)).toEqual(values(one).map((v) => 2 * v))
    })

    it('float64 through float32 and back: the gradient has the type of its input', () => {
      const x = tensor([1, 2], { dtype: 'float64' })
      const y = x.cast('float32').square().sum()
      const gradient = grad(y, x)
      expect(gradient.dtype).toBe('float64')
      expect(values(gradient)).toEqual([2, 4])
      const mixed = tensor([3, 4])
      const [dx, dm] = grad(x.mul(mixed).sum(), [x, mixed])
      expect([dx.dtype, dm.dtype]).toEqual(['float64', 'float32'])
    })

    it('no gradient flows through integers, comparisons and indices', () => {
      const x = tensor([1.5, 2.5])
      expect(values(grad(x.cast('int32').cast('float32').mul(x).sum(), x))).toEqual([1, 2])
      expect(values(grad(x.greater(2).where(x, 0).sum(), x))).toEqual([0, 1])
      expect(values(grad(x.take(x.argmax().unsqueeze(0)).sum(), x))).toEqual([0, 1])
      expect(values(grad(x.round().add(x.floor()).add(x.sign()).sum(), x))).toEqual([0, 0])
    })
  })

  describe('stopped', () => {
    it('by detach and stopGradient', () => {
      const x = tensor([3])
      expect(grad(x.detach().mul(x).sum(), x).itemSync()).toBe(3)
      expect(grad(x.mul(2).stopGradient().sum(), x).itemSync()).toBe(0)
      expect(x.detach().itemSync()).toBe(3)
    })
    it('by noGrad, which returns what its function returns', () => {
      const x = tensor([3])
      const factor = noGrad(() => x.square())
      expect(grad(factor.mul(x).sum(), x).itemSync()).toBe(9)
      expect(() =>
        noGrad(() => {
          throw new Error('inside')
        }),
      ).toThrow('inside')
      expect(grad(x.square().sum(), x).itemSync()).toBe(6)
    })
    it('beyond a node that was differentiated with respect to, not before it', () => {
      const x = tensor([2])
      const cut = x.square().detach()
      expect(grad(cut.mul(3).sum(), cut).itemSync()).toBe(3)
    })
  })

  describe('customGradient', () => {
    it('straight-through rounding', () => {
      const round = customGradient(
        (x) => x.round(),
        (g) => [g],
      )
      const x = tensor([0.4, 1.6])
      expect(values(round(x))).toEqual([0, 2])
      expect(
        values(
          grad(
            round(x)
              .mul(tensor([10, 20]))
              .sum(),
            x,
          ),
        ),
      ).toEqual([10, 20])
    })
    it('is differentiated again, by its own derivative', () => {
      const sine = customGradient(
        (x) => x.sin(),
        (g, [x]) => [g.mul(x.cos())],
      )
      const x = f64(0.7)
      const first = grad(sine(x), x)
      expect(first.itemSync()).toBeCloseTo(Math.cos(0.7), 14)
      expect(grad(first, x).itemSync()).toBeCloseTo(-Math.sin(0.7), 14)
    })
    it('with several inputs, the result, and null for "none"', () => {
      const f = customGradient(
        (x, y) => x.mul(y).exp(),
        (g, [, y], result) => [g.mul(result).mul(y), null],
      )
      const [x, y] = [f64([0.5]), f64([2])]
      const [dx, dy] = grad(f(x, y).sum(), [x, y])
      expect(dx.itemSync()).toBeCloseTo(2 * Math.E, 12)
      expect(dy.itemSync()).toBe(0)
    })
    it('keeps the inputs of its forward pass, though a variable was assigned since', () => {
      const w = variable(tensor([2]))
      const double = customGradient(
        (x) => x.square(),
        (g, [x]) => [g.mul(x).mul(2)],
      )
      const x = tensor([5])
      const y = double(x.mul(w)).sum()
      expect(grad(y, x).itemSync()).toBe(40)
    })
    it('refuses another number or shape of cotangents', () => {
      const x = tensor([1, 2])
      const wrongCount = customGradient(
        (a) => a.mul(2),
        (g) => [g, g],
      )
      expect(() => grad(wrongCount(x).sum(), x)).toThrow('custom gradient: returned 2 cotangents for 1 inputs')
      const wrongShape = customGradient(
        (a) => a.mul(2),
        (g) => [g.sum()],
      )
      expect(() => grad(wrongShape(x).sum(), x)).toThrow('custom gradient: cotangent 0 has shape [], its input [2]')
      const wrongType = customGradient(
        (a) => a.mul(2),
        (g) => [g.cast('float64')],
      )
      expect(() => grad(wrongType(x).sum(), x)).toThrow('custom gradient: cotangent 0 is float64, its input float32')
    })
  })

  describe('variables', () => {
    it('assigned since the output was built: its gradient is refused, its value is that of before', () => {
      const w = variable(tensor([1, 2]), { name: 'weight' })
      const y = w.square().sum()
      w.assign(tensor([3, 4]))
      expect(() => grad(y, w)).toThrow(
        "grad: variable 'weight' was assigned after the output was built from it: build the output again",
      )
      expect(y.itemSync()).toBe(5)
      expect(values(grad(w.square().sum(), w))).toEqual([6, 8])
    })
    it('keep their values when they were computed before the assignment', () => {
      const w = variable(tensor([1, 2]))
      const y = w.add(1)
      expect(values(y)).toEqual([2, 3])
      w.assign(tensor([5, 6]))
      expect(values(y)).toEqual([2, 3])
      expect(values(w.add(1))).toEqual([6, 7])
    })
    it('take values of their own shape and dtype only', () => {
      const w = variable(tensor([1, 2]), { name: 'w' })
      const short: Tensor = tensor([1])
      expect(() => w.assign(short)).toThrow("variable 'w': the variable is [2], the value [1]: they must be equal")
      expect(() => w.assign(tensor([1, 2], { dtype: 'int32' }))).toThrow(
        "variable 'w': the variable is float32, the value int32: cast it with cast('float32')",
      )
      expect(() => w.assign(new Float32Array(3))).toThrow("variable 'w' [2]: cannot assign 3 elements")
      w.assign(new Float32Array([7, 8]))
      expect(values(w)).toEqual([7, 8])
      w.assign(w.mul(2))
      expect(values(w)).toEqual([14, 16])
    })
    it('one variable takes the value of another, and they stay apart', () => {
      const [a, b] = [variable(tensor([1, 2])), variable(tensor([3, 4]))]
      a.assign(b)
      b.assign(tensor([9, 9]))
      expect(values(a)).toEqual([3, 4])
    })
  })
})

describe('refused', () => {
  const x = ones([2, 3])
  it.each([
    [
      'an output that is no scalar',
      () => grad(x, x),
      'grad: the output has shape [2, 3], it must be a scalar: use sum() or mean(), or vjp',
    ],
    [
      'an output of integers',
      () => grad(ones([], 'int32'), x),
      'grad: the output is int32, it must be float32 or float64',
    ],
    [
      'integers to differentiate by',
      () => grad(x.sum(), ones([3], 'int32')),
      'grad: cannot differentiate with respect to int32 [3]: cast it to float32 first',
    ],
    [
      'a cotangent of another shape',
      () => vjp([x], [ones([3])], [x]),
      'vjp: output 0 has shape [2, 3], its cotangent [3]: they must be equal',
    ],
    [
      'a cotangent of another dtype',
      () => vjp([x], [ones([2, 3], 'float64')], [x]),
      'vjp: output 0 is float32, its cotangent float64: they must be equal',
    ],
    ['fewer cotangents than outputs', () => vjp([x, x], [x], [x]), 'vjp: 2 outputs and 1 cotangents'],
  ])('%s', (_, f, message) => {
    expect(f).toThrow(message)
  })
})
