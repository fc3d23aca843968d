/** Small linear algebra, with gradients: on matrices [..., rows, columns], in double precision inside, on one thread. */

export { det, inverse, leastSquares, matrixPower, pinv, slogdet, solve } from './solve.ts'
export { conditionNumber, eigh, eigvalsh, matrixNorm, matrixRank, qr, svd, svdvals } from './spectral.ts'
export { cholesky, choleskySolve, type TriangularOptions, triangularSolve } from './triangular.ts'
