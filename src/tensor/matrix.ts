// Parts, products and norms of matrices and vectors.

import { build } from '../graph/build.ts'
import type { DType } from '../graph/dtype.ts'
import { misfit } from '../graph/refuse.ts'
import { normalizeAxes, normalizeAxis, show, sizeOf } from '../graph/shape.ts'
import { iota, stack, zeros, zerosLike } from './create.ts'
import type { Floating } from './dtype-types.ts'
import { withBroadcasting } from './runtime.ts'
import type * as shapes from './shape-types.ts'
import type { Shape, Sound } from './shape-types.ts'
import { type Axes, type AxesOf, floating, safeRoot, type Tensor, wrap } from './tensor.ts'

/** The lower triangle of x [..., rows, columns]: 0 above the diagonal number `offset`. */
export function tril<S extends Shape, D extends DType>(x: Tensor<S, D>, offset?: number): Tensor<S, D>
export function tril(x: Tensor, offset = 0): Tensor {
  const [row, column] = places(x, 'tril')
  return withBroadcasting('numpy', () => column.lessEqual(row.add(offset)).where(x, zerosLike(x)))
}

/** The upper triangle of x [..., rows, columns]: 0 below the diagonal number `offset`. */
export function triu<S extends Shape, D extends DType>(x: Tensor<S, D>, offset?: number): Tensor<S, D>
export function triu(x: Tensor, offset = 0): Tensor {
  const [row, column] = places(x, 'triu')
  return withBroadcasting('numpy', () => row.add(offset).lessEqual(column).where(x, zerosLike(x)))
}

/** A square matrix with the vector x on its diagonal number `offset`; of a matrix, its diagonal. */
export function diag(x: Tensor, offset = 0): Tensor {
  if (x.rank === 2) return diagonal(x, offset)
  if (x.rank !== 1) throw misfit(`diag: takes a vector or a matrix, not ${show(x.shape)}`)
  const size = x.size + Math.abs(offset)
  if (x.size === 0) return zeros([size, size], x.dtype)
  // One element per row, a row and one element apart.
  const low = offset >= 0 ? offset : -offset * size
  const high = size * size - low - ((x.size - 1) * (size + 1) + 1)
  return wrap(build.reshape(build.pad(x.node, [low], [high], [size]), [size, size]))
}

/** The diagonal number `offset` of two axes, as a new last axis: x [..., rows, columns] gives [..., n]. */
export function diagonal(x: Tensor, offset = 0, rowAxis = -2, columnAxis = -1): Tensor {
  const [a, b] = [normalizeAxis(rowAxis, x.rank, 'diagonal'), normalizeAxis(columnAxis, x.rank, 'diagonal')]
  if (a === b) throw misfit(`diagonal: rows and columns are both axis ${a} of ${show(x.shape)}`)
  const [rows, columns] = [x.shape[a], x.shape[b]]
  const rest = [...x.shape.keys()].filter((axis) => axis !== a && axis !== b)
  const size = Math.max(0, Math.min(rows + Math.min(offset, 0), columns - Math.max(offset, 0)))
  const start = offset >= 0 ? offset : -offset * columns
  const flat = x.permute([...rest, a, b]).reshape([...rest.map((axis) => x.shape[axis]), rows * columns])
  const whole = rest.map(() => null)
  return flat.slice(...whole, [start, size === 0 ? start : start + (size - 1) * (columns + 1) + 1, columns + 1])
}

/** The sum of the diagonal of x [..., rows, columns]. */
export const trace = (x: Tensor, offset = 0): Tensor => diagonal(x, offset).sum(-1)

/** All products of two vectors: [n] and [m] give [n, m]. */
export const outer = (x: Tensor, y: Tensor): Tensor =>
  withBroadcasting('numpy', () => x.flatten().unsqueeze(1).mul(y.flatten()))

/** Kronecker's product of two matrices: each element of x times all of y, [a, b] and [c, d] give [a·c, b·d]. */
export function kron(x: Tensor, y: Tensor): Tensor {
  if (x.rank !== 2 || y.rank !== 2) throw misfit(`kron: takes two matrices, not ${show(x.shape)} and ${show(y.shape)}`)
  const [[a, b], [c, d]] = [x.shape, y.shape]
  return withBroadcasting('numpy', () => x.reshape([a, 1, b, 1]).mul(y.reshape([1, c, 1, d]))).reshape([a * c, b * d])
}

/** The cross product of vectors with three elements in the last axis. */
export function cross(x: Tensor, y: Tensor): Tensor {
  if (x.shape.at(-1) !== 3 || y.shape.at(-1) !== 3)
    throw misfit(`cross: the last axes of ${show(x.shape)} and ${show(y.shape)} must have 3 elements`)
  const [x1, x2, x3] = [0, 1, 2].map((i) => x.at(i, -1))
  const [y1, y2, y3] = [0, 1, 2].map((i) => y.at(i, -1))
  const minor = (a: Tensor, b: Tensor, c: Tensor, d: Tensor): Tensor => a.mul(d).sub(b.mul(c))
  return stack([minor(x2, x3, y2, y3), minor(x3, x1, y3, y1), minor(x1, x2, y1, y2)], -1)
}

/** The sum over the last `axes` axes of x and the first ones of y, or over pairs of lists of axes, as NumPy's `tensordot`; 2 unless told. */
export function tensordot(
  x: Tensor,
  y: Tensor,
  axes: number | readonly [readonly number[], readonly number[]] = 2,
): Tensor {
  const [left, right] =
    typeof axes === 'number'
      ? [Array.from({ length: axes }, (_, i) => x.rank - axes + i), Array.from({ length: axes }, (_, i) => i)]
      : axes
  const [a, b] = [
    left.map((axis) => normalizeAxis(axis, x.rank, 'tensordot')),
    right.map((axis) => normalizeAxis(axis, y.rank, 'tensordot')),
  ]
  if (a.length !== b.length || a.some((axis, i) => x.shape[axis] !== y.shape[b[i]]))
    throw misfit(
      `tensordot: axes ${show(a)} of ${show(x.shape)} and ${show(b)} of ${show(y.shape)} differ: they must be of one length each`,
    )
  const [outer, inner] = [x, y].map((t, i) => [...t.shape.keys()].filter((axis) => ![a, b][i].includes(axis)))
  const depth = sizeOf(a.map((axis) => x.shape[axis]))
  const [rows, columns] = [outer.map((axis) => x.shape[axis]), inner.map((axis) => y.shape[axis])]
  return x
    .permute([...outer, ...a])
    .reshape([sizeOf(rows), depth])
    .matmul(y.permute([...b, ...inner]).reshape([depth, sizeOf(columns)]))
    .reshape([...rows, ...columns])
}

/** (Σ |x|^p)^(1/p) over the axes, all by default; p may be Infinity. The gradient at 0 is 0. */
export function norm<
  S extends Shape,
  D extends DType,
  const L extends Axes | undefined = undefined,
  const K extends boolean = false,
>(
  x: Tensor<S, D>,
  p?: number,
  axes?: AxesOf<'norm', S, L>,
  keepAxes?: K,
): Tensor<Sound<shapes.Reduced<'norm', S, L, K>>, Floating<D>>
export function norm(x: Tensor, p = 2, axes?: Axes, keepAxes = false): Tensor {
  const size = floating(x).abs()
  const list = normalizeAxes(axes, x.rank, 'norm')
  if (p === Infinity) return size.amax(list, keepAxes)
  if (p === 1) return size.sum(list, keepAxes)
  if (!(p > 0)) throw misfit(`norm: the order is ${p}, it must be positive`)
  if (p === 2) return safeRoot(x.mul(floating(x)).sum(list, keepAxes))
  const total = size.pow(p).sum(list, keepAxes)
  const isZero = total.equal(0)
  return isZero.where(0, isZero.where(1, total).pow(1 / p))
}

function places(x: Tensor, what: string): [Tensor, Tensor] {
  if (x.rank < 2) throw misfit(`${what}: takes matrices [..., rows, columns], not ${show(x.shape)}`)
  const matrix = x.shape.slice(-2)
  return [iota(matrix, 0), iota(matrix, 1)]
}
