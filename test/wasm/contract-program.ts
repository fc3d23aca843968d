// Programs of one contract launch, and the plain triple loop they are held against.

import type { ContractKernel, Padding, TableArguments } from '../../src/kernel/contract.ts'
import type { Program } from '../../src/kernel/program.ts'
import { type Table, tableOf } from '../../src/kernel/table.ts'
import { accumulator, load } from '../../src/scalar/expr.ts'
import { entriesOf } from '../support/table-entries.ts'

/** How one operand is read: element (b, o, i) is number offset + batch[b] + outer[o] + inner[i]. */
export interface Gather {
  readonly offset: number
  readonly batch: Table
  readonly outer: Table
  readonly inner: Table
}

export interface Product {
  readonly batch: number
  readonly m: number
  readonly n: number
  readonly k: number
  readonly left: Gather
  readonly right: Gather
  /** Elements of the two operands' buffers. */
  readonly leftLength: number
  readonly rightLength: number
  readonly padding?: Padding
}

const f32 = [{ dtype: 'float32' }] as const

const plain: ContractKernel = {
  kind: 'contract',
  left: { accesses: f32, value: load('f32', 0), lane: 'inner' },
  right: { accesses: f32, value: load('f32', 0), lane: 'outer' },
  epilogue: { accesses: f32, stores: [{ access: 0, value: accumulator('f32', 0), mode: 'set' }] },
}

const steps = (count: number, step: number): Table => tableOf([count], [step])

/** Row-major [batch, m, k] · [batch, k, n], either operand stored transposed. */
export function matrices(
  batch: number,
  m: number,
  n: number,
  k: number,
  transposed: { readonly left?: boolean; readonly right?: boolean } = {},
): Product {
  const left = transposed.left ? { outer: steps(m, 1), inner: steps(k, m) } : { outer: steps(m, k), inner: steps(k, 1) }
  const right = transposed.right
    ? { outer: steps(n, k), inner: steps(k, 1) }
    : { outer: steps(n, 1), inner: steps(k, n) }
  return {
    batch,
    m,
    n,
    k,
    left: { offset: 0, batch: steps(batch, m * k), ...left },
    right: { offset: 0, batch: steps(batch, k * n), ...right },
    leftLength: batch * m * k,
    rightLength: batch * k * n,
  }
}

/** Bindings: left, right, and the output [batch, m, n]. */
export function contractProgram(product: Product): Program {
  const { batch, m, n, k, left, right } = product
  const operand = (buffer: number, { offset }: Gather, table: number): TableArguments => ({
    buffer,
    offset,
    batch: table,
    outer: table + 1,
    inner: table + 2,
  })
  const output = { offset: 0, batch: steps(batch, m * n), outer: steps(m, n), inner: steps(n, 1) }
  return {
    kernels: [plain],
    buffers: [product.leftLength, product.rightLength, batch * m * n].map((length, slot) => ({
      kind: 'binding',
      slot,
      bytes: 4 * length,
    })),
    tables: [left, right, output].flatMap((g) => [g.batch, g.outer, g.inner]),
    steps: [
      {
        kind: 'phase',
        launches: [
          {
            kind: 'contract',
            kernel: 0,
            batch,
            m,
            n,
            k,
            left: [operand(0, left, 0)],
            right: [operand(1, right, 3)],
            epilogue: [operand(2, output, 6)],
            ...(product.padding && { padding: product.padding }),
          },
        ],
      },
    ],
    arenaBytes: 0,
    bindings: 3,
  }
}

/** The same in double precision, by the definition. */
export function multiply({ batch, m, n, k, left, right }: Product, a: Float32Array, b: Float32Array): Float32Array {
  const out = new Float32Array(batch * m * n)
  const [l, r] = [left, right].map((g) => [g.batch, g.outer, g.inner].map(entriesOf))
  for (let s = 0; s < batch; s++) {
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 0
        for (let p = 0; p < k; p++) {
          sum += a[left.offset + l[0][s] + l[1][i] + l[2][p]] * b[right.offset + r[0][s] + r[1][j] + r[2][p]]
        }
        out[(s * m + i) * n + j] = sum
      }
    }
  }
  return out
}
