/** stabilize: every rule keeps the function and its derivatives, and makes them finite where they were not (R22, R29, R49, R70–R72). */

import { beforeEach, describe, expect, it } from 'vitest'
import * as loss from '../../src/loss/index.ts'
import * as nn from '../../src/nn/index.ts'
import * as t from '../../src/tensor/index.ts'
import { configure, grad, stabilizations, type Tensor, tensor, variable, vjp } from '../../src/tensor/index.ts'
import { rules } from '../../src/transform/stability/rules.ts'
import { stabilize } from '../../src/transform/stability/stabilize.ts'
import { forEachEngine } from '../support/backends.ts'
import { expectClose } from '../support/close.ts'
import { normals, randomOf } from '../support/random.ts'
import { examples, grid } from '../support/stability-examples.ts'

const values = (x: Tensor): number[] => [...x.dataSync()]
const f64 = (v: readonly number[]): Tensor => tensor(v, { dtype: 'float64' })

interface Derivatives {
  readonly value: number[]
  readonly first: number[]
  readonly second: number[]
}

function derivatives(f: (x: Tensor) => Tensor, at: readonly number[], dtype: 'float32' | 'float64'): Derivatives {
  const x = tensor(at, { dtype })
  const y = f(x)
  const first = grad(y.mul(cotangent(y.size, dtype).reshape(y.shape)).sum(), x)
  const second = grad(first.mul(cotangent(at.length, dtype)).sum(), x)
  return { value: values(y), first: values(first), second: values(second) }
}
const cotangent = (size: number, dtype: 'float32' | 'float64'): Tensor =>
  tensor(
    Array.from({ length: size }, (_, i) => 1 + (i % 3) / 4),
    { dtype },
  )

const without = <T>(f: () => T): T => {
  configure({ stabilize: false })
  try {
    return f()
  } finally {
    configure({ stabilize: true })
  }
}

it('every rule has an example', () => {
  expect(new Set(examples.map((e) => e.rule))).toEqual(new Set(rules.map((r) => r.name)))
})

forEachEngine(({ backend }) => {
  beforeEach(() => configure({ stabilize: true }))

  describe.each(examples)('$rule: $code', ({ f, fails, points = grid }) => {
    // Beside the grid, numbers without a pattern.
    const usual = points.filter((x) => Math.abs(x) <= 10 && Math.abs(x) >= 0.5)
    const random = normals(randomOf(5), 6).filter((x) => points.some((p) => Math.sign(p) === Math.sign(x)))

    it('is the same function, with the same derivatives, where the original is finite', () => {
      const at = [...usual, ...random]
      const [before, after] = [without(() => derivatives(f, at, 'float64')), derivatives(f, at, 'float64')]
      for (const order of ['value', 'first', 'second'] as const) {
        const isKnown = before[order].map((v) => Number.isFinite(v))
        const known = (list: readonly number[]): number[] => list.filter((_, i) => isKnown[i])
        expect(known(before[order]).length).toBeGreaterThan(0)
        expectClose(known(after[order]), known(before[order]), 1e-9, order)
      }
    })

    it.each(['float32', 'float64'] as const)('is finite over the grid, with both derivatives, %s', (dtype) => {
      const after = derivatives(f, points, dtype)
      for (const order of ['value', 'first', 'second'] as const)
        expect(after[order], order).toSatisfy((v: number[]) => v.every(Number.isFinite))
    })

    it('fails without, or loses digits', () => {
      const numbers = (): number[] => {
        const { value, first } = derivatives(f, fails, 'float32')
        return [...value, ...first]
      }
      const exact = derivatives(f, fails, 'float64')
      const truth = [...exact.value, ...exact.first]
      // Numbers that float32 holds with fewer digits count as 0.
      const error = (list: readonly number[]): number =>
        Math.max(
          ...list.map((v, i) => (Math.abs(v - truth[i]) < 1e-37 ? 0 : Math.abs(v - truth[i]) / Math.abs(truth[i]))),
        )
      const before = without(numbers)
      expect(before.some((v) => !Number.isFinite(v)) || error(before) > 1e-3, before.join()).toBe(true)
      const after = numbers()
      expect(after).toSatisfy((v: number[]) => v.every(Number.isFinite))
      expect(error(after), after.join()).toBeLessThan(1e-4)
    })
  })

  it.each(examples)('$rule: $code is reported', ({ rule, f, fails }) => {
    if (backend !== 'reference') return
    const report = stabilizations(f(tensor(fails)))
    expect(report.rewritten.map((s) => s.rule)).toContain(rule)
    expect(report.leftAlone).toEqual([])
  })

  describe('losses from the wrong blocks', () => {
    const z = [1000, -1000, 40, -40, 2, 0]
    it('binary cross entropy of a sigmoid, written out (R22)', () => {
      const x = f64([1000, -1000, -40, 2])
      const target = f64([0, 1, 0, 1])
      const p = x.sigmoid()
      const l = target
        .mul(p.log())
        .add(target.neg().add(1).mul(p.neg().add(1).log()))
        .neg()
      const expected = [1000, 1000, 4.248354255291589e-18, 0.1269280110429725]
      values(l).forEach((v, i) => {
        expect(v / expected[i]).toBeCloseTo(1, 12)
      })
      const gradient = values(grad(l.sum(), x))
      expect(gradient.slice(0, 2)).toEqual([1, -1])
      expect(gradient[2] / 4.248354255291589e-18).toBeCloseTo(1, 12)
    })
    it('binaryCrossEntropy of a sigmoid: warns, as its gradient was given for probabilities (R22)', () => {
      const x = f64([3, -2])
      const report = stabilizations(loss.binaryCrossEntropy(x.sigmoid(), f64([1, 0])))
      expect(report.leftAlone.map((s) => s.rule)).toEqual(['log of sigmoid', 'log1p of −sigmoid'])
      expect(String(report)).toContain('start from the logits instead')
      expect(stabilizations(loss.sigmoidBinaryCrossEntropy(x, f64([1, 0]))).leftAlone).toEqual([])
    })
    it('negative log likelihood of the logarithm of a softmax (R29)', () => {
      const x = tensor([[1, 2, 3]], { dtype: 'float64' })
      const label = tensor(new Int32Array([0]))
      const l = loss.nll(x.softmax().log(), label)
      expect(l.itemSync()).toBeCloseTo(2.40760596444438, 12)
      expectClose(grad(l, x), [-0.9099694268296196, 0.24472847105479764, 0.6652409557748219], 1e-12)
      const far = tensor([z], { dtype: 'float64' })
      const other = loss.nll(far.softmax().log(), label.add(1))
      expect(other.itemSync()).toBe(2000)
      expect(values(grad(other, far))).toEqual([1, -1, 0, 0, 0, 0])
    })
    it('twice the seed is twice the gradient, exactly (R71)', () => {
      const x = tensor([0.1, -0.7, 3])
      const y = x.softmax().log()
      const [one] = vjp([y], [tensor([1, 2, 3])], [x])
      const [two] = vjp([y], [tensor([2, 4, 6])], [x])
      expect(values(two)).toEqual(values(one).map((v) => 2 * v))
    })
  })

  describe('compiled', () => {
    it('is as stable as built eagerly', () => {
      const f = t.compile((x: Tensor) => {
        const y = x.softmax().log()
        return [y, grad(y.sum(), x)]
      })
      const [y, g] = f(tensor([0, 1e4, -1e4]))
      expect(values(y)).toEqual([-1e4, 0, -2e4])
      expect(values(g)).toEqual([1, -2, 1])
    })
    it('does not look behind a value that is assigned', () => {
      const p = variable(tensor([0.5, 0.5]))
      const f = t.compile((x: Tensor) => {
        p.assign(x.softmax())
        return p.log()
      })
      expect(values(f(tensor([1000, 0])))).toEqual([0, -Infinity])
      expect(values(p)).toEqual([1, 0])
    })
  })

  describe('barriers', () => {
    it('what was read is a number', () => {
      const x = tensor([1000, 0])
      const p = x.softmax()
      const y = p.log()
      expect(values(p)).toEqual([1, 0])
      expect(values(y)).toEqual([0, -Infinity])
      const report = stabilizations(y)
      expect(report.rewritten).toEqual([])
      expect(report.leftAlone.map((s) => s.rule)).toEqual(['log of softmax'])
      expect(String(report)).toMatch(
        /^log of softmax: log\(softmax\(x\)\) is left alone at log\(div\(.* float32 \[2\], though/,
      )
    })
    it('what is differentiated with respect to keeps its gradient', () => {
      const x = f64([1, 2])
      const p = x.exp()
      const y = p
        .log()
        .mul(f64([3, 4]))
        .sum()
      const [dp, dx] = grad(y, [p, x])
      expectClose(dp, [3 / Math.E, 4 / Math.E ** 2], 1e-14)
      expectClose(dx, [3, 4], 1e-14)
      expect(stabilizations(y, [p]).leftAlone).toHaveLength(1)
      // Without p among them the logarithm is seen through.
      expect(values(grad(y, x))).toEqual([3, 4])
    })
    it('of a node that is rewritten to its own input', () => {
      const x = f64([0.5])
      const h = x.exp().log()
      const y = h.square().add(x).sum()
      const [dh, dx] = grad(y, [h, x])
      expect([dh.itemSync(), dx.itemSync()]).toEqual([1, 2])
    })
    it('leave second derivatives by values in between', () => {
      const x = f64([0.5, 2])
      const h = x.exp().add(1).log()
      const y = h.sin().sum()
      const first = grad(y, h)
      expectClose(first, values(h).map(Math.cos), 1e-14)
      expectClose(
        grad(first.sum(), h),
        values(h).map((v) => -Math.sin(v)),
        1e-14,
      )
      // The gradient by x still knows h, though its graph was stabilized.
      const dx = grad(y, x)
      const again = grad(dx.sum(), h)
      const sigmoid = values(x).map((v) => 1 / (1 + Math.exp(-v)))
      expectClose(
        again,
        values(h).map((v, i) => -Math.sin(v) * sigmoid[i]),
        1e-13,
      )
    })
    it('inside of a branch that is guarded', () => {
      const x = f64([2, 3, -1])
      const h = x.mul(2)
      const y = x.greater(0).where(h.sqrt().mul(h), 0)
      const slopes = values(h).map((v) => (v > 0 ? 1.5 * Math.sqrt(v) : 0))
      expectClose(grad(y.sum(), h), slopes, 1e-14)
      expectClose(
        grad(y.sum(), x),
        slopes.map((v) => 2 * v),
        1e-14,
      )
    })
    it('a stopped gradient stays stopped', () => {
      const x = f64([0.3, 0.8])
      expect(values(grad(x.softmax().detach().log().sum(), x))).toEqual([0, 0])
      expect(values(grad(x.exp().detach().log().mul(x).sum(), x))).toEqual(values(x.exp().detach().log()))
    })
    it('a gradient that was given stays', () => {
      const through = t.customGradient(
        (x) => x.exp(),
        (g) => [g],
      )
      const x = f64([2])
      // d/dx log(through(x)) = 1 / exp(x) by the given derivative, not 1.
      expect(grad(through(x).log().sum(), x).itemSync()).toBeCloseTo(Math.exp(-2), 14)
    })
  })

  describe('inside of', () => {
    const x = f64([1000, -1000, 1])
    const naive = (v: Tensor): Tensor => v.exp().add(1).log()
    const gradient = [1, 0, 1 / (1 + Math.exp(-1))]
    it('a scan', () => {
      const [total] = t.scan((sum: Tensor, v: Tensor) => [sum.add(naive(v)), undefined], f64([0]).sum(), x)
      expect(total.itemSync()).toBeCloseTo(1000 + Math.log1p(Math.E), 10)
      expectClose(grad(total, x), gradient, 1e-14)
    })
    it('a conditional', () => {
      const y = t.cond(x.sum().greater(0), naive, (v: Tensor) => v.neg(), x) as Tensor
      expectClose(y, [1000, 0, Math.log1p(Math.E)], 1e-14)
      expectClose(grad(y.sum(), x), gradient, 1e-14)
    })
    it('a loop', () => {
      const y = t.whileLoop(
        (v: Tensor) => v.sum().less(2000),
        (v: Tensor) => naive(v).mul(2),
        x.slice([0, 1]),
        {
          maximum: 3,
        },
      ) as Tensor
      expect(values(y)).toEqual([2000])
      expect(values(grad(y.sum(), x))).toEqual([2, 0, 0])
    })
    it('a checkpoint', () => {
      const y = t.checkpoint(naive)(x)
      expectClose(y, [1000, 0, Math.log1p(Math.E)], 1e-14)
      expectClose(grad(y.sum(), x), gradient, 1e-14)
    })
    it('vmap, jvp and a Hessian', () => {
      expectClose(t.vmap(naive)(x), [1000, 0, Math.log1p(Math.E)], 1e-14)
      expectClose(t.jvp(naive, [x], [t.onesLike(x)])[1] as Tensor, gradient, 1e-14)
      const hessian = t.hessian((v: Tensor) => naive(v).sum())(x) as Tensor
      const last = gradient[2] * (1 - gradient[2])
      expectClose(hessian, [0, 0, 0, 0, 0, 0, 0, 0, last], 1e-14)
    })
  })

  it('leaves what the library makes as it is', () => {
    const x = tensor(new Float32Array(24), { shape: [2, 3, 4] })
    const made = [
      x.softmax(),
      x.logSoftmax(),
      x.logSumExp(-1),
      x.std(-1),
      t.norm(x),
      t.gelu(x),
      t.silu(x),
      t.softplus(x),
      t.logSigmoid(x),
      t.elu(x),
      t.logAddExp(x, x.neg()),
      nn.functional.layerNorm(x, [4]),
      nn.functional.scaledDotProductAttention(x, x, x, { causal: true }),
      loss.softmaxCrossEntropy(x, t.zeros([2, 4], 'int32'), { labelSmoothing: 0.1 }),
      loss.sigmoidBinaryCrossEntropy(x, t.zerosLike(x)),
    ]
    for (const y of made) {
      expect(String(stabilizations(y))).toBe('nothing to stabilize')
      expect(stabilize([y.node, grad(y.sum(), x).node], { mode: 'value' }).changed).toBe(false)
    }
  })

  it('is looked through without gradients, too', () => {
    const y = t.noGrad(() => tensor([0, 1000]).softmax().log())
    expect(values(y)).toEqual([-1000, 0])
  })

  it('can be turned off', () => {
    const f = (): number[] => values(tensor([100]).exp().log())
    expect(f()).toEqual([100])
    expect(without(f)).toEqual([Infinity])
    expect(f()).toEqual([100])
  })
})
