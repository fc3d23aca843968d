// The algorithms of linear algebra on one matrix, in double precision: factorizations and solves, slow and obvious.

/** A dense row-major matrix. */
export interface Matrix {
  readonly rows: number
  readonly columns: number
  readonly data: Float64Array
}

export const matrix = (rows: number, columns: number, data = new Float64Array(rows * columns)): Matrix => ({
  rows,
  columns,
  data,
})

function identity(n: number): Matrix {
  const one = matrix(n, n)
  for (let i = 0; i < n; i++) one.data[i * n + i] = 1
  return one
}

/** The lower L of A = L Lᵀ, by rows (Cholesky–Banachiewicz); only A's lower half is read. NaN where A is not positive definite. */
export function cholesky({ rows: n, data: a }: Matrix): Matrix {
  const l = matrix(n, n)
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = a[i * n + j]
      for (let k = 0; k < j; k++) sum -= l.data[i * n + k] * l.data[j * n + k]
      l.data[i * n + j] = i === j ? Math.sqrt(sum) : sum / l.data[j * n + j]
    }
  }
  return l
}

/** X of T X = B, or of Tᵀ X = B, for a triangular T of which one half is read. */
export function solveTriangular(t: Matrix, b: Matrix, upper: boolean, transposed: boolean): Matrix {
  const [n, columns] = [t.rows, b.columns]
  const x = matrix(n, columns, b.data.slice())
  const at = (i: number, k: number): number => (transposed ? t.data[k * n + i] : t.data[i * n + k])
  const fromEnd = upper !== transposed
  for (let step = 0; step < n; step++) {
    const i = fromEnd ? n - 1 - step : step
    for (let done = 0; done < step; done++) {
      const k = fromEnd ? n - 1 - done : done
      const factor = at(i, k)
      for (let c = 0; c < columns; c++) x.data[i * columns + c] -= factor * x.data[k * columns + c]
    }
    const pivot = at(i, i)
    for (let c = 0; c < columns; c++) x.data[i * columns + c] /= pivot
  }
  return x
}

/** A row permutation of A as a unit lower and an upper triangle in one matrix, by Gaussian elimination with partial pivoting. */
export function lu(a: Matrix): { packed: Matrix; order: number[]; sign: number } {
  const n = a.rows
  const packed = matrix(n, n, a.data.slice())
  const m = packed.data
  const order = Array.from({ length: n }, (_, i) => i)
  let sign = 1
  for (let k = 0; k < n; k++) {
    let pivot = k
    for (let i = k + 1; i < n; i++) if (Math.abs(m[i * n + k]) > Math.abs(m[pivot * n + k])) pivot = i
    if (pivot !== k) {
      for (let j = 0; j < n; j++) swap(m, k * n + j, pivot * n + j)
      ;[order[k], order[pivot]] = [order[pivot], order[k]]
      sign = -sign
    }
    if (m[k * n + k] === 0) continue
    for (let i = k + 1; i < n; i++) {
      const factor = m[i * n + k] / m[k * n + k]
      m[i * n + k] = factor
      for (let j = k + 1; j < n; j++) m[i * n + j] -= factor * m[k * n + j]
    }
  }
  return { packed, order, sign }
}

function swap(data: Float64Array, i: number, j: number): void {
  const held = data[i]
  data[i] = data[j]
  data[j] = held
}

/** X of A X = B; infinite or NaN where A is singular. */
export function solve(a: Matrix, b: Matrix): Matrix {
  const { packed, order } = lu(a)
  const [n, columns] = [a.rows, b.columns]
  const x = matrix(n, columns)
  for (let i = 0; i < n; i++) {
    x.data.set(b.data.subarray(order[i] * columns, (order[i] + 1) * columns), i * columns)
    for (let k = 0; k < i; k++) {
      const factor = packed.data[i * n + k]
      for (let c = 0; c < columns; c++) x.data[i * columns + c] -= factor * x.data[k * columns + c]
    }
  }
  return solveTriangular(packed, x, true, false)
}

/** The sign of A's determinant and the logarithm of its absolute value. */
export function slogdet(a: Matrix): { sign: number; logarithm: number } {
  const { packed, sign: permutation } = lu(a)
  let [sign, logarithm] = [permutation, 0]
  for (let i = 0; i < a.rows; i++) {
    const pivot = packed.data[i * a.rows + i]
    sign *= Math.sign(pivot)
    logarithm += Math.log(Math.abs(pivot))
  }
  return { sign: sign + 0, logarithm }
}

/** Q with orthonormal columns and an upper R of A = Q R, by Householder reflections; min(rows, columns) columns of Q. */
export function qr(a: Matrix): { q: Matrix; r: Matrix } {
  const { rows: m, columns: n } = a
  const k = Math.min(m, n)
  const work = a.data.slice()
  const vectors: Float64Array[] = []
  for (let j = 0; j < k; j++) {
    const v = new Float64Array(m)
    let scale = 0
    for (let i = j; i < m; i++) {
      v[i] = work[i * n + j]
      scale = Math.hypot(scale, v[i])
    }
    // Away from the element itself, so that nothing cancels.
    v[j] += v[j] < 0 ? -scale : scale
    const square = v.reduce((sum, x) => sum + x * x, 0)
    if (square > 0) reflect(work, n, v, square, j)
    vectors.push(v)
  }
  const r = matrix(k, n)
  for (let i = 0; i < k; i++) for (let j = i; j < n; j++) r.data[i * n + j] = work[i * n + j]
  const q = matrix(m, k)
  for (let i = 0; i < k; i++) q.data[i * k + i] = 1
  for (let j = k - 1; j >= 0; j--) {
    const square = vectors[j].reduce((sum, x) => sum + x * x, 0)
    if (square > 0) reflect(q.data, k, vectors[j], square, 0)
  }
  return { q, r }
}

/** (1 − 2vvᵀ/vᵀv) from the left, on the columns from `first`. */
function reflect(data: Float64Array, columns: number, v: Float64Array, square: number, first: number): void {
  for (let c = first; c < columns; c++) {
    let dot = 0
    for (let i = 0; i < v.length; i++) dot += v[i] * data[i * columns + c]
    const factor = (2 * dot) / square
    for (let i = 0; i < v.length; i++) data[i * columns + c] -= factor * v[i]
  }
}

const sweeps = 60

/** Eigenvalues in ascending order and orthonormal eigenvectors (columns) of a symmetric A, by Jacobi's rotations; A's lower half is read. */
export function symmetricEigen(a: Matrix): { values: Float64Array; vectors: Matrix } {
  const n = a.rows
  const m = new Float64Array(n * n)
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) m[i * n + j] = m[j * n + i] = a.data[i * n + j]
  const v = identity(n)
  for (let sweep = 0; sweep < sweeps; sweep++) {
    let moved = false
    for (let p = 0; p < n - 1; p++) {
      for (let q = p + 1; q < n; q++) {
        const off = m[p * n + q]
        // Nothing that the diagonal would notice.
        if (!(Math.abs(off) > Number.EPSILON * 0.5 * Math.sqrt(Math.abs(m[p * n + p] * m[q * n + q])))) continue
        if (Math.abs(off) < 1e-300) continue
        moved = true
        const theta = (m[q * n + q] - m[p * n + p]) / (2 * off)
        const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.hypot(theta, 1))
        const c = 1 / Math.hypot(t, 1)
        const s = t * c
        for (let i = 0; i < n; i++) rotate(m, i * n + p, i * n + q, c, s)
        for (let i = 0; i < n; i++) rotate(m, p * n + i, q * n + i, c, s)
        for (let i = 0; i < n; i++) rotate(v.data, i * n + p, i * n + q, c, s)
      }
    }
    if (!moved) break
  }
  const order = Array.from({ length: n }, (_, i) => i).sort((i, j) => m[i * n + i] - m[j * n + j])
  return { values: Float64Array.from(order, (i) => m[i * n + i]), vectors: pickColumns(v, order) }
}

function rotate(data: Float64Array, p: number, q: number, c: number, s: number): void {
  const [x, y] = [data[p], data[q]]
  data[p] = c * x - s * y
  data[q] = s * x + c * y
}

function pickColumns(a: Matrix, order: readonly number[], signs?: readonly number[]): Matrix {
  const out = matrix(a.rows, order.length)
  for (let i = 0; i < a.rows; i++)
    order.forEach((from, to) => {
      out.data[i * order.length + to] = a.data[i * a.columns + from] * (signs?.[to] ?? 1)
    })
  return out
}

/** U, descending singular values and V (all as columns) of A = U diag(s) Vᵀ with rows ≥ columns, by one-sided Jacobi rotations. */
export function tallSingular(a: Matrix): { u: Matrix; values: Float64Array; v: Matrix } {
  const { rows: m, columns: n } = a
  const w = matrix(m, n, a.data.slice())
  const v = identity(n)
  for (let sweep = 0; sweep < sweeps; sweep++) {
    let moved = false
    for (let p = 0; p < n - 1; p++) {
      for (let q = p + 1; q < n; q++) {
        let [alpha, beta, gamma] = [0, 0, 0]
        for (let i = 0; i < m; i++) {
          const [x, y] = [w.data[i * n + p], w.data[i * n + q]]
          alpha += x * x
          beta += y * y
          gamma += x * y
        }
        if (!(Math.abs(gamma) > 1e-16 * Math.sqrt(alpha * beta))) continue
        moved = true
        const zeta = (beta - alpha) / (2 * gamma)
        const t = (zeta < 0 ? -1 : 1) / (Math.abs(zeta) + Math.hypot(zeta, 1))
        const c = 1 / Math.hypot(t, 1)
        const s = t * c
        for (let i = 0; i < m; i++) rotate(w.data, i * n + p, i * n + q, c, s)
        for (let i = 0; i < n; i++) rotate(v.data, i * n + p, i * n + q, c, s)
      }
    }
    if (!moved) break
  }
  const norms = Float64Array.from({ length: n }, (_, j) => {
    let sum = 0
    for (let i = 0; i < m; i++) sum = Math.hypot(sum, w.data[i * n + j])
    return sum
  })
  const order = Array.from({ length: n }, (_, j) => j).sort((i, j) => norms[j] - norms[i])
  const values = Float64Array.from(order, (j) => norms[j])
  const u = pickColumns(w, order)
  completeColumns(u, values)
  return { u, values, v: pickColumns(v, order) }
}

/** Scales the columns to length 1; those of length 0 become orthogonal to all others (Gram–Schmidt on the unit vectors). */
function completeColumns(u: Matrix, norms: Float64Array): void {
  const { rows: m, columns: n, data } = u
  const tiny = (norms[0] ?? 0) * m * Number.EPSILON
  for (let j = 0; j < n; j++) {
    if (norms[j] > tiny) {
      for (let i = 0; i < m; i++) data[i * n + j] /= norms[j]
      continue
    }
    for (let unit = 0; unit < m; unit++) {
      const x = new Float64Array(m)
      x[unit] = 1
      for (let twice = 0; twice < 2; twice++) {
        for (let k = 0; k < n; k++) {
          if (k > j && norms[k] <= tiny) continue
          if (k === j) continue
          let dot = 0
          const length = k < j ? 1 : norms[k]
          for (let i = 0; i < m; i++) dot += (x[i] * data[i * n + k]) / length
          for (let i = 0; i < m; i++) x[i] -= (dot * data[i * n + k]) / length
        }
      }
      const rest = Math.hypot(...x)
      if (rest < 0.1 / Math.sqrt(m)) continue
      for (let i = 0; i < m; i++) data[i * n + j] = x[i] / rest
      break
    }
  }
}
