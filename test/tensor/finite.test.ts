/** Every shipped function and its gradient is finite wherever its mathematics is, up to ±1e4 and at infinity. */

import { describe, expect, it } from 'vitest'
import * as loss from '../../src/loss/index.ts'
import * as nn from '../../src/nn/index.ts'
import * as t from '../../src/tensor/index.ts'
import { grad, type Tensor, tensor } from '../../src/tensor/index.ts'
import { forEachEngine } from '../support/backends.ts'
import { type Exception, finiteTable, points } from '../support/finite-table.ts'

const values = (x: Tensor): number[] => [...x.dataSync()]
const show = (x: number): string => (Object.is(x, -0) ? '-0' : String(x))

/** The points at which value or gradient is not what one may ask. */
function failures(f: (x: Tensor) => Tensor, at: readonly number[], dtype: 'float32' | 'float64'): Set<string> {
  const x = tensor(at, { dtype })
  const y = f(x)
  const [value, gradient] = [values(y), values(grad(y.sum(), x))]
  const found = new Set<string>()
  at.forEach((p, i) => {
    // At infinity a value may be infinite, too.
    if (!Number.isFinite(value[i]) && (Number.isFinite(p) || Number.isNaN(value[i]))) found.add(`value at ${show(p)}`)
    if (!Number.isFinite(gradient[i])) found.add(`gradient at ${show(p)}`)
  })
  return found
}

const expected = (exceptions: readonly Exception[], at: readonly number[], dtype: string): Set<string> =>
  new Set(
    exceptions
      .filter((e) => !e.dtype || e.dtype === dtype)
      .flatMap((e) =>
        at
          .filter((p) => e.at.some((q) => q === p))
          .flatMap((p) => e.what.split(' and ').map((what) => `${what} at ${show(p)}`)),
      ),
  )

const areFinite = (list: readonly number[]): boolean => list.every(Number.isFinite)

forEachEngine(() => {
  describe('finite but for the listed exceptions', () => {
    it.each(Object.keys(finiteTable))('%s', (name) => {
      const { f, domain, exceptions = [] } = finiteTable[name]
      const at = points.filter((x) => domain?.[1](x) ?? true)
      for (const dtype of ['float32', 'float64'] as const)
        expect(failures(f, at, dtype), dtype).toEqual(expected(exceptions, at, dtype))
    })
  })

  describe('of rows', () => {
    const { Infinity: inf } = globalThis
    const rows = [
      [0, 0, 0],
      [1, 1, 1],
      [-1e4, 0, 1e4],
      [1e4, 1e4, 1e4],
      [-1e4, -1e4, -1e4],
      [100, -100, 100],
      [0, -0, 1],
    ]
    const masked = [
      [-inf, 0, 1],
      [-inf, -inf, 2],
      [-inf, 1e4, -1e4],
    ]
    const functions: { readonly [name: string]: (x: Tensor) => Tensor } = {
      softmax: (x) => x.softmax(),
      softmin: (x) => t.softmin(x),
      logSoftmax: (x) => x.logSoftmax(),
      logSumExp: (x) => x.logSumExp(-1),
      'norm 1': (x) => t.norm(x, 1, -1),
      'norm 2': (x) => t.norm(x, 2, -1),
      'norm 3': (x) => t.norm(x, 3, -1),
      'norm ∞': (x) => t.norm(x, inf, -1),
      std: (x) => x.std(-1),
      var: (x) => x.var(-1),
      prod: (x) => x.prod(-1),
      max: (x) => x.max(-1),
      amin: (x) => x.amin(-1),
      mean: (x) => x.mean(-1),
      cumsum: (x) => t.cumsum(x, -1),
      cumprod: (x) => t.cumprod(x, -1),
      logcumsumexp: (x) => t.logcumsumexp(x, -1),
      sparsemax: (x) => t.sparsemax(x),
      entmax15: (x) => t.entmax15(x),
      layerNorm: (x) => nn.layerNorm(3, { dtype: floatOf(x) })(x),
      batchNorm: (x) => t.withTraining(true, () => nn.batchNorm(3, { dtype: floatOf(x) })(x)),
      softmaxCrossEntropy: (x) =>
        loss.softmaxCrossEntropy(x, tensor(new Int32Array(x.shape[0]).fill(2)), { reduction: 'none' }),
      'softmaxCrossEntropy of probabilities': (x) =>
        loss.softmaxCrossEntropy(x, t.zerosLike(x).add(1 / 3), { reduction: 'none' }),
      'nll of logSoftmax': (x) => loss.nll(x.logSoftmax(), tensor(new Int32Array(x.shape[0]).fill(1))),
    }
    const defined = ['softmax', 'logSumExp', 'softmaxCrossEntropy']
    it.each(Object.keys(functions))('%s', (name) => {
      for (const dtype of ['float32', 'float64'] as const) {
        const x = tensor(rows, { dtype })
        const y = functions[name](x)
        expect(values(y), dtype).toSatisfy(areFinite)
        const first = grad(y.mul(constant(y)).sum(), x)
        expect(values(first), dtype).toSatisfy(areFinite)
      }
    })
    it.each(defined)('%s where some entries are −∞', (name) => {
      for (const dtype of ['float32', 'float64'] as const) {
        const x = tensor(masked, { dtype })
        const y = functions[name](x)
        const chosen = name === 'softmaxCrossEntropy' ? y : y.mul(constant(y))
        expect(values(chosen)).toSatisfy(areFinite)
        expect(values(grad(chosen.sum(), x))).toSatisfy(areFinite)
      }
    })
    it('logSumExp of nothing but −∞ is −∞, with gradient 0; softmax and logSoftmax of it are 0 / 0', () => {
      const x = tensor([-inf, -inf])
      expect(x.logSumExp().itemSync()).toBe(-inf)
      expect(values(grad(x.logSumExp(), x))).toEqual([0, 0])
      expect(values(x.softmax())).toEqual([NaN, NaN])
      expect(values(x.logSoftmax())).toEqual([NaN, NaN])
    })
    it('logSoftmax of −∞ is −∞, and its gradient finite', () => {
      const x = tensor([-inf, 0, 1], { dtype: 'float64' })
      const y = x.logSoftmax()
      expect(values(y)[0]).toBe(-inf)
      expect(values(grad(y.at(2), x))).toSatisfy(areFinite)
    })
  })

  describe('attention (R79)', () => {
    const [q, k, v] = [1, 2, 3].map((n) =>
      tensor(
        [
          [n, -1, 0.5],
          [0, n, 2],
        ],
        { dtype: 'float64' },
      ),
    )
    it('of a query that may see nothing is 0, and no gradient comes from it', () => {
      const mask = tensor([
        [false, false],
        [true, false],
      ])
      for (const given of [mask, mask.where(0, -Infinity).cast('float64')]) {
        const y = nn.functional.scaledDotProductAttention(q, k, v, { mask: given })
        expect(values(y)).toEqual([0, 0, 0, 3, -1, 0.5])
        const [dq, dk, dv] = grad(y.square().sum(), [q, k, v])
        expect([...values(dq), ...values(dk), ...values(dv)]).toSatisfy(areFinite)
        expect(values(dq).slice(0, 3)).toEqual([0, 0, 0])
      }
    })
    it('of huge scores', () => {
      const y = nn.functional.scaledDotProductAttention(q.mul(1e4), k.mul(-1e4), v, { causal: true })
      expect(values(y)).toSatisfy(areFinite)
      expect(grad(y.sum(), [q, k, v]).flatMap(values)).toSatisfy(areFinite)
    })
  })

  describe('pools', () => {
    it('of equal elements: the first gets the gradient (R74)', () => {
      const x = tensor([
        [
          [
            [7, 7],
            [7, 7],
          ],
        ],
      ])
      expect(values(grad(nn.functional.maxPool(x, { kernel: 2 }).sum(), x))).toEqual([1, 0, 0, 0])
      expect(values(grad(nn.functional.averagePool(x, { kernel: 2 }).sum(), x))).toEqual([0.25, 0.25, 0.25, 0.25])
    })
    it('of extremes', () => {
      const x = tensor([[[[-Infinity, 1e4, -1e4, 0]]]])
      const y = nn.functional.maxPool(x, { kernel: [1, 2], padding: [0, 1] })
      expect(values(y)).toEqual([-Infinity, 1e4, 0])
      expect(values(grad(y.sum(), x))).toSatisfy(areFinite)
    })
  })

  describe('conventions where there is no derivative (R49)', () => {
    const at = (f: (x: Tensor) => Tensor, ...list: number[]): number[] => {
      const x = tensor(list)
      return values(grad(f(x).sum(), x))
    }
    it('kinks', () => {
      expect(at((x) => x.relu(), 0)).toEqual([0])
      expect(at((x) => x.abs(), 0)).toEqual([0])
      expect(at((x) => t.norm(x), 0, 0)).toEqual([0, 0])
      expect(at((x) => x.clamp(-1, 1), -1, 1)).toEqual([1, 1])
      expect(at((x) => x.max(0), 3, 3, 1)).toEqual([1, 0, 0])
      expect(at((x) => x.max(), 3, 3, 1)).toEqual([0.5, 0.5, 0])
      expect(at((x) => x.std(), 2, 2)).toEqual([0, 0])
    })
    it('prod with one, two and no zeros', () => {
      expect(at((x) => x.prod(), 0, 2, 3)).toEqual([6, 0, 0])
      expect(at((x) => x.prod(), 0, 0, 3)).toEqual([0, 0, 0])
      expect(at((x) => x.prod(), 1, 2, 3)).toEqual([6, 3, 2])
    })
  })

  describe('what fails in jax-js 0.1.25', () => {
    const scalar = (f: (x: Tensor) => Tensor, x: number): number => f(tensor(x)).itemSync()
    const slope = (f: (x: Tensor) => Tensor, at: number): number => {
      const x = tensor(at)
      return grad(f(x), x).itemSync()
    }
    it('softplus(100)', () => expect(scalar(t.softplus, 100)).toBe(100))
    it('logSigmoid(-100)', () => expect(scalar(t.logSigmoid, -100)).toBe(-100))
    it('gradient of sigmoid(-100)', () => expect(slope((x) => x.sigmoid(), -100)).toBeCloseTo(0, 30))
    it('gradient of silu(-100)', () => expect(slope(t.silu, -100)).toBeCloseTo(0, 30))
    it('gradient of softplus(100)', () => expect(slope(t.softplus, 100)).toBe(1))
    it('gradient of mish(100)', () => expect(slope(t.mish, 100)).toBe(1))
    it('gradient of elu(100)', () => expect(slope(t.elu, 100)).toBe(1))
    it('gradient of prod([0, 2, 3])', () => {
      const x = tensor([0, 2, 3])
      expect(values(grad(x.prod(), x))).toEqual([6, 0, 0])
    })
    it('accuracy of tanh(1e-5)', () => {
      expect(Math.abs(scalar((x) => x.tanh(), 1e-5) / Math.tanh(Math.fround(1e-5)) - 1)).toBeLessThan(2e-7)
    })
  })
})

const floatOf = (x: Tensor): 'float32' | 'float64' => (x.dtype === 'float64' ? 'float64' : 'float32')

/** Factors that differ, so that softmax's gradient does not vanish. */
const constant = (y: Tensor): Tensor =>
  tensor(
    Array.from({ length: y.size }, (_, i) => 1 + (i % 3)),
    { shape: y.shape, dtype: y.dtype },
  )
