// Packing and epilogues of contractions, emitted, against the interpreter: random tables, widths, prologues and tiles.

import { describe, expect, test } from 'vitest'
import { emitEpilogue, emitPack } from '../../src/backend/wasm/emit-contract.ts'
import type { DataArray, DType } from '../../src/graph/dtype.ts'
import { dtypes } from '../../src/graph/dtype.ts'
import type { ContractKernel, ContractLaunch, Operand, TableArguments } from '../../src/kernel/contract.ts'
import type { Expr } from '../../src/scalar/expr.ts'
import * as x from '../../src/scalar/expr.ts'
import { instantiate, place } from './emitted.ts'
import { interpretContract } from './interpreter.ts'
import { Chance } from './random.ts'

const f = (value: number): Expr => x.constant('f32', value)
const load = x.load

/** Prologues by name, with the dtypes of their accesses. */
const prologues: { readonly [name: string]: { dtypes: readonly DType[]; value: Expr } } = {
  plain: { dtypes: ['float32'], value: load('f32', 0) },
  exp: { dtypes: ['float32'], value: x.call('exp', load('f32', 0)) },
  scaled: { dtypes: ['float32', 'float32'], value: x.mul(load('f32', 0), load('f32', 1)) },
  masked: { dtypes: ['float32', 'bool'], value: x.select(load('bool', 1), x.add(load('f32', 0), f(1)), f(0)) },
  bytes: { dtypes: ['uint8'], value: x.mul(x.convert('f32', load('i32', 0)), f(1 / 255)) },
  narrowed: { dtypes: ['float64'], value: x.convert('f32', load('f64', 0)) },
  constant: { dtypes: [], value: f(1.5) },
}

const total = x.accumulator('f32', 0)
const epilogues: {
  readonly [name: string]: {
    dtypes: readonly DType[]
    stores: readonly { access: number; value: Expr; mode: 'set' | 'add' }[]
  }
} = {
  plain: { dtypes: ['float32'], stores: [{ access: 0, value: total, mode: 'set' }] },
  sum: { dtypes: ['float32'], stores: [{ access: 0, value: total, mode: 'add' }] },
  biased: {
    dtypes: ['float32', 'float32', 'bool'],
    stores: [
      { access: 0, value: x.max(x.add(total, load('f32', 1)), f(0)), mode: 'set' },
      { access: 2, value: x.lt(f(0), x.add(total, load('f32', 1))), mode: 'set' },
    ],
  },
  integer: {
    dtypes: ['int32'],
    stores: [{ access: 0, value: x.div(x.convert('i32', total), x.constant('i32', 3)), mode: 'set' }],
  },
  double: { dtypes: ['float64'], stores: [{ access: 0, value: x.convert('f64', total), mode: 'set' }] },
}

const widths = [1, 2, 3, 4, 5, 6, 7, 8, 12, 16]

interface Case {
  readonly kernel: ContractKernel
  readonly launch: ContractLaunch
  readonly tables: readonly Int32Array[]
  readonly buffers: readonly DataArray[]
}

function randomCase(chance: Chance, prologue: [string, string], epilogue: string): Case {
  const extent = (): number => chance.pick([1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 33])
  const [batch, m, n, k] = [chance.integer(1, 3), extent(), extent(), chance.pick([0, 1, 3, 4, 5, 8, 13])]
  const tables: Int32Array[] = []
  const buffers: DataArray[] = []

  /** Tables for `counts` elements of an access; `writes` keeps all places apart. */
  const args = (dtype: DType, counts: readonly [number, number, number], writes: boolean): TableArguments => {
    const order = chance.pick([
      [0, 1, 2],
      [0, 2, 1],
      [2, 0, 1],
    ])
    const strides = [0, 0, 0]
    let size = 1
    for (const axis of order.toReversed()) {
      strides[axis] = size
      size *= Math.max(1, counts[axis])
    }
    const lists = strides.map((stride, axis) => {
      const broadcast = !writes && chance.chance(0.2)
      const shuffled = chance.chance(0.15)
      const list = Int32Array.from({ length: counts[axis] }, (_, i) => (broadcast ? 0 : i * stride))
      if (shuffled)
        for (let i = list.length - 1; i > 0; i--) {
          const j = chance.integer(0, i + 1)
          ;[list[i], list[j]] = [list[j], list[i]]
        }
      tables.push(list)
      return tables.length - 1
    })
    const offset = chance.integer(0, 4)
    const make = dtypes[dtype].array
    const buffer = new make(offset + size)
    for (let i = 0; i < buffer.length; i++) {
      buffer[i] =
        dtype === 'bool' ? chance.integer(0, 2) : dtype === 'uint8' ? chance.integer(0, 256) : chance.number() * 4 - 2
    }
    buffers.push(buffer)
    return { buffer: buffers.length - 1, offset, batch: lists[0], outer: lists[1], inner: lists[2] }
  }
  const operand = (name: string): Operand => ({
    accesses: prologues[name].dtypes.map((dtype) => ({ dtype })),
    value: prologues[name].value,
    lane: chance.pick(['outer', 'inner'] as const),
  })
  const { dtypes: outputs, stores } = epilogues[epilogue]
  const kernel: ContractKernel = {
    kind: 'contract',
    left: operand(prologue[0]),
    right: operand(prologue[1]),
    epilogue: { accesses: outputs.map((dtype) => ({ dtype })), stores },
  }
  const written = new Set(stores.map((s) => s.access))
  const launch: ContractLaunch = {
    kind: 'contract',
    kernel: 0,
    batch,
    m,
    n,
    k,
    left: kernel.left.accesses.map((a) => args(a.dtype, [batch, m, k], false)),
    right: kernel.right.accesses.map((a) => args(a.dtype, [batch, n, k], false)),
    epilogue: outputs.map((dtype, i) => args(dtype, [batch, m, n], written.has(i))),
  }
  return { kernel, launch, tables, buffers }
}

/** Packs, multiplies the panels in JavaScript, and runs the epilogue on every batch element, in blocks. */
function runContract({ kernel, launch, tables, buffers }: Case, widthLeft: number, widthRight: number): DataArray[] {
  const { memory, functions } = instantiate((module, env) => [
    emitPack(module, kernel.left, widthLeft, env),
    emitPack(module, kernel.right, widthRight, env),
    emitEpilogue(module, kernel.epilogue, env),
  ])
  const { addresses, end } = place(memory, buffers, 65536)
  let at = end
  const words = (values: ArrayLike<number>): number => {
    const address = at
    new Int32Array(memory.buffer, address, values.length).set(values)
    at += (4 * values.length + 79) & -64
    return address
  }
  const block = (
    operand: { readonly accesses: readonly { readonly dtype: DType }[] },
    args: readonly TableArguments[],
  ): number => {
    const list = args.flatMap((a, i) => {
      const { bytes } = dtypes[operand.accesses[i].dtype]
      const table = (t: number): number => words(tables[t].map((entry) => entry * bytes))
      return [addresses[a.buffer] + a.offset * bytes, table(a.batch), table(a.outer), table(a.inner)]
    })
    return words(list)
  }
  const left = block(kernel.left, launch.left)
  const right = block(kernel.right, launch.right)
  const epilogue = block(kernel.epilogue, launch.epilogue)
  const [packLeft, packRight, finish] = functions
  const { batch, m, n, k } = launch
  const panels = (count: number, width: number): number => Math.ceil(count / width) * width * k
  const leftAt = (at + 63) & -64
  const rightAt = leftAt + 4 * panels(m, widthLeft) + 64
  const tileAt = rightAt + 4 * panels(n, widthRight) + 64
  const stride = 4 * (n + 3)
  for (let b = 0; b < batch; b++) {
    new Uint8Array(memory.buffer, leftAt, tileAt - leftAt).fill(0x7f)
    packLeft(left, b, 0, m, 0, k, leftAt)
    packRight(right, b, 0, n, 0, k, rightAt)
    const panel = (address: number, width: number, o: number, i: number): number =>
      new Float32Array(memory.buffer)[address / 4 + (Math.floor(o / width) * k + i) * width + (o % width)]
    // Lanes past the end are zero, or the micro-kernel would read what is not there
    for (const [address, width, count] of [
      [leftAt, widthLeft, m],
      [rightAt, widthRight, n],
    ] as const) {
      for (let o = count; o % width !== 0; o++) for (let i = 0; i < k; i++) expect(panel(address, width, o, i)).toBe(0)
    }
    // Two blocks of rows and of columns
    const [mid, right0] = [m >> 1, (n >> 3) * 4]
    for (const [m0, m1] of [
      [0, mid],
      [mid, m],
    ]) {
      for (const [n0, n1] of [
        [0, right0],
        [right0, n],
      ]) {
        if (m0 === m1 || n0 === n1) continue
        const tile = new Float32Array(memory.buffer)
        for (let i = m0; i < m1; i++) {
          for (let j = n0; j < n1; j++) {
            let sum = 0
            for (let c = 0; c < k; c++) sum += panel(leftAt, widthLeft, i, c) * panel(rightAt, widthRight, j, c)
            tile[(tileAt + (i - m0) * stride) / 4 + j - n0] = sum
          }
        }
        finish(epilogue, b, m0, m1, n0, n1, tileAt, stride)
      }
    }
  }
  return buffers.map((buffer, i) => {
    const copy = buffer.slice()
    new Uint8Array(copy.buffer).set(new Uint8Array(memory.buffer, addresses[i], buffer.byteLength))
    const guard = new Uint8Array(memory.buffer, addresses[i] + buffer.byteLength, 64)
    expect(guard.every((byte) => byte === 0xff)).toBe(true)
    return copy
  })
}

describe.each(Object.keys(epilogues))('epilogue %s', (epilogue) => {
  test.each(Object.keys(prologues))('prologue %s', { timeout: 60_000 }, (name) => {
    const chance = new Chance(name.length * 1000 + epilogue.length)
    for (let round = 0; round < 6; round++) {
      const other = chance.pick(Object.keys(prologues))
      const given = randomCase(chance, chance.chance(0.5) ? [name, other] : [other, name], epilogue)
      const want = given.buffers.map((b) => b.slice())
      interpretContract(given.kernel, given.launch, want, given.tables)
      const got = runContract(given, chance.pick(widths), chance.pick(widths))
      got.forEach((buffer, i) => {
        expect([...buffer], `round ${round}, buffer ${i}`).toEqual([...want[i]])
      })
    }
  })
})
