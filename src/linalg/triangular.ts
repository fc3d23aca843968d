// Triangular and positive definite systems, with gradients.

import { type Tensor, tril, triu, withGradient } from '../tensor/index.ts'
import { choleskyRoutine, triangularRoutine } from './routines.ts'
import { identityLike, matrixOf, run, system } from './run.ts'

/** The lower half with half of the diagonal. */
const lowerHalf = (x: Tensor): Tensor => tril(x).sub(x.mul(identityLike(x)).mul(0.5))
const symmetric = (x: Tensor): Tensor => x.add(x.transpose()).mul(0.5)

/**
 * The lower triangle L of A = L Lᵀ for a symmetric positive definite A [..., n, n], whose lower half is read; NaN where it is
 * not positive definite. Throws when A is not square.
 */
export function cholesky(a: Tensor): Tensor {
  return choleskyOf(matrixOf('cholesky', a))
}

const choleskyOf = withGradient(
  (a) => run(choleskyRoutine, [a]),
  // Murray, "Differentiation of the Cholesky decomposition" (2016), equation 10.
  (g, _, l) => {
    const inner = lowerHalf(l.transpose().matmul(g))
    const left = triangularSolve(l, inner, { transposed: true })
    return [symmetric(triangularSolve(l, left.transpose(), { transposed: true }).transpose())]
  },
)

export interface TriangularOptions {
  /** The upper half of the matrix is read, not the lower one. */
  readonly upper?: boolean
  /** Solves Aᵀ X = B. */
  readonly transposed?: boolean
}

/** X of A X = B for a triangular A [..., n, n], of which one half is read, and B [..., n, k]. */
export function triangularSolve(a: Tensor, b: Tensor, options: TriangularOptions = {}): Tensor {
  const { upper = false, transposed = false } = options
  const parameters = [upper ? 1 : 0, transposed ? 1 : 0]
  const of = withGradient(
    (x, y) => run(triangularRoutine, [x, y], parameters),
    (g, [x], solution) => {
      const db = triangularSolve(x, g, { upper, transposed: !transposed })
      const outer = transposed ? solution.matmul(db.transpose()) : db.matmul(solution.transpose())
      return [(upper ? triu(outer) : tril(outer)).neg(), db]
    },
  )
  return of(...system('triangularSolve', a, b))
}

/** X of A X = B, given the lower Cholesky factor of A. */
export const choleskySolve = (lower: Tensor, b: Tensor): Tensor =>
  triangularSolve(lower, triangularSolve(lower, b), { transposed: true })
