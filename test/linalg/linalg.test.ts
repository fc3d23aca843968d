/** Factorizations and solves: what they multiply back to, their gradients by differences, and what they refuse. */

import { describe, expect, it } from 'vitest'
import * as linalg from '../../src/linalg/index.ts'
import { concat, eye, grad, random, type Tensor, tensor, vmap } from '../../src/tensor/index.ts'
import { forEachEngine } from '../support/backends.ts'
import { checkFirstOrder, checkSecondOrder } from '../support/derivative.ts'
import { randomOf } from '../support/random.ts'

const normal = (shape: readonly number[], seed: number): Tensor =>
  random.normal(shape, { dtype: 'float64', key: random.key(seed) })
const largest = (x: Tensor): number => (x.size === 0 ? 0 : x.abs().max().itemSync())
const close = (a: Tensor, b: Tensor): void => {
  expect(a.shape).toEqual(b.shape)
  expect(largest(a.sub(b))).toBeLessThan(1e-12 * (1 + largest(b)))
}
const identity = (n: number): Tensor => eye(n, n, 'float64')
const symmetric = (x: Tensor): Tensor => x.add(x.transpose()).mul(0.5)
const positive = (x: Tensor): Tensor => x.matmul(x.transpose()).add(identity(x.shape.at(-1) as number))

forEachEngine(() => {
  const sizes = [0, 1, 2, 5, 17]

  it.each(sizes)('cholesky, solve, inverse and slogdet of extent %d', (n) => {
    const a = positive(normal([3, n, n], n))
    const l = linalg.cholesky(a)
    close(l.matmul(l.transpose()), a)
    const b = normal([3, n, 2], 9)
    close(a.matmul(linalg.solve(a, b)), b)
    close(linalg.choleskySolve(l, b), linalg.solve(a, b))
    close(l.transpose().matmul(linalg.triangularSolve(l, b, { transposed: true })), b)
    const general = normal([n, n], 50 + n)
    close(general.matmul(linalg.inverse(general)), identity(n))
    const { sign, logarithm } = linalg.slogdet(general)
    close(linalg.det(general), sign.mul(logarithm.exp()))
    const squared = linalg.slogdet(general.matmul(general))
    close(squared.sign, sign.square())
    close(squared.logarithm, logarithm.mul(2))
  })
  it('determinants: known ones, and a singular matrix', () => {
    const a = tensor(
      [
        [2, 1],
        [7, 4],
      ],
      { dtype: 'float64' },
    )
    expect(linalg.det(a).itemSync()).toBeCloseTo(1, 14)
    expect(
      linalg
        .slogdet(
          tensor([
            [0, 1],
            [1, 0],
          ]),
        )
        .sign.itemSync(),
    ).toBe(-1)
    const { sign, logarithm } = linalg.slogdet(
      tensor([
        [1, 2],
        [2, 4],
      ]),
    )
    expect([sign.itemSync(), logarithm.itemSync()]).toEqual([0, -Infinity])
  })

  it.each([
    [0, 0],
    [1, 1],
    [5, 5],
    [7, 3],
    [3, 7],
    [6, 1],
    [1, 4],
  ])('qr and svd of %d × %d', (m, n) => {
    const a = normal([2, m, n], m * 10 + n)
    const k = Math.min(m, n)
    const { q, r } = linalg.qr(a)
    close(q.matmul(r), a)
    close(q.transpose().matmul(q), identity(k).broadcastTo([2, k, k]))
    const { u, s, v } = linalg.svd(a)
    close(u.mul(s.unsqueeze(-2)).matmul(v.transpose()), a)
    close(u.transpose().matmul(u), identity(k).broadcastTo([2, k, k]))
    close(v.transpose().matmul(v), identity(k).broadcastTo([2, k, k]))
    const values = s.dataSync()
    for (let i = 0; i < values.length; i++) if (i % k > 0) expect(values[i]).toBeLessThanOrEqual(values[i - 1])
  })
  it('svd of a matrix of less than full rank has orthonormal columns still', () => {
    const a = concat([normal([5, 2], 1), normal([5, 2], 1)], 1)
    const { u, s, v } = linalg.svd(a)
    close(u.mul(s).matmul(v.transpose()), a)
    close(u.transpose().matmul(u), identity(4))
    expect(linalg.matrixRank(a).itemSync()).toBe(2)
    expect(
      largest(
        linalg.svd(
          tensor([
            [0, 0],
            [0, 0],
          ]),
        ).s,
      ),
    ).toBe(0)
  })
  it('eigenvalues: of a known matrix, ascending, with their vectors', () => {
    const a = symmetric(normal([2, 6, 6], 4))
    const { values, vectors } = linalg.eigh(a)
    close(a.matmul(vectors), vectors.mul(values.unsqueeze(-2)))
    close(vectors.transpose().matmul(vectors), identity(6).broadcastTo([2, 6, 6]))
    // The second difference has 2 − 2cos(kπ/(n + 1)).
    const n = 8
    const laplace = identity(n)
      .mul(2)
      .sub(eye(n, n, 'float64', 1))
      .sub(eye(n, n, 'float64', -1))
    const expected = Float64Array.from({ length: n }, (_, k) => 2 - 2 * Math.cos(((k + 1) * Math.PI) / (n + 1)))
    close(linalg.eigvalsh(laplace), tensor(expected))
  })
  it('least squares, the pseudoinverse and norms', () => {
    const a = normal([7, 3], 3)
    const b = normal([7], 4)
    const x = linalg.leastSquares(a, b)
    expect(largest(a.transpose().matmul(a.matmul(x).sub(b)))).toBeLessThan(1e-12)
    close(linalg.pinv(a).matmul(b), x)
    close(linalg.matrixNorm(a, 'frobenius').square(), linalg.svdvals(a).square().sum())
    close(linalg.conditionNumber(identity(3).mul(4)), tensor(1, { dtype: 'float64' }))
  })
  it('powers of matrices, of the inverse and none', () => {
    const a = normal([2, 3, 3], 5)
    close(linalg.matrixPower(a, 5), a.matmul(a).matmul(a).matmul(a).matmul(a))
    close(linalg.matrixPower(a, -2).matmul(a).matmul(a), linalg.matrixPower(a, 0))
    const [power, product] = [linalg.matrixPower(a, 3), a.matmul(a).matmul(a)]
    close(grad(power.sin().sum(), a), grad(product.sin().sum(), a))
  })
  it('works in float32 and maps over examples', () => {
    const a = random.normal([4, 3, 3], { key: random.key(1) })
    const each = vmap(linalg.inverse)(a)
    expect(each.dtype).toBe('float32')
    expect(largest(each.sub(linalg.inverse(a)))).toBe(0)
  })

  describe('gradients', () => {
    const at = (shape: readonly number[], seed: number) => ({
      shape: [...shape],
      data: [...normal(shape, seed).dataSync()],
    })
    const functions: readonly [string, readonly (readonly number[])[], (x: Tensor, y: Tensor) => Tensor][] = [
      ['cholesky', [[3, 3]], (x) => linalg.cholesky(positive(x))],
      [
        'triangularSolve',
        [
          [3, 3],
          [3, 2],
        ],
        (x, y) => linalg.triangularSolve(x, y, { upper: true }),
      ],
      [
        'triangularSolve, transposed',
        [
          [3, 3],
          [3, 2],
        ],
        (x, y) => linalg.triangularSolve(x, y, { transposed: true }),
      ],
      [
        'solve',
        [
          [2, 3, 3],
          [3, 2],
        ],
        linalg.solve,
      ],
      ['inverse', [[3, 3]], linalg.inverse],
      ['slogdet', [[2, 3, 3]], (x) => linalg.slogdet(x).logarithm],
      ['det', [[3, 3]], linalg.det],
      ['qr, square', [[3, 3]], (x) => concat([linalg.qr(x).q, linalg.qr(x).r], 1)],
      ['qr, tall', [[5, 3]], (x) => concat([linalg.qr(x).q, linalg.qr(x).r.transpose()], 0)],
      ['qr, wide', [[2, 4]], (x) => concat([linalg.qr(x).q, linalg.qr(x).r], 1)],
      ['eigvalsh', [[4, 4]], (x) => linalg.eigvalsh(symmetric(x))],
      // Products of vectors with themselves, whose signs cancel.
      ['eigh', [[3, 3]], (x) => projections(linalg.eigh(symmetric(x)).vectors)],
      ['svdvals', [[4, 3]], linalg.svdvals],
      ['svd, tall', [[4, 2]], (x) => projections(linalg.svd(x).u)],
      ['svd, wide', [[2, 4]], (x) => projections(linalg.svd(x).v)],
      ['pinv', [[4, 2]], (x) => linalg.pinv(x)],
      ['leastSquares', [[4, 2], [4]], linalg.leastSquares],
    ]
    const projections = (v: Tensor): Tensor => v.unsqueeze(-2).mul(v.unsqueeze(-3)).slice(null, null, [0, 2])
    it.each(functions)('%s', (_, shapes, f) => {
      const points = shapes.map((shape, i) => at(shape, 20 + i))
      const g = ([x, y]: readonly Tensor[]): Tensor[] => [f(x, y)]
      checkFirstOrder(g, points, randomOf(1))
      checkSecondOrder(g, points, randomOf(2))
    })
    it('of log det is the inverse, transposed', () => {
      const a = positive(normal([4, 4], 8))
      close(grad(linalg.slogdet(a).logarithm, a), linalg.inverse(a).transpose())
    })
  })

  it.each([
    [() => linalg.cholesky(tensor([[1, 2, 3]])), 'cholesky: the matrix is [1, 3]: it must be square'],
    [() => linalg.inverse(tensor([1, 2])), 'inverse: [2] is no matrix: it needs two axes at least'],
    [() => linalg.solve(eye(2), tensor([1, 2, 3])), 'solve: [2, 2] for right sides [3, 1]: their rows must be equal'],
    [() => linalg.leastSquares(tensor([[1, 2]]), tensor([1])), 'leastSquares: [1, 2] has fewer rows than columns'],
    [() => linalg.solve(eye(2).broadcastTo([2, 2, 2]), eye(2).broadcastTo([3, 2, 2])), 'solve'],
  ])('refuses %s', (f, message) => {
    expect(f).toThrow(message)
  })
  it('of a matrix that is not positive definite, cholesky is not a number', () => {
    expect(
      [
        ...linalg
          .cholesky(
            tensor([
              [1, 2],
              [2, 1],
            ]),
          )
          .dataSync(),
      ][3],
    ).toBeNaN()
  })
})
