/** What the library makes of operations and routines, as steps of random graphs: one call each, with operands that it takes. */

import { cholesky, det, eigh, inverse, qr, slogdet, solve, svd, triangularSolve } from '../../src/linalg/index.ts'
import { fft, ifft, irfft, power, rfft } from '../../src/signal/index.ts'
import {
  cummax,
  cummin,
  cumprod,
  cumsum,
  diag,
  diagonal,
  entmax15,
  eye,
  glu,
  linearRecurrence,
  logcumsumexp,
  median,
  norm,
  outer,
  padWith,
  quantile,
  sort,
  sparsemax,
  Tensor,
  tile,
  topK,
  triu,
} from '../../src/tensor/index.ts'
import { material } from './material.ts'
import type { Step } from './programs.ts'

const last = (x: Tensor): number => x.shape.at(-1) ?? 0
const hasAxis = (x: Tensor): boolean => x.rank > 0 && x.size > 0
const along =
  (f: (x: Tensor, axis: number, y: Tensor, n: number) => Tensor): Step =>
  (x, y, n) =>
    hasAxis(x) ? f(x, n % x.rank, y, n) : null

/** Matrices of the numbers of x, moderate, as many as it has leading elements. */
const matrix = (x: Tensor, rows: number, columns: number, like = x): Tensor =>
  new Tensor(material(x.node, [...(like.rank > 2 ? [like.shape[0]] : []), rows, columns], x.dtype)).tanh()
const sizes = [3, 1, 2, 5]
/** Positive definite, and far enough from not being so. */
const definite = (x: Tensor, n: number): Tensor => {
  const m = matrix(x, sizes[n % 4], sizes[n % 4])
  return m.matmul(m.transpose()).add(eye(sizes[n % 4], sizes[n % 4], x.dtype))
}
const complex =
  (f: (x: Tensor) => Tensor): Step =>
  (x, _, n) =>
    f(matrix(x, 1 + n, 2))

export const librarySteps: { readonly [name: string]: Step } = {
  cholesky: (x, _, n) => cholesky(definite(x, n)),
  solve: (x, y, n) => solve(definite(x, n), matrix(y, sizes[n % 4], 2, x)),
  inverse: (x, _, n) => inverse(definite(x, n)),
  det: (x, _, n) => det(matrix(x, sizes[n % 4], sizes[n % 4])),
  slogdet: (x, _, n) => slogdet(definite(x, n)).logarithm,
  triangularSolve: (x, y, n) =>
    triangularSolve(cholesky(definite(x, n)), matrix(y, sizes[n % 4], 3, x), { upper: false }),
  qr: (x, _, n) => qr(matrix(x, sizes[n % 3], 3).add(eye(sizes[n % 3], 3, x.dtype))).r.abs(),
  // Equal values share their gradient only where all are treated alike.
  eigh: (x, _, n) => eigh(definite(x, n)).values.square().sum(-1),
  svd: (x, _, n) => svd(definite(x, n)).s.log().sum(-1),

  fft: complex(fft),
  ifft: complex(ifft),
  spectrum: (x) => (hasAxis(x) ? power(rfft(x)) : null),
  filtered: (x) => (hasAxis(x) ? irfft(rfft(x).mul(0.5), last(x)) : null),

  sort: along((x, axis, _, n) => sort(x, { axis, descending: n % 2 === 0 })),
  topK: along((x, axis, _, n) => topK(x, Math.min(x.shape[axis], 1 + (n % 3)), { axis, smallest: n > 5 }).values),
  median: along((x, axis) => median(x, { axis })),
  quantile: along((x, axis, _, n) => quantile(x, n / 12, { axis })),
  cumsum: along((x, axis, _, n) => cumsum(x, axis, { reverse: n % 2 === 0 })),
  cumprod: along((x, axis) => cumprod(x.tanh(), axis)),
  cummax: along((x, axis) => cummax(x, axis).values),
  cummin: along((x, axis) => cummin(x, axis).values),
  logcumsumexp: along((x, axis) => logcumsumexp(x, axis)),
  linearRecurrence: along((x, axis, y) =>
    linearRecurrence(new Tensor(material(y.node, x.shape, x.dtype)).sigmoid(), x, axis),
  ),
  sparsemax: along((x, axis) => sparsemax(x, axis)),
  entmax15: along((x, axis) => entmax15(x, axis)),

  triu: (x, _, n) => (x.rank >= 2 ? triu(x, (n % 3) - 1) : null),
  diag: (x, _, n) => (x.rank === 1 && x.size < 20 ? diag(x, (n % 3) - 1) : null),
  diagonal: (x, _, n) => (x.rank >= 2 && x.size > 0 ? diagonal(x, n % 2) : null),
  norm: along((x, axis, _, n) => norm(x, [2, 1, Infinity, 3][n % 4], axis)),
  outer: (x, y) => (x.size * y.size < 300 ? outer(x, y) : null),
  tile: (x, _, n) =>
    x.rank > 0
      ? tile(
          x,
          x.shape.map((_, a) => 1 + ((n + a) % 2)),
        )
      : null,
  padWith: (x, _, n) => {
    if (!hasAxis(x)) return null
    const mode = (['reflect', 'replicate', 'circular'] as const)[n % 3]
    return padWith(
      x,
      x.shape.map((d) => (mode === 'reflect' && d === 1 ? [0, 0] : ([1, n % 2] as const))),
      mode,
    )
  },
  glu: along((x, axis) => (x.shape[axis] % 2 === 0 ? glu(x, axis) : x)),
}
