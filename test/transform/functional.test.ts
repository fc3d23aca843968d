/** Derivatives as functions of functions: against the fixture, against each other, over trees; and what they refuse. */

import { describe, expect, it } from 'vitest'
import {
  compile,
  grad,
  hessian,
  hvp,
  jacobian,
  jvp,
  norm,
  stack,
  type Tensor,
  tensor,
  valueAndGrad,
  variable,
  vjp,
  vmap,
} from '../../src/tensor/index.ts'
import { toTensor } from '../conformance/fixture.ts'
import { scalarFunction, vectorFunction } from '../conformance/second-order.ts'
import { forEachBackend } from '../support/backends.ts'
import { expectClose } from '../support/close.ts'
import { normals, randomOf } from '../support/random.ts'
import { reference } from '../support/reference.ts'

const { second_order: known } = reference
const modes = ['reverse', 'forward'] as const

forEachBackend(() => {
  const draw = randomOf(5)
  const random = (...shape: number[]): Tensor =>
    tensor(
      new Float64Array(
        normals(
          draw,
          shape.reduce((n, d) => n * d, 1),
        ),
      ),
      { shape },
    )
  const values = (x: Tensor): number[] => [...x.dataSync()]

  describe('R56, R68: the fixture sin(v0·v1) + v1³·e^v2', () => {
    const [f, g] = [scalarFunction, vectorFunction]
    const at = (): Tensor => toTensor(known.at)

    it.each(modes)('Hessian, %s over reverse; symmetric to 1e-12', (mode) => {
      const h = hessian(f, { mode })(at())
      expectClose(h, known.hessian, 1e-10)
      expectClose(h, h.transpose(), 1e-12)
    })
    it.each(modes)('Hessian-vector product by %s mode', (mode) => {
      expectClose(hvp(f, [at()], [toTensor(known.hvp_vector)], { mode })[0], known.hvp, 1e-10)
    })
    it('both routes agree', () => {
      const [forward, reverse] = modes.map((mode) => hvp(f, [at()], [toTensor(known.hvp_vector)], { mode })[0])
      expectClose(forward, reverse, 1e-13)
    })
    it.each(modes)('Jacobian by %s mode, and the products with it', (mode) => {
      expectClose(jacobian(g, { mode })(at()), known.jacobian, 1e-10)
    })
    it('hessian = jacobian of grad, in all four orders', () => {
      for (const mode of modes) expectClose(jacobian(grad(f), { mode })(at()), known.hessian, 1e-10)
      for (const [outer, inner] of modes.flatMap((a) => modes.map((b) => [a, b] as const))) {
        const first = (v: Tensor): Tensor => jacobian(f, { mode: inner })(v)
        expectClose(jacobian(first, { mode: outer })(at()), known.hessian, 1e-10)
      }
    })
    it('compiled', () => {
      expectClose(compile(hessian(f))(at()), known.hessian, 1e-10)
      expectClose(compile(jacobian(g))(at()), known.jacobian, 1e-10)
    })
  })

  describe('valueAndGrad and grad of functions', () => {
    const loss = ({ w, b }: { w: Tensor; b: Tensor }, x: Tensor): Tensor => x.matmul(w).add(b).tanh().square().sum()

    it('the value and a gradient structured as the argument, as grad of values gives it', () => {
      const [w, b, x] = [random(3, 2), random(2), random(4, 3)]
      const [value, gradient] = valueAndGrad(loss)({ w, b }, x)
      expect(value.itemSync()).toBeCloseTo(loss({ w, b }, x).itemSync(), 12)
      const [dw, db, dx] = grad(loss({ w, b }, x), [w, b, x])
      expectClose(gradient.w, dw, 1e-12)
      expectClose(gradient.b, db, 1e-12)
      expectClose(grad(loss, 1)({ w, b }, x), dx, 1e-12)
    })
    it('passes other results on', () => {
      const x = random(3)
      const [[value, square, note], gradient] = valueAndGrad((a: Tensor): [Tensor, Tensor, string] => [
        a.sum(),
        a.square(),
        'kept',
      ])(x)
      expect([value.rank, note]).toEqual([0, 'kept'])
      expectClose(square, x.square(), 0)
      expect(values(gradient)).toEqual([1, 1, 1])
    })
    it('again and again: a third derivative', () => {
      const cube = (x: Tensor): Tensor => x.pow(4)
      const x = tensor(1.5, { dtype: 'float64' })
      expect(grad(grad(grad(cube)))(x).itemSync()).toBeCloseTo(24 * 1.5, 10)
    })
    it('of compiled functions and of variables, inside compiled functions', () => {
      const w = variable(random(3))
      const square = compile((x: Tensor) => x.mul(x).sum())
      expectClose(grad(square)(w), w.mul(2), 1e-12)
      expectClose(compile((x: Tensor) => grad(square)(x))(w), w.mul(2), 1e-12)
    })
  })

  describe('jacobian', () => {
    it.each(modes)('over trees, by %s mode: for each result, for each part of the argument', (mode) => {
      const f = ({ a, b }: { a: Tensor; b: Tensor }): { product: Tensor; pair: Tensor[] } => ({
        product: a.matmul(b),
        pair: [a.sum(0), b.square()],
      })
      const [a, b] = [random(2, 3), random(3)]
      const j = jacobian(f, { mode })({ a, b })
      expectClose(j.product.a.reshape([2, 6]), kronecker(b), 1e-12)
      expectClose(j.product.b, a, 1e-12)
      expect(j.pair[0].a.shape).toEqual([3, 2, 3])
      expectClose(j.pair[0].b, new Float64Array(9), 0)
      expectClose(j.pair[1].b, b.mul(2).unsqueeze(1).mul(identity(3)), 1e-12)
    })
    it('of scalars, of empty tensors and of the number of elements it has', () => {
      expect(jacobian((x: Tensor) => x.square())(tensor(3)).arraySync()).toBe(6)
      expect(jacobian((x: Tensor) => x.square())(tensor([], { shape: [0] })).shape).toEqual([0, 0])
      expect(jacobian((x: Tensor) => x.sum())(tensor([], { shape: [0] })).shape).toEqual([0])
    })
    it('maps and is mapped: the Jacobians of a batch', () => {
      const x = random(5, 3)
      const f = (v: Tensor): Tensor => stack([v.at(0).mul(v.at(1)), v.exp().sum()])
      const all = vmap(jacobian(f))(x)
      expect(all.shape).toEqual([5, 2, 3])
      for (let i = 0; i < 5; i++) expectClose(all.at(i), jacobian(f)(x.at(i)), 1e-12)
      const second = vmap(hessian((v: Tensor) => v.prod()))(x)
      for (let i = 0; i < 5; i++) expectClose(second.at(i), hessian((v: Tensor) => v.prod())(x.at(i)), 1e-12)
    })
  })

  describe('hvp', () => {
    it('by several arguments, some of which do not move', () => {
      const f = (a: Tensor, b: Tensor): Tensor => a.square().mul(b.pow(3)).sum()
      const [a, b, v] = [random(2), random(2), random(2)]
      for (const mode of modes) {
        const [ha, hb] = hvp(f, [a, b], [v, null], { mode })
        expectClose(ha, b.pow(3).mul(2).mul(v), 1e-12)
        expectClose(hb, a.mul(6).mul(b.square()).mul(v), 1e-12)
      }
    })
    it('of a network equals its Hessian times the vector', () => {
      const x = random(6, 3)
      const f = (w: Tensor): Tensor =>
        x
          .matmul(w.reshape([3, 2]))
          .tanh()
          .logSumExp(1)
          .sum()
      const [w, v] = [random(6), random(6)]
      const product = hessian(f)(w).matmul(v)
      for (const mode of modes) expectClose(hvp(f, [w], [v], { mode })[0], product, 1e-10)
      expectClose(jvp(grad(f), [w], [v])[1], product, 1e-10)
      expectClose(vjp([grad(f)(w)], [v], [w])[0], product, 1e-10)
    })
  })

  describe('R56, R68 at work', () => {
    const features = random(7, 3)
    const network = (w: Tensor): Tensor => features.matmul(w.reshape([3, 2])).tanh()

    it('Gauss–Newton products: Jᵀ H J v from forward and reverse mode, without a matrix', () => {
      const cost = (y: Tensor): Tensor => y.logSumExp(1).sum()
      const [w, v] = [random(6), random(6)]
      const [y, along] = jvp(network, [w], [v])
      const [curved] = hvp(cost, [y], [along])
      const [product] = vjp([network(w)], [curved], [w])
      const j = jacobian(network)(w).reshape([14, 6])
      const h = hessian(cost)(y).reshape([14, 14])
      expectClose(product, j.transpose().matmul(h).matmul(j).matmul(v), 1e-10)
    })

    it("MAML: the gradient through an inner step, for all tasks at once, equals a loop's and differences", () => {
      const loss = (w: Tensor, target: Tensor): Tensor => network(w).sub(target).square().mean()
      const after = (w: Tensor, target: Tensor): Tensor => loss(w.sub(grad(loss)(w, target).mul(0.3)), target)
      const meta = (w: Tensor): Tensor => vmap(after, { in: [null, 0] })(w, targets).sum()
      const [w, targets, v] = [random(6), random(4, 7, 2), random(6)]
      const found = grad(meta)(w)
      const looped = [0, 1, 2, 3].map((i) => grad(after)(w, targets.at(i))).reduce((a, b) => a.add(b))
      expectClose(found, looped, 1e-12)
      const at = (distance: number): number => meta(w.add(v.mul(distance))).itemSync()
      const numeric = (8 * (at(1e-3) - at(-1e-3)) - (at(2e-3) - at(-2e-3))) / 12e-3
      expect(found.dot(v).itemSync()).toBeCloseTo(numeric, 8)
      // The first-order shortcut, which takes the inner gradient as a constant, is another one.
      const still = (u: Tensor): Tensor => loss(u.sub(grad(loss)(u, targets.at(0)).detach().mul(0.3)), targets.at(0))
      const shortcut = grad(still)(w)
      expect(values(shortcut)).not.toEqual(values(grad(after)(w, targets.at(0))))
    })

    it('a gradient penalty by every weight, against differences', () => {
      const penalty = (w: Tensor): Tensor =>
        vmap((x: Tensor) =>
          norm(
            grad((z: Tensor) =>
              z
                .matmul(w.reshape([3, 2]))
                .tanh()
                .sum(),
            )(x),
          )
            .sub(1)
            .square(),
        )(features).sum()
      const [w, v] = [random(6), random(6)]
      const at = (distance: number): number => penalty(w.add(v.mul(distance))).itemSync()
      const numeric = (8 * (at(1e-3) - at(-1e-3)) - (at(2e-3) - at(-2e-3))) / 12e-3
      expect(grad(penalty)(w).dot(v).itemSync()).toBeCloseTo(numeric, 6)
    })
  })

  const identity = (n: number): Tensor => jacobian((x: Tensor) => x.mul(1))(random(n))
  /** The Jacobian of a ↦ a·b by a. */
  const kronecker = (b: Tensor): Tensor =>
    stack([0, 1].map((i) => stack([0, 1].map((k) => (k === i ? b : b.mul(0)))).flatten()))
})

describe('refused', () => {
  it.each<[string, () => unknown, string]>([
    ['a gradient of what is no scalar', () => grad((x: Tensor) => x)(tensor([1, 2])), 'it must be a scalar'],
    [
      'a gradient by integers',
      () => grad((x: Tensor) => x.sum().cast('float32'))(tensor([1], { dtype: 'int32' })),
      'grad: cannot differentiate with respect to int32 [1]',
    ],
    [
      'an argument that was not given',
      () => grad((x: Tensor) => x.sum(), 1 as 0)(tensor([1])),
      'grad: argument 1 of 1: the function was not given it',
    ],
    [
      'a tensor without tensors to differentiate by',
      () => (grad as unknown as (x: Tensor) => unknown)(tensor(1)),
      'grad: of a tensor it needs the tensors to differentiate by',
    ],
    [
      'a Jacobian of integers',
      () => jacobian((x: Tensor) => x.cast('int32'))(tensor([1])),
      'jacobian: a result is int32, it must be float32 or float64',
    ],
  ])('%s', (_, f, message) => {
    expect(f).toThrow(message)
  })
})
