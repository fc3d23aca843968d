// Factorizations and systems of tenon/linalg, with their derivatives.

import type { Piece } from './piece.ts'

const giles = 'Giles 2008'

export const linearAlgebra: { readonly [name: string]: Piece } = {
  solve: {
    about: 'The solution of a linear system.',
    output: 'A X = B',
    adjust: 'dB = A⁻ᵀ dX; dA = −dB Xᵀ',
    shapes: 'A [..., n, n], B [..., n, k] or [n] → as B',
    watch: 'Infinite or NaN where A is singular; see conditionNumber.',
    source: giles,
    example: { code: 'linalg.solve(tensor([[2, 0], [0, 4]]), x)', x: [2, 4], gives: [1, 1], adjusts: [0.5, 0.25] },
  },
  inverse: {
    about: 'The inverse. To solve a system, solve is faster and more exact.',
    output: 'Y = A⁻¹',
    adjust: 'dA = −Yᵀ dY Yᵀ',
    shapes: '[..., n, n] → the same',
    source: giles,
    example: { code: 'linalg.inverse(x)', x: [[2]], gives: [[0.5]], adjusts: [[-0.25]] },
  },
  matrixPower: {
    about: 'A matrix times itself, so many times; powers of the inverse below 0.',
    output: 'Y = Aᵏ',
    adjust: 'dA = Σᵢ (Aᵀ)ⁱ dY (Aᵀ)ᵏ⁻¹⁻ⁱ',
    shapes: '[..., n, n], a whole number → the same',
    example: { code: 'linalg.matrixPower(x, 3)', x: [[2]], gives: [[8]], adjusts: [[12]] },
  },
  det: {
    about: 'The determinant.',
    output: 'y = det A',
    adjust: 'dA = dy · the cofactors, right also where A is singular',
    shapes: '[..., n, n] → [...]',
    example: {
      code: 'linalg.det(x)',
      x: [
        [1, 2],
        [3, 4],
      ],
      gives: -2,
      adjusts: [
        [4, -3],
        [-2, 1],
      ],
    },
  },
  slogdet: {
    about: 'The sign of the determinant and the logarithm of its absolute value: no overflow.',
    output: 'log |det A|',
    adjust: 'dA = dy · A⁻ᵀ',
    shapes: '[..., n, n] → { sign [...], logarithm [...] }',
    watch: '−∞ where A is singular.',
    example: {
      code: 'linalg.slogdet(x).logarithm',
      x: [
        [2, 0],
        [0, 4],
      ],
      gives: 2.079442,
      adjusts: [
        [0.5, 0],
        [0, 0.25],
      ],
    },
  },
  cholesky: {
    about: 'The lower triangular root of a symmetric positive definite matrix.',
    output: 'A = L Lᵀ',
    adjust: 'dA = L⁻ᵀ Φ(Lᵀ dL) L⁻¹, made symmetric; Φ the lower triangle, its diagonal halved',
    shapes: '[..., n, n] → the same',
    watch: 'NaN where A is not positive definite. Only the lower triangle is read.',
    source: 'Murray 2016',
    example: { code: 'linalg.cholesky(x)', x: [[4]], gives: [[2]], adjusts: [[0.25]] },
  },
  choleskySolve: {
    about: 'The solution of A X = B from the root L of A.',
    output: 'X = L⁻ᵀ L⁻¹ B',
    adjust: 'through both triangular systems',
    shapes: 'L [..., n, n], B [..., n, k]',
    example: { code: 'linalg.choleskySolve(tensor([[2]]), x)', x: [[4]], gives: [[1]], adjusts: [[0.25]] },
  },
  triangularSolve: {
    about: 'The solution of a triangular system, by substitution.',
    output: 'L X = B',
    adjust: 'dB = L⁻ᵀ dX; dL = −tril(dB Xᵀ)',
    shapes: 'L [..., n, n], B [..., n, k]',
    defaults: 'lower',
    example: {
      code: 'linalg.triangularSolve(tensor([[2, 0], [1, 1]]), x)',
      x: [[2], [3]],
      gives: [[1], [2]],
      adjusts: [[0], [1]],
    },
  },
  leastSquares: {
    about: 'The X that makes ‖A X − B‖ least.',
    output: 'X = A⁺ B',
    adjust: 'dB = A⁺ᵀ dX; dA by the factors of A',
    shapes: 'A [..., m, n], B [..., m, k] or [m]',
    example: { code: 'linalg.leastSquares(tensor([[1], [1]]), x)', x: [1, 3], gives: [2], adjusts: [0.5, 0.5] },
  },
  pinv: {
    about: 'The pseudoinverse (Moore–Penrose).',
    output: 'Y = A⁺ = V S⁺ Uᵀ',
    adjust: 'by the singular value decomposition',
    shapes: '[..., m, n] → [..., n, m]',
    example: { code: 'linalg.pinv(x)', x: [[2], [0]], gives: [[0.5, 0]], adjusts: [[-0.25], [0.25]] },
  },
  qr: {
    about: 'An orthogonal and an upper triangular factor.',
    output: 'A = Q R, QᵀQ = 1',
    adjust: 'dA = (dQ + Q copyltu(R dRᵀ − dQᵀ Q)) R⁻ᵀ',
    shapes: '[..., m, n] → { q [..., m, k], r [..., k, n] }, k the smaller',
    watch: 'The gradient is infinite where R is singular.',
    source: 'Walter & Lehmann 2010',
    example: { code: 'linalg.qr(x).r.square()', x: [[3], [4]], gives: [[25]], adjusts: [[6], [8]] },
  },
  svd: {
    also: ['svdvals'],
    about: 'The singular value decomposition; svdvals the singular values alone.',
    output: 'A = U diag(s) Vᵀ, s falling',
    adjust: 'of s: dA = U diag(ds) Vᵀ; of U and V by the differences of sᵢ²',
    shapes: '[..., m, n] → { u [..., m, k], s [..., k], v [..., n, k] }',
    watch: 'The gradients of U and V are infinite where singular values are equal; that of s is not.',
    source: giles,
    example: {
      code: 'linalg.svdvals(x)',
      x: [
        [3, 0],
        [0, 4],
      ],
      gives: [4, 3],
      adjusts: [
        [1, 0],
        [0, 1],
      ],
    },
  },
  eigh: {
    also: ['eigvalsh'],
    about: 'Eigenvalues and eigenvectors of a symmetric matrix; eigvalsh the values alone.',
    output: 'A = V diag(λ) Vᵀ, λ rising',
    adjust: 'of λ: dA = V diag(dλ) Vᵀ; of V by the differences of λ',
    shapes: '[..., n, n] → { values [..., n], vectors [..., n, n] }',
    watch: 'The gradient of the vectors is infinite where eigenvalues are equal.',
    source: giles,
    example: {
      code: 'linalg.eigvalsh(x)',
      x: [
        [3, 0],
        [0, 1],
      ],
      gives: [1, 3],
      adjusts: [
        [1, 0],
        [0, 1],
      ],
    },
  },
  matrixNorm: {
    about: 'The spectral norm of a matrix; also the nuclear and the Frobenius norm.',
    output: 'y = s₁; nuclear Σ s; Frobenius √Σ a²',
    adjust: 'dA = dy·u₁ v₁ᵀ; nuclear dy·U Vᵀ; Frobenius dy·A/y',
    shapes: '[..., m, n] → [...]',
    example: {
      code: 'linalg.matrixNorm(x)',
      x: [
        [3, 0],
        [0, 4],
      ],
      gives: 4,
      adjusts: [
        [0, 0],
        [0, 1],
      ],
    },
  },
  conditionNumber: {
    also: ['matrixRank'],
    about: 'How much a system magnifies errors; matrixRank how many singular values are not 0.',
    output: 'y = s₁/sₙ',
    adjust: 'by the singular values; matrixRank is a count and passes none',
    shapes: '[..., m, n] → [...]',
    example: {
      code: 'linalg.conditionNumber(x)',
      x: [
        [4, 0],
        [0, 2],
      ],
      gives: 2,
      adjusts: [
        [0.5, 0],
        [0, -1],
      ],
    },
  },
}
