// The factorizations as routines on [..., rows, columns]: checks, and the way between tensors' memory and matrices.

import { isFloat } from '../graph/dtype.ts'
import type { NdArray, Routine, ShapeAndType } from '../graph/node.ts'
import { misfit, mistake } from '../graph/refuse.ts'
import { routine } from '../graph/routine.ts'
import { type Dims, show, sizeOf } from '../graph/shape.ts'
import * as factor from './factor.ts'
import { type Matrix, matrix } from './factor.ts'

/** A routine that maps matrices to a matrix, one after the other. */
function matrixRoutine(
  name: string,
  check: (...shapes: Dims[]) => Dims,
  f: (matrices: readonly Matrix[], parameters: readonly number[]) => Float64Array,
): Routine {
  return routine({
    name,
    infer: (inputs) => ({ shape: shapeOf(name, inputs, check), dtype: inputs[0].dtype }),
    run: (inputs, result, parameters) => {
      const size = sizeOf(result.shape.slice(inputs[0].shape.length - 2))
      if (size === 0) return
      for (let at = 0; at * size < result.data.length; at++) {
        result.data.set(
          f(
            inputs.map((x) => matrixAt(x, at)),
            parameters,
          ),
          at * size,
        )
      }
    },
    vjp: 'none',
  })
}

/** The result's shape: the leading axes, then what `check` makes of the matrices' shapes. */
function shapeOf(name: string, inputs: readonly ShapeAndType[], check: (...shapes: Dims[]) => Dims): Dims {
  const [first] = inputs
  const lead = first.shape.slice(0, -2)
  for (const { shape, dtype } of inputs) {
    if (shape.length < 2) throw misfit(`${name}: ${show(shape)} is no matrix: it needs two axes at least`)
    if (!isFloat(dtype)) throw mistake(`${name}: takes float32 or float64, not ${dtype}: cast it first`)
    if (dtype !== first.dtype) throw mistake(`${name}: dtypes ${first.dtype} and ${dtype} differ`)
    if (show(shape.slice(0, -2)) !== show(lead))
      throw misfit(`${name}: ${show(first.shape)} and ${show(shape)} differ in their leading axes`)
  }
  return [...lead, ...check(...inputs.map((x) => x.shape.slice(-2)))]
}

function matrixAt({ data, shape }: NdArray, index: number): Matrix {
  const [rows, columns] = shape.slice(-2)
  const size = rows * columns
  return matrix(rows, columns, Float64Array.from(data.subarray(index * size, (index + 1) * size)))
}

function square(name: string, shape: Dims): number {
  if (shape[0] !== shape[1]) throw misfit(`${name}: the matrix is ${show(shape)}: it must be square`)
  return shape[0]
}

function system(name: string, a: Dims, b: Dims): Dims {
  const n = square(name, a)
  if (b[0] !== n) throw misfit(`${name}: ${show(a)} for right sides ${show(b)}: their rows must be equal`)
  return b
}

export const choleskyRoutine = matrixRoutine(
  'cholesky',
  (a) => [square('cholesky', a), a[1]],
  ([a]) => factor.cholesky(a).data,
)

/** Parameters: 1 for an upper triangle, 1 for its transpose. */
export const triangularRoutine = matrixRoutine(
  'triangularSolve',
  (a, b) => system('triangularSolve', a, b),
  ([a, b], [upper, transposed]) => factor.solveTriangular(a, b, upper === 1, transposed === 1).data,
)

export const solveRoutine = matrixRoutine(
  'solve',
  (a, b) => system('solve', a, b),
  ([a, b]) => factor.solve(a, b).data,
)

/** [sign, logarithm]. */
export const slogdetRoutine = matrixRoutine(
  'slogdet',
  (a) => {
    square('slogdet', a)
    return [2]
  },
  ([a]) => {
    const { sign, logarithm } = factor.slogdet(a)
    return Float64Array.of(sign, logarithm)
  },
)

/** Q and R side by side in rows: [k, rows + columns], Q transposed. */
export const qrRoutine = matrixRoutine(
  'qr',
  ([m, n]) => [Math.min(m, n), m + n],
  ([a]) => {
    const { q, r } = factor.qr(a)
    const k = q.columns
    return beside(k, [a.rows, (i, j) => q.data[j * k + i]], [a.columns, (i, j) => r.data[i * a.columns + j]])
  },
)

/** A column of values, then the vectors: [n, 1 + n]; the vector of value i is column i. */
export const eighRoutine = matrixRoutine(
  'eigh',
  (a) => {
    const n = square('eigh', a)
    return [n, 1 + n]
  },
  ([a]) => {
    const { values, vectors } = factor.symmetricEigen(a)
    return beside(a.rows, [1, (i) => values[i]], [a.rows, (i, j) => vectors.data[i * a.rows + j]])
  },
)

/** Rows of Uᵀ, the value, and a row of Vᵀ: [k, rows + 1 + columns]. */
export const svdRoutine = matrixRoutine(
  'svd',
  ([m, n]) => [Math.min(m, n), m + 1 + n],
  ([a]) => {
    const isTall = a.rows >= a.columns
    const { u, values, v } = factor.tallSingular(isTall ? a : transposed(a))
    const [left, right] = isTall ? [u, v] : [v, u]
    const k = values.length
    return beside(
      k,
      [a.rows, (i, j) => left.data[j * k + i]],
      [1, (i) => values[i]],
      [a.columns, (i, j) => right.data[j * k + i]],
    )
  },
)

function transposed(a: Matrix): Matrix {
  const t = matrix(a.columns, a.rows)
  for (let i = 0; i < a.rows; i++)
    for (let j = 0; j < a.columns; j++) t.data[j * a.rows + i] = a.data[i * a.columns + j]
  return t
}

/** Blocks of columns beside each other. */
function beside(
  rows: number,
  ...blocks: readonly (readonly [number, (i: number, j: number) => number])[]
): Float64Array {
  const columns = blocks.reduce((sum, [width]) => sum + width, 0)
  const out = new Float64Array(rows * columns)
  for (let i = 0, at = 0; i < rows; i++)
    for (const [width, value] of blocks) for (let j = 0; j < width; j++) out[at++] = value(i, j)
  return out
}
