// Orthogonal factorizations, with gradients: QR, eigenvalues of symmetric matrices, singular values.

import { misfit } from '../graph/refuse.ts'
import { concat, type Tensor, tril, triu, withGradient } from '../tensor/index.ts'
import { eighRoutine, qrRoutine, svdRoutine } from './routines.ts'
import { identityLike, matrixOf, run } from './run.ts'
import { triangularSolve } from './triangular.ts'

/**
 * Q [..., m, k] with orthonormal columns and an upper triangle R [..., k, n] of A = Q R, with k = min(m, n); the diagonal of R
 * may have either sign. Gradients need the leading k columns of A to be independent.
 */
export function qr(a: Tensor): { q: Tensor; r: Tensor } {
  const x = matrixOf('qr', a)
  const [m, n] = x.shape.slice(-2) as [number, number]
  if (m < n) {
    // R = [U V] with the square part's U, and V = Qᵀ times the other columns.
    const { q, r } = qr(columns(x, 0, m))
    return { q, r: concat([r, q.transpose().matmul(columns(x, m, n))], -1) }
  }
  return split(qrOf(x), m)
}

const split = (packed: Tensor, m: number): { q: Tensor; r: Tensor } => ({
  q: columns(packed, 0, m).transpose(),
  r: columns(packed, m, packed.shape.at(-1) as number),
})

const qrOf: (...inputs: Tensor[]) => Tensor = withGradient(
  (a) => run(qrRoutine, [a]),
  (g, [a], packed) => {
    const m = a.shape.at(-2) as number
    const { q, r } = split(packed, m)
    const { q: gq, r: gr } = split(g, m)
    const inner = r.matmul(triu(gr).transpose()).sub(gq.transpose().matmul(q))
    const low = tril(inner, -1)
    const mirrored = low.add(low.transpose()).add(inner.mul(identityLike(inner)))
    const right = gq.add(q.matmul(mirrored))
    return [triangularSolve(r, right.transpose(), { upper: true }).transpose()]
  },
)

/**
 * Eigenvalues [..., n] in ascending order and orthonormal eigenvectors [..., n, n], as columns, of a symmetric A [..., n, n] whose lower
 * half is read. The sign of each vector is arbitrary; gradients through vectors need different eigenvalues.
 */
export function eigh(a: Tensor): { values: Tensor; vectors: Tensor } {
  const x = matrixOf('eigh', a)
  const packed = eighOf(x)
  return { values: packed.at(0, -1), vectors: columns(packed, 1, packed.shape.at(-1) as number) }
}

const eighOf: (...inputs: Tensor[]) => Tensor = withGradient(
  (a) => run(eighRoutine, [a]),
  (g, [a], packed) => {
    const n = a.shape.at(-1) as number
    const [values, vectors] = [packed.at(0, -1), columns(packed, 1, n + 1)]
    const [gValues, gVectors] = [g.at(0, -1), columns(g, 1, n + 1)]
    const gaps = inverseOf(values.unsqueeze(-2).sub(values.unsqueeze(-1)))
    const inner = vectors.transpose().matmul(gVectors).mul(gaps).add(diagonal(gValues))
    const full = vectors.matmul(inner).matmul(vectors.transpose())
    // Only the lower half is read; a symmetric gradient is the same along symmetric directions.
    return [full.add(full.transpose()).mul(0.5)]
  },
)

/** The eigenvalues of a symmetric matrix, ascending. */
export const eigvalsh = (a: Tensor): Tensor => eigh(a).values

/**
 * U [..., m, k], descending singular values s [..., k] and V [..., n, k] of A = U diag(s) Vᵀ, with k = min(m, n). The signs of pairs of
 * columns are arbitrary; gradients through U and V need different singular values other than 0.
 */
export function svd(a: Tensor): { u: Tensor; s: Tensor; v: Tensor } {
  const x = matrixOf('svd', a)
  return parts(svdOf(x), x.shape.at(-2) as number)
}

function parts(packed: Tensor, m: number): { u: Tensor; s: Tensor; v: Tensor } {
  return {
    u: columns(packed, 0, m).transpose(),
    s: packed.at(m, -1),
    v: columns(packed, m + 1, packed.shape.at(-1) as number).transpose(),
  }
}

const svdOf: (...inputs: Tensor[]) => Tensor = withGradient(
  (a) => run(svdRoutine, [a]),
  (g, [a], packed) => {
    const m = a.shape.at(-2) as number
    const { u, s, v } = parts(packed, m)
    const { u: gu, s: gs, v: gv } = parts(g, m)
    const squares = s.square()
    const gaps = inverseOf(squares.unsqueeze(-2).sub(squares.unsqueeze(-1)))
    const skew = (x: Tensor): Tensor => x.sub(x.transpose())
    const [rows, cols] = [s.unsqueeze(-1), s.unsqueeze(-2)]
    const inner = skew(u.transpose().matmul(gu))
      .mul(gaps)
      .mul(cols)
      .add(skew(v.transpose().matmul(gv)).mul(gaps).mul(rows))
      .add(diagonal(gs))
    const scale = inverseOf(s).unsqueeze(-2)
    const outside = (x: Tensor, of: Tensor): Tensor => x.sub(of.matmul(of.transpose().matmul(x))).mul(scale)
    return [
      u
        .matmul(inner)
        .add(outside(gu, u))
        .matmul(v.transpose())
        .add(u.matmul(outside(gv, v).transpose())),
    ]
  },
)

/** The singular values, descending. */
export const svdvals = (a: Tensor): Tensor => svd(a).s

/** The largest singular value (2, the default), their sum ('nuclear'), or the root of the sum of squares ('frobenius'). */
export function matrixNorm(a: Tensor, kind: 2 | 'nuclear' | 'frobenius' = 2): Tensor {
  if (kind !== 2 && kind !== 'nuclear' && kind !== 'frobenius')
    throw misfit(`matrixNorm: unknown kind '${String(kind)}': use 2, 'nuclear' or 'frobenius'`)
  if (kind === 'frobenius') return a.square().sum([-2, -1]).sqrt()
  return kind === 2 ? svdvals(a).max(-1) : svdvals(a).sum(-1)
}

/** The largest singular value over the smallest. */
export function conditionNumber(a: Tensor): Tensor {
  const s = svdvals(a)
  return s.max(-1).div(s.min(-1))
}

/** The number of singular values above `tolerance` times the largest (default: the larger extent times the dtype's precision), int32. */
export function matrixRank(a: Tensor, tolerance?: number): Tensor {
  const s = svdvals(a)
  const least = tolerance ?? Math.max(...a.shape.slice(-2)) * (s.dtype === 'float64' ? 2 ** -52 : 2 ** -23)
  return s.greater(s.max(-1, true).mul(least)).cast('int32').sum(-1)
}

const columns = (x: Tensor, from: number, to: number): Tensor =>
  x.slice(...x.shape.slice(1).map(() => null), [from, to])
const diagonal = (x: Tensor): Tensor => x.unsqueeze(-1).mul(identityLike(x))

/** 1/x, and 0 for 0: what does not differ has no say. */
const inverseOf = (x: Tensor): Tensor => {
  const isZero = x.equal(0)
  return isZero.where(0, isZero.where(1, x).reciprocal())
}
