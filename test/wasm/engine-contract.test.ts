// The contract driver against the triple loop: every odd shape, operands in any layout, and the same bits on any number of threads.

import { afterAll, describe, expect, test } from 'vitest'
import { createX86Backend } from '#x86'
import { contractPlan } from '../../src/backend/wasm/blocking.ts'
import { createWasmBackend, type WasmBackend } from '../../src/backend/wasm/index.ts'
import type { Tile } from '../../src/backend/wasm/micro-kernel.ts'
import { lengthOf, type Table, tableOf } from '../../src/kernel/table.ts'
import { contractProgram, matrices, multiply, type Product } from './contract-program.ts'
import { floats, integers } from './random.ts'

/** WebAssembly, and machine code where it can be, of each set of vectors. */
const engines: { readonly [name: string]: (threads: number) => WasmBackend | string } = {
  wasm: (threads) => createWasmBackend({ threads }),
  avx512: (threads) => createX86Backend({ threads, worthCalling: 0 }),
  avx2: (threads) => createX86Backend({ threads, worthCalling: 0, vectors: 'avx2' }),
}

function run(on: WasmBackend, product: Product, a: Float32Array, b: Float32Array): Float32Array {
  const length = product.batch * product.m * product.n
  const [left, right, output] = [a.length, b.length, length].map((count) => on.allocate(4 * count))
  on.upload(left, a)
  on.upload(right, b)
  on.upload(output, new Float32Array(length).fill(Number.NaN))
  const program = on.load(contractProgram(product))
  program.run([left, right, output])
  const result = on.download(output, 'float32', length)
  program.release()
  for (const storage of [left, right, output]) on.release(storage)
  return result as Float32Array
}

/** Numbers of so few bits that a sum of products is exact in any order. */
const exact = (length: number, seed: number): Float32Array => floats(length, seed).map((x) => Math.round(x * 16) / 16)

function check(on: WasmBackend, product: Product): void {
  const [a, b] = [exact(product.leftLength, 1), exact(product.rightLength, 2)]
  expect(difference(run(on, product, a, b), multiply(product, a, b))).toBe('none')
}

/** Where two results differ first; arrays of this size are slow to compare by `toEqual`. */
function difference(a: Float32Array, b: Float32Array): string {
  const at = a.findIndex((x, i) => x !== b[i])
  if (a.length === b.length && at < 0) return 'none'
  return `lengths ${a.length} and ${b.length}, at ${at}: ${a[at]} and ${b[at]}`
}

/** The products of large operands, which take the triple loop a while: once for all engines. */
const known = new Map<string, Float32Array>()

function multiplied(product: Product, a: Float32Array, b: Float32Array): Float32Array {
  const key = JSON.stringify(product)
  const found = known.get(key) ?? multiply(product, a, b)
  known.set(key, found)
  return found
}

describe.each(Object.keys(engines).filter((name) => typeof engines[name](1) !== 'string'))('%s', (name) => {
  const backends = new Map([1, 2, 3].map((threads) => [threads, engines[name](threads)] as const))
  const backend = (threads: number): WasmBackend => {
    const found = backends.get(threads)
    if (found === undefined || typeof found === 'string') throw new Error(`no backend with ${threads} threads`)
    return found
  }
  afterAll(() => {
    for (const made of backends.values()) if (typeof made !== 'string') made.terminate()
  })

  const extents = [1, 2, 3, 15, 17, 33, 64, 100]

  describe.each(extents)('m = %i', (m) => {
    test.each(extents)('n = %i, every k', (n) => {
      for (const k of extents) check(backend(1), matrices(1, m, n, k))
    })
  })

  test('stored transposed, one or both', () => {
    for (const [m, n, k] of [
      [17, 33, 15],
      [64, 100, 3],
      [1, 64, 33],
      [100, 1, 64],
    ] as const) {
      for (const left of [false, true]) {
        for (const right of [false, true]) check(backend(2), matrices(2, m, n, k, { left, right }))
      }
    }
  })

  test('operands that are packed ahead: of one or all batch elements, in any layout, run after run', () => {
    const tall = matrices(2, 600, 200, 200)
    const shared: Product = {
      ...tall,
      right: { ...tall.right, batch: tableOf([2], [0]) },
      rightLength: tall.rightLength / 2,
    }
    const products = [
      tall,
      shared,
      matrices(1, 131, 1030, 330, { left: true }),
      matrices(1, 300, 260, 650, { right: true }),
    ]
    const tiles: readonly Tile[] = [
      { rows: 5, columns: 8, spread: true },
      { rows: 2, columns: 16, spread: false },
    ]
    for (const tile of tiles) {
      const plans = products.map((p) => contractPlan({ ...p, packLeft: 0.26, packRight: 0.26, epilogue: 0.3 }, tile))
      expect(plans.some(({ ahead }) => ahead.left)).toBe(true)
      expect(plans.some(({ ahead }) => ahead.right)).toBe(true)
    }
    for (const product of products) {
      const [a, b] = [exact(product.leftLength, 1), exact(product.rightLength, 2)]
      const expected = multiplied(product, a, b)
      for (const threads of [1, 2]) expect(difference(run(backend(threads), product, a, b), expected)).toBe('none')
    }
  })

  test('an empty sum is zero', () => {
    expect(run(backend(1), matrices(2, 3, 17, 0), new Float32Array(0), new Float32Array(0))).toEqual(
      new Float32Array(102),
    )
  })

  test('nothing at all to compute', () => {
    for (const [batch, m, n] of [
      [0, 3, 5],
      [2, 0, 5],
      [2, 3, 0],
    ] as const) {
      expect(run(backend(1), matrices(batch, m, n, 4), exact(24, 1), exact(40, 2))).toEqual(new Float32Array(0))
    }
  })

  test('operands gathered by random tables', () => {
    const next = integers(5)
    const random = (...most: number[]): Table => {
      const extents = most.map((extent) => 1 + next(extent))
      return tableOf(
        extents,
        extents.map(() => next(20)),
      )
    }
    for (let turn = 0; turn < 30; turn++) {
      const [batch, m, n, k] = [[3], [5, 9], [8, 7], [4, 6, 9]].map((most) => random(...most))
      // The right operand's elements lie elsewhere, as many of them
      const other = (table: Table): Table => tableOf([lengthOf(table)], [next(3)])
      const gather = (batch: Table, outer: Table, inner: Table): Product['left'] => ({
        offset: next(10),
        batch,
        outer,
        inner,
      })
      check(backend(1 + (turn % 3)), {
        batch: lengthOf(batch),
        m: lengthOf(m),
        n: lengthOf(n),
        k: lengthOf(k),
        left: gather(batch, m, k),
        right: gather(other(batch), n, other(k)),
        leftLength: 907,
        rightLength: 907,
      })
    }
  })

  test('many runs of k, in place and packed', () => {
    check(backend(1), matrices(1, 9, 50, 2000))
    check(backend(1), matrices(1, 9, 50, 2000, { left: true, right: true }))
    check(backend(1), matrices(1, 3, 50, 2000))
  })

  test('one, two and three threads give the same bits', async () => {
    for (const threads of backends.keys()) await backend(threads).ready()
    for (const [batch, m, n, k] of [
      [1, 150, 200, 700],
      [12, 64, 64, 64],
      [1, 5, 500, 600],
      [1, 1000, 10, 300],
    ] as const) {
      const product = matrices(batch, m, n, k)
      const [a, b] = [floats(product.leftLength, 3), floats(product.rightLength, 4)]
      const [one, two, three] = [1, 2, 3].map((threads) => run(backend(threads), product, a, b))
      expect(difference(two, one)).toBe('none')
      expect(difference(three, one)).toBe('none')
      const reference = multiply(product, a, b)
      const scale = reference.reduce((most, x) => Math.max(most, Math.abs(x)), 1)
      const worst = one.reduce((error, x, i) => Math.max(error, Math.abs(x - reference[i])), 0)
      expect(worst).toBeLessThan(2e-5 * scale)
    }
  })
})

test.each([0, 0.26])(
  'every product has a blocking, however large: packing the right operand at a price of %d',
  (packRight) => {
    for (const extent of [1, 300, 4200, 8193, 15_000, 16_384, 40_000, 1_000_003]) {
      for (const [m, k, n] of [
        [extent, extent, extent],
        [extent, 64, extent],
        [1, extent, extent],
      ] as const) {
        const { blocking } = contractPlan({ batch: 1, m, n, k, packLeft: 0.26, packRight, epilogue: 0.3 }, {
          rows: 6,
          columns: 8,
        } as Tile)
        expect(blocking.mBlocks * blocking.mc, `${m} rows`).toBeGreaterThanOrEqual(m)
        expect(blocking.nBlocks * blocking.nc, `${n} columns`).toBeGreaterThanOrEqual(n)
      }
    }
  },
)
