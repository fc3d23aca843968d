/** Activations and special functions at the edges: values and gradients are finite wherever the function is. */

import { describe, expect, it } from 'vitest'
import * as t from '../../src/tensor/index.ts'
import { grad, type Tensor, tensor } from '../../src/tensor/index.ts'
import { forEachEngine } from '../support/backends.ts'
import { expectClose } from '../support/close.ts'
import { checkFirstOrder, checkSecondOrder } from '../support/derivative.ts'
import { randomOf } from '../support/random.ts'

const activations: { readonly [name: string]: (x: Tensor) => Tensor } = {
  relu: (x) => x.relu(),
  sigmoid: (x) => x.sigmoid(),
  tanh: (x) => x.tanh(),
  leakyRelu: t.leakyRelu,
  elu: t.elu,
  selu: t.selu,
  celu: t.celu,
  gelu: t.gelu,
  geluTanh: (x) => t.gelu(x, 'tanh'),
  silu: t.silu,
  mish: t.mish,
  softplus: t.softplus,
  softplusBeta: (x) => t.softplus(x, 3),
  logSigmoid: t.logSigmoid,
  hardTanh: t.hardTanh,
  hardSigmoid: t.hardSigmoid,
  hardSwish: t.hardSwish,
  relu6: t.relu6,
  softSign: t.softSign,
  tanhShrink: t.tanhShrink,
  hardShrink: t.hardShrink,
  threshold: (x) => t.threshold(x, 0.5, -1),
  softShrink: t.softShrink,
  sinc: t.sinc,
  logAddExp: (x) => t.logAddExp(x, x.neg()),
  hypot: (x) => t.hypot(x, x.mul(2)),
  softmax: (x) => x.softmax(),
}

forEachEngine(() => {
  const values = (x: Tensor): number[] => [...x.dataSync()]

  describe.each(Object.keys(activations))('%s', (name) => {
    const f = activations[name]
    it.each(['float32', 'float64'] as const)('is finite at 0, ±1e-30 and ±1e4 with its gradient, %s', (dtype) => {
      const x = tensor([0, -0, 1e-30, -1e-30, 100, -100, 1e4, -1e4], { dtype })
      const y = f(x)
      expect(values(y)).toSatisfy((v: number[]) => v.every(Number.isFinite))
      const first = grad(y.sum(), x)
      expect(values(first)).toSatisfy((v: number[]) => v.every(Number.isFinite))
      expect(values(grad(first.sum(), x))).toSatisfy((v: number[]) => v.every(Number.isFinite))
    })
    it('has the derivatives that differences give', () => {
      const at = [{ shape: [6], data: [-2.6, -1.3, -0.21, 0.17, 0.8, 2.2] }]
      checkFirstOrder(([x]) => [f(x)], at, randomOf(1))
      checkSecondOrder(([x]) => [f(x)], at, randomOf(2))
    })
    it('keeps NaN', () => {
      expect(f(tensor([NaN])).itemSync()).toBeNaN()
    })
  })

  it('softplus, logSigmoid and sigmoid are exact far out', () => {
    const x = tensor([800, -800, 40, -40], { dtype: 'float64' })
    expectClose(t.softplus(x), [800, 0, 40, Math.exp(-40)], 1e-16)
    expectClose(t.logSigmoid(x), [0, -800, -Math.exp(-40), -40], 1e-16)
    expectClose(grad(t.softplus(x).sum(), x), [1, 0, 1, Math.exp(-40)], 1e-16)
    expect(values(t.softplus(tensor([Infinity, -Infinity])))).toEqual([Infinity, 0])
    const zero = tensor([0])
    expect(grad(t.softplus(zero).sum(), zero).itemSync()).toBe(0.5)
  })

  it('sinc near 0: value and two derivatives', () => {
    const x = tensor([0, 1e-5, 0.05, 0.0955], { dtype: 'float64' })
    const at = values(x)
    const first = grad(t.sinc(x).sum(), x)
    expectClose(
      t.sinc(x),
      at.map((v) => (v === 0 ? 1 : Math.sin(Math.PI * v) / (Math.PI * v))),
      1e-15,
    )
    expectClose(
      first,
      at.map((v) => (-(Math.PI ** 2) / 3) * v + (Math.PI ** 4 / 30) * v ** 3 - (Math.PI ** 6 / 840) * v ** 5),
      1e-6,
    )
    expect(grad(first.sum(), x).dataSync()[0]).toBeCloseTo(-(Math.PI ** 2) / 3, 12)
  })

  it('hypot neither overflows nor loses small numbers, and its gradient at 0 is 0', () => {
    const [x, y] = [tensor([3e30, 3e-30, 0, -Infinity]), tensor([4e30, 4e-30, 0, 1])]
    const h = t.hypot(x, y)
    expectClose(h.div(tensor([1e30, 1e-30, 1, 1])), [5, 5, 0, Infinity], 1e-6)
    const [dx, dy] = grad(h.slice([0, 3]).sum(), [x, y])
    expectClose(dx, [0.6, 0.6, 0, 0], 1e-6)
    expectClose(dy, [0.8, 0.8, 0, 0], 1e-6)
  })

  it('logAddExp with infinities', () => {
    const x = tensor([-Infinity, -Infinity, Infinity, Infinity, 1000])
    const y = tensor([-Infinity, 3, 3, Infinity, 1000])
    expect(values(t.logAddExp(x, y))).toEqual([-Infinity, 3, Infinity, Infinity, Math.fround(1000 + Math.log(2))])
    const [dx, dy] = grad(t.logAddExp(x, y).sum(), [x, y])
    expect([...values(dx), ...values(dy)].every(Number.isFinite)).toBe(true)
  })

  it('xlogy is 0 where x is 0', () => {
    const [x, y] = [tensor([0, 0, 0, 2]), tensor([0, -1, Infinity, Math.E])]
    expect(values(t.xlogy(x, y)).slice(0, 3)).toEqual([0, 0, 0])
    expect(t.xlogy(x, y).dataSync()[3]).toBeCloseTo(2, 6)
    expect(t.xlogy(tensor([0]), tensor([NaN])).itemSync()).toBeNaN()
    const [dx, dy] = grad(t.xlogy(x, y).sum(), [x, y])
    expect([...values(dx), ...values(dy)].every(Number.isFinite)).toBe(true)
  })

  it('glu refuses an odd axis; prelu takes one slope per channel', () => {
    expect(() => t.glu(tensor([[1, 2, 3]]))).toThrow('glu: axis 1 of [1, 3] cannot be halved')
    const x = tensor([
      [[-1], [-2]],
      [[3], [-4]],
    ])
    expect(t.prelu(x, tensor([10, 100])).arraySync()).toEqual([
      [[-10], [-200]],
      [[3], [-400]],
    ])
  })
})
