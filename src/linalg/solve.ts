// Solving linear systems, with gradients: general ones, by least squares, and what comes with them.

import { checkInteger } from '../graph/check.ts'
import { misfit } from '../graph/refuse.ts'
import { show } from '../graph/shape.ts'
import { cond, type Tensor, withGradient } from '../tensor/index.ts'
import { slogdetRoutine, solveRoutine } from './routines.ts'
import { identityLike, matrixOf, run, system } from './run.ts'
import { qr, svd } from './spectral.ts'
import { triangularSolve } from './triangular.ts'

/** X of A X = B for A [..., n, n] and B [..., n, k], or a vector B [n]; infinite or NaN where A is singular. */
export function solve(a: Tensor, b: Tensor): Tensor {
  if (b.rank === 1) return solve(a, b.unsqueeze(-1)).squeeze(-1)
  return solveOf(...system('solve', a, b))
}

const solveOf: (...inputs: Tensor[]) => Tensor = withGradient(
  (a, b) => run(solveRoutine, [a, b]),
  (g, [a], x) => {
    const db = solve(a.transpose(), g)
    return [db.matmul(x.transpose()).neg(), db]
  },
)

/** The inverse of A [..., n, n]. To solve a system use `solve`, which is faster and more exact. */
export function inverse(a: Tensor): Tensor {
  const x = matrixOf('inverse', a)
  return solve(x, identityLike(x))
}

/** A [..., n, n] times itself, so many times; the identity for 0, powers of the inverse below. Throws unless the power is whole. */
export function matrixPower(a: Tensor, power: number): Tensor {
  checkInteger('matrixPower', { power })
  const x = matrixOf('matrixPower', a)
  if (x.shape.at(-1) !== x.shape.at(-2)) throw misfit(`matrixPower: ${show(x.shape)}: it must be square`)
  if (power < 0) return matrixPower(inverse(x), -power)
  if (power === 0) return identityLike(x).broadcastTo(x.shape)
  const half = matrixPower(x, Math.floor(power / 2))
  const even = power === 1 ? x : half.matmul(half)
  return power > 1 && power % 2 === 1 ? even.matmul(x) : even
}

/** The sign of the determinant of A [..., n, n] and the logarithm of its absolute value, each [...]; −∞ where A is singular. */
export function slogdet(a: Tensor): { sign: Tensor; logarithm: Tensor } {
  const both = slogdetOf(matrixOf('slogdet', a))
  return { sign: both.at(0, -1).detach(), logarithm: both.at(1, -1) }
}

const slogdetOf: (...inputs: Tensor[]) => Tensor = withGradient(
  (a) => run(slogdetRoutine, [a]),
  (g, [a]) => [inverse(a).transpose().mul(g.at(1, -1).unsqueeze(-1).unsqueeze(-1))],
)

/** The determinant of A [..., n, n]. Its gradient, the cofactors, is that of a polynomial, also where A is singular; its second derivative is only where A is not. */
export const det = (a: Tensor): Tensor => detOf(matrixOf('det', a))

const detOf: (...inputs: Tensor[]) => Tensor = withGradient(
  (a) => {
    const { sign, logarithm } = slogdet(a)
    return sign.mul(logarithm.exp())
  },
  (g, [a], value) => [cofactors(a, value).mul(g.unsqueeze(-1).unsqueeze(-1).broadcastTo(a.shape))],
)

/** det A · A⁻ᵀ; where that is 0 · ∞, det U det V · U diag(∏ⱼ≠ᵢ sⱼ) Vᵀ of A = U diag(s) Vᵀ. */
function cofactors(a: Tensor, value: Tensor): Tensor {
  const spread = (x: Tensor): Tensor => x.unsqueeze(-1).unsqueeze(-1).broadcastTo(a.shape)
  const isSingular = spread(value.equal(0))
  const regular = (): Tensor =>
    inverse(isSingular.where(identityLike(a), a))
      .transpose()
      .mul(spread(value))
  return cond(
    value.equal(0).any(),
    () => {
      const { u, s, v } = svd(a.detach())
      const others = identityLike(a).notEqual(0).where(1, s.unsqueeze(-2).broadcastTo(a.shape)).prod(-1)
      const turned = u.mul(others.unsqueeze(-2).broadcastTo(a.shape)).matmul(v.transpose())
      const sign = slogdet(u.matmul(v.transpose())).sign
      return isSingular.where(turned.mul(spread(sign)).detach(), regular())
    },
    regular,
  )
}

/** The X that makes ‖A X − B‖ least, for A [..., m, n] of full column rank with m ≥ n, and B [..., m, k] or [m]. */
export function leastSquares(a: Tensor, b: Tensor): Tensor {
  if (b.rank === 1) return leastSquares(a, b.unsqueeze(-1)).squeeze(-1)
  const [m, n] = a.shape.slice(-2) as [number, number]
  if (m < n) throw misfit(`leastSquares: ${show(a.shape)} has fewer rows than columns: use pinv(a).matmul(b)`)
  const { q, r } = qr(a)
  return triangularSolve(r, q.transpose().matmul(b), { upper: true })
}

/** The Moore–Penrose inverse; singular values below `tolerance` times the largest count as 0 (default: the larger extent times the dtype's precision). */
export function pinv(a: Tensor, tolerance?: number): Tensor {
  const { u, s, v } = svd(a)
  const extent = Math.max(...a.shape.slice(-2))
  const least = tolerance ?? extent * (s.dtype === 'float64' ? 2 ** -52 : 2 ** -23)
  const isKept = s.greater(s.max(-1, true).mul(least))
  const inverted = isKept.where(isKept.where(s, 1).reciprocal(), 0)
  return v.mul(inverted.unsqueeze(-2)).matmul(u.transpose())
}
