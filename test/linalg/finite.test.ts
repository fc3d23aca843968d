/** Linear algebra and transforms, and their gradients, are finite at large, small and degenerate matrices; where they cannot be, and why. */

import { expect, it } from 'vitest'
import * as linalg from '../../src/linalg/index.ts'
import * as signal from '../../src/signal/index.ts'
import { grad, type Tensor, tensor } from '../../src/tensor/index.ts'
import { forEachBackend, forEachEngine } from '../support/backends.ts'

type Point = 'large' | 'small' | 'identity' | 'zero'
const points: { readonly [P in Point]: readonly number[] } = {
  large: [2e4, 1e4, 0, 1e4, 3e4, -1e4, 0, -1e4, 1e4],
  small: [2e-4, 1e-4, 0, 1e-4, 3e-4, -1e-4, 0, -1e-4, 1e-4],
  identity: [1, 0, 0, 0, 1, 0, 0, 0, 1],
  zero: [0, 0, 0, 0, 0, 0, 0, 0, 0],
}

interface Entry {
  readonly f: (a: Tensor) => Tensor
  /** Points at which it has no finite value or derivative, and why. */
  readonly except?: readonly (readonly [at: Point, why: string])[]
}

const singular = ['zero', 'the matrix has no inverse'] as const
const ends = (x: Tensor): Tensor => x.slice(null, [0, 1])

const table: { readonly [name: string]: Entry } = {
  det: { f: linalg.det },
  'slogdet, the logarithm': { f: (a) => linalg.slogdet(a).logarithm, except: [['zero', 'the logarithm of 0']] },
  inverse: { f: linalg.inverse, except: [singular] },
  matrixPower: { f: (a) => linalg.matrixPower(a, 3) },
  solve: { f: (a) => linalg.solve(a, ends(a.mul(0).add(1))), except: [singular] },
  leastSquares: { f: (a) => linalg.leastSquares(a, ends(a.mul(0).add(1))), except: [singular] },
  cholesky: { f: linalg.cholesky, except: [['zero', 'the matrix is not positive definite']] },
  'choleskySolve of its own factor': {
    f: (a) => linalg.choleskySolve(linalg.cholesky(a), ends(a)),
    except: [['zero', 'the matrix is not positive definite']],
  },
  triangularSolve: { f: (a) => linalg.triangularSolve(a, ends(a.mul(0).add(1))), except: [singular] },
  'qr, R': { f: (a) => linalg.qr(a).r, except: [['zero', 'columns that depend on each other have many bases']] },
  eigvalsh: { f: linalg.eigvalsh },
  'eigh, the largest vector': { f: (a) => linalg.eigh(a).vectors.slice(null, [2, 3]).abs() },
  svdvals: { f: linalg.svdvals },
  'matrixNorm 2': { f: (a) => linalg.matrixNorm(a, 2) },
  'matrixNorm nuclear': { f: (a) => linalg.matrixNorm(a, 'nuclear') },
  'matrixNorm frobenius': { f: (a) => linalg.matrixNorm(a, 'frobenius') },
  conditionNumber: { f: linalg.conditionNumber, except: [['zero', '0 / 0']] },
  'fft, its power': { f: (a) => signal.power(signal.rfft(a)) },
  'irfft of rfft': { f: (a) => signal.irfft(signal.rfft(a), 3) },
  'stft, its power': { f: (a) => signal.power(signal.stft(a.flatten(), 4)) },
}

forEachBackend(
  () => {
    it.each(Object.entries(table))('%s', (_, { f, except = [] }) => {
      for (const at of Object.keys(points) as Point[]) {
        for (const dtype of ['float32', 'float64'] as const) {
          const a = tensor(Float64Array.from(points[at]), { shape: [3, 3] }).cast(dtype)
          const found = (): boolean => {
            const y = f(a)
            return [y, grad(y.sum(), a)].every((t) => [...t.dataSync()].every(Number.isFinite))
          }
          let allFinite = false
          try {
            allFinite = found()
          } catch {
            // A routine may refuse what has no answer.
          }
          expect(allFinite, `${at}, ${dtype}`).toBe(!except.some(([point]) => point === at))
        }
      }
    })
  },
  ({ backend }) => backend === 'reference',
)

forEachEngine(() => {
  it('the gradient of a determinant is its cofactors, of singular matrices, too', () => {
    const of = (...values: number[]): number[] => {
      const n = Math.sqrt(values.length)
      const a = tensor(Float64Array.from(values), { shape: [n, n] })
      return [...grad(linalg.det(a), a).dataSync()].map((v) => Math.round(v * 1e9) / 1e9 + 0)
    }
    expect(of(1, 2, 2, 4)).toEqual([4, -2, -2, 1])
    expect(of(2, 0, 0, 0, 3, 0, 0, 0, 0)).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 6])
    expect(of(0, 0, 0, 0, -3, 0, 0, 0, 0)).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0])
    expect(of(0, 2, 3, 0)).toEqual([0, -3, -2, 0])
  })
})
