// Loop kernels one by one: what maps, reductions and row kernels mean, at edges and on ordinary data.

import { describe, expect, test } from 'vitest'
import type { DataArray, DType } from '../../src/graph/dtype.ts'
import type {
  Access,
  AccessArguments,
  LoopKernel,
  LoopLaunch,
  ReduceOp,
  Stage,
  StrideClass,
} from '../../src/kernel/loop.ts'
import type { Expr } from '../../src/scalar/expr.ts'
import * as x from '../../src/scalar/expr.ts'
import { runner } from './emitted.ts'
import { interpretLoop } from './interpreter.ts'
import { Chance } from './random.ts'

const f = (value: number): Expr => x.constant('f32', value)
const load = (access: number): Expr => x.load('f32', access)
const total = (id: number): Expr => x.accumulator('f32', id)

/** An access with no bounds; strides in elements, classes derived from them. */
interface Plain {
  readonly dtype?: DType
  readonly strides: readonly number[]
  readonly offset?: number
  readonly indirect?: Expr
  readonly rows?: { readonly stride: number; readonly extent: number }
  readonly bounds?: readonly (readonly [number, number] | undefined)[]
  readonly fill?: number
}

function build(
  axes: { parallel: number; reduce: number; vector: number },
  extents: readonly number[],
  plain: readonly Plain[],
  stages: readonly Stage[],
): { kernel: LoopKernel; launch: LoopLaunch } {
  const kind = (s: number): StrideClass => (s === 0 ? 'zero' : s === 1 ? 'unit' : 'any')
  const accesses = plain.map((p): Access => {
    const access = {
      dtype: p.dtype ?? 'float32',
      strides: p.strides.map(kind),
      bounded: p.strides.map((_, axis) => p.bounds?.[axis] !== undefined),
      fill: p.fill ?? 0,
    }
    return p.indirect ? { ...access, indirect: p.indirect } : access
  })
  const args = plain.map(
    (p, buffer): AccessArguments => ({
      buffer,
      offset: p.offset ?? 0,
      strides: p.strides,
      low: p.strides.map((_, axis) => p.bounds?.[axis]?.[0] ?? 0),
      high: p.strides.map((_, axis) => p.bounds?.[axis]?.[1] ?? 0),
      indirectStride: p.rows?.stride ?? 0,
      indirectExtent: p.rows?.extent ?? 0,
    }),
  )
  const lanes = axes.vector >= 0 && axes.vector === axes.parallel - 1
  const cut = extents.slice(0, lanes && axes.parallel > 1 ? axes.parallel - 1 : axes.parallel)
  return {
    kernel: { kind: 'loop', ...axes, accesses, stages },
    launch: {
      kind: 'loop',
      kernel: 0,
      extents,
      accesses: args,
      total: cut.reduce((a, b) => a * b, 1),
      grain: 16,
    },
  }
}

const set = (access: number, value: Expr) => ({ access, value, mode: 'set' as const })
const once = (...stores: Stage['stores']): Stage => ({ loop: false, reductions: [], stores })

function random(length: number, seed = 1): Float32Array {
  const chance = new Chance(seed)
  return Float32Array.from({ length }, () => chance.number() * 4 - 2)
}

/** Runs emitted code and returns one buffer. */
function run(
  built: { kernel: LoopKernel; launch: LoopLaunch },
  buffers: readonly DataArray[],
  which: number,
): number[] {
  return [...runner(built.kernel, built.launch, buffers)([])[which]]
}

describe.each([0, 1, 2, 3, 4, 5, 15, 16, 17, 33, 100])('a map over %i elements', (n) => {
  test('scales and adds', () => {
    const map = build(
      { parallel: 1, reduce: 0, vector: 0 },
      [n],
      [{ strides: [1] }, { strides: [1] }, { strides: [1] }],
      [once(set(2, x.add(x.mul(load(0), f(2)), load(1))))],
    )
    const [p, q] = [random(n), random(n, 2)]
    const got = run(map, [p, q, new Float32Array(n)], 2)
    expect(got).toEqual([...p].map((v, i) => Math.fround(v * 2 + q[i])))
  })

  test('stores masks and wrapped bytes', () => {
    const map = build(
      { parallel: 1, reduce: 0, vector: 0 },
      [n],
      [{ strides: [1] }, { strides: [1], dtype: 'bool' }, { strides: [1], dtype: 'uint8' }],
      [once(set(1, x.lt(load(0), f(0))), set(2, x.convert('i32', x.mul(load(0), f(400)))))],
    )
    const p = random(n)
    const buffers = [p, new Uint8Array(n), new Uint8Array(n)]
    expect(run(map, buffers, 1)).toEqual([...p].map((v) => Number(v < 0)))
    expect(run(map, buffers, 2)).toEqual([...p].map((v) => Math.trunc(Math.fround(v * 400)) & 255))
  })
})

describe.each([
  ['rows', 1],
  ['columns', 0],
] as const)('reductions over %s', (_name, vector) => {
  /** One reduction of `data` [outer, inner]: over the inner axis in lanes, or over the outer one with columns in lanes. */
  const reduced = (op: ReduceOp, data: DataArray, outer: number, inner: number, dtype: DType = 'float32'): number[] => {
    const [points, length] = vector === 1 ? [outer, inner] : [inner, outer]
    const strides = vector === 1 ? [inner, 1] : [1, inner]
    const type = dtype === 'int32' ? 'i32' : 'f32'
    const indexed = op === 'argmax' || op === 'argmin'
    const built = build(
      { parallel: 1, reduce: 1, vector },
      [points, length],
      [
        { strides, dtype },
        { strides: [1, 0], dtype: indexed ? 'int32' : dtype },
      ],
      [
        { loop: true, reductions: [{ op, value: x.load(type, 0), accumulator: 0 }], stores: [] },
        once(set(1, x.accumulator(indexed ? 'i32' : type, 0))),
      ],
    )
    const result = indexed || dtype === 'int32' ? new Int32Array(points) : new Float32Array(points)
    return run(built, [data, result], 1)
  }

  test('of nothing give the neutral element', () => {
    const [outer, inner] = vector === 1 ? [3, 0] : [0, 3]
    const of = (op: ReduceOp, dtype: DType = 'float32'): number[] => {
      const empty = dtype === 'int32' ? new Int32Array(0) : new Float32Array(0)
      return reduced(op, empty, outer, inner, dtype)
    }
    expect(of('sum')).toEqual([0, 0, 0])
    expect(of('prod')).toEqual([1, 1, 1])
    expect(of('max')).toEqual([-Infinity, -Infinity, -Infinity])
    expect(of('min', 'int32')).toEqual([0x7fffffff, 0x7fffffff, 0x7fffffff])
    expect(of('max', 'int32')).toEqual([-0x80000000, -0x80000000, -0x80000000])
  })

  test('find the first of the largest, and the first NaN before all', () => {
    const width = 40
    const [outer, inner] = vector === 1 ? [5, width] : [width, 5]
    const data = new Float32Array(5 * width).fill(1)
    const put = (point: number, at: number, value: number): void => {
      data[vector === 1 ? point * inner + at : at * inner + point] = value
    }
    put(1, 7, 3)
    put(1, 30, 3)
    put(2, 35, Number.NaN)
    put(2, 38, Number.NaN)
    put(2, 3, 9)
    put(3, 39, 2)
    for (let i = 0; i < width; i++) put(4, i, -Infinity)
    expect(reduced('argmax', data, outer, inner)).toEqual([0, 7, 35, 39, 0])
    expect(reduced('argmin', data, outer, inner)).toEqual([0, 0, 35, 0, 0])
    expect(reduced('max', data, outer, inner)).toEqual([1, 3, Number.NaN, 2, -Infinity])
  })

  test.each([1, 2, 3, 4, 5, 15, 16, 17, 33, 64, 100])('of length %i sum up', (length) => {
    const [outer, inner] = vector === 1 ? [3, length] : [length, 3]
    const data = random(3 * length).map((v) => Math.round(v * 8) / 8)
    const want = [0, 1, 2].map((point) => {
      let sum = 0
      for (let i = 0; i < length; i++) sum += data[vector === 1 ? point * inner + i : i * inner + point]
      return sum
    })
    expect(reduced('sum', data, outer, inner)).toEqual(want)
  })
})

/** Compares with the interpreter, whose sums are exact. */
function expectInterpreted(built: { kernel: LoopKernel; launch: LoopLaunch }, buffers: readonly DataArray[]): void {
  const want = buffers.map((b) => b.slice())
  interpretLoop(built.kernel, built.launch, want)
  const got = runner(built.kernel, built.launch, buffers)([])
  got.forEach((buffer, i) => {
    const worst = Math.max(0, ...[...buffer].map((v, j) => Math.abs(v - want[i][j])))
    expect(worst, `buffer ${i}`).toBeLessThan(1e-5)
  })
}

describe.each([1, 3, 10, 64, 129])('row kernels on rows of %i', (width) => {
  const rows = 7
  const matrix = { strides: [width, 1] }
  const vector = { strides: [0, 1] }
  const perRow = { strides: [1, 0] }
  const axes = { parallel: 1, reduce: 1, vector: 1 }
  const sum = (value: Expr, accumulator: number): Stage => ({
    loop: true,
    reductions: [{ op: 'sum', value, accumulator }],
    stores: [],
  })
  const each = (...stores: Stage['stores']): Stage => ({ loop: true, reductions: [], stores })

  test('softmax', () => {
    const e = x.call('exp', x.sub(load(0), total(0)))
    const built = build(
      axes,
      [rows, width],
      [matrix, matrix],
      [
        { loop: true, reductions: [{ op: 'max', value: load(0), accumulator: 0 }], stores: [] },
        { loop: true, reductions: [{ op: 'sum', value: e, accumulator: 1 }], stores: [set(1, e)] },
        each(set(1, x.div(load(1), total(1)))),
      ],
    )
    expectInterpreted(built, [random(rows * width), new Float32Array(rows * width)])
  })

  test('the gradient of softmax', () => {
    const built = build(
      axes,
      [rows, width],
      [matrix, matrix, matrix],
      [sum(x.mul(load(0), load(1)), 0), each(set(2, x.mul(load(0), x.sub(load(1), total(0)))))],
    )
    expectInterpreted(built, [random(rows * width), random(rows * width, 2), new Float32Array(rows * width)])
  })

  const mean = x.mul(total(0), f(1 / width))
  const centred = x.sub(load(0), mean)
  const scale = x.div(f(1), x.sqrt(x.add(x.mul(total(1), f(1 / width)), f(1e-5))))

  test('layer norm, with its statistics', () => {
    const built = build(
      axes,
      [rows, width],
      [matrix, vector, vector, matrix, perRow, perRow],
      [
        sum(load(0), 0),
        sum(x.mul(centred, centred), 1),
        once(set(4, mean), set(5, scale)),
        each(set(3, x.add(x.mul(x.mul(centred, scale), load(1)), load(2)))),
      ],
    )
    const buffers = [random(rows * width), random(width, 2), random(width, 3)]
    expectInterpreted(built, [
      ...buffers,
      new Float32Array(rows * width),
      new Float32Array(rows),
      new Float32Array(rows),
    ])
  })

  test('the gradient of layer norm', () => {
    const normal = x.mul(x.sub(load(0), load(3)), load(4))
    const g = x.mul(load(1), load(2))
    const [meanG, meanGN] = [x.mul(total(0), f(1 / width)), x.mul(total(1), f(1 / width))]
    const built = build(
      axes,
      [rows, width],
      [matrix, matrix, vector, perRow, perRow, matrix],
      [
        {
          loop: true,
          reductions: [
            { op: 'sum', value: g, accumulator: 0 },
            { op: 'sum', value: x.mul(g, normal), accumulator: 1 },
          ],
          stores: [],
        },
        each(set(5, x.mul(load(4), x.sub(x.sub(g, meanG), x.mul(normal, meanGN))))),
      ],
    )
    const buffers = [random(rows * width), random(rows * width, 2), random(width, 3), random(rows, 4), random(rows, 5)]
    expectInterpreted(built, [...buffers, new Float32Array(rows * width)])
  })
})

test('a gather picks rows, from the end where negative, and clamps', () => {
  const width = 6
  const index = x.load('i32', 0)
  const built = build(
    { parallel: 2, reduce: 0, vector: 1 },
    [4, width],
    [
      { strides: [1, 0], dtype: 'int32' },
      { strides: [0, 1], indirect: index, rows: { stride: width, extent: 3 } },
      { strides: [width, 1] },
    ],
    [once(set(2, load(1)))],
  )
  const table = random(3 * width)
  const got = run(built, [Int32Array.of(2, -1, 0, 99), table, new Float32Array(4 * width)], 2)
  const row = (i: number): number[] => [...table.subarray(i * width, (i + 1) * width)]
  expect(got).toEqual([...row(2), ...row(2), ...row(0), ...row(2)])
})

test('a scatter adds rows in loop order, those of the same index too', () => {
  const built = build(
    { parallel: 1, reduce: 1, vector: 0 },
    [5, 4],
    [
      { strides: [0, 1], dtype: 'int32' },
      { strides: [1, 5] },
      { strides: [1, 0], indirect: x.load('i32', 0), rows: { stride: 5, extent: 3 } },
    ],
    [{ loop: true, reductions: [], stores: [{ access: 2, value: load(1), mode: 'add' }] }],
  )
  const values = Float32Array.from({ length: 20 }, (_, i) => i)
  const got = run(built, [Int32Array.of(1, 0, 1, -1), values, new Float32Array(15)], 2)
  expect(got).toEqual([5, 6, 7, 8, 9, 10, 12, 14, 16, 18, 15, 16, 17, 18, 19])
})

test('lanes that add to the same element all count', () => {
  const built = build(
    { parallel: 1, reduce: 0, vector: 0 },
    [11],
    [
      { strides: [1], dtype: 'int32' },
      { strides: [0], indirect: x.load('i32', 0), rows: { stride: 1, extent: 2 } },
    ],
    [once({ access: 1, value: f(1), mode: 'add' })],
  )
  expect(run(built, [Int32Array.of(0, 0, 1, 0, 0, 0, 1, 1, 0, 0, 0), new Float32Array(2)], 1)).toEqual([8, 3])
})

test('bounds pad with the fill and read nothing outside', () => {
  const n = 21
  const built = build(
    { parallel: 1, reduce: 0, vector: 0 },
    [n],
    [{ strides: [1], offset: -5, bounds: [[5, 12]], fill: 9 }, { strides: [1] }],
    [once(set(1, load(0)))],
  )
  const data = random(7)
  const got = run(built, [data, new Float32Array(n)], 1)
  expect(got).toEqual(Array.from({ length: n }, (_, i) => (i >= 5 && i < 12 ? data[i - 5] : 9)))
})

test('float64 kernels call the exact functions', () => {
  const n = 9
  const built = build(
    { parallel: 1, reduce: 0, vector: 0 },
    [n],
    [
      { strides: [1], dtype: 'float64' },
      { strides: [1], dtype: 'float64' },
    ],
    [once(set(1, x.call('tanh', x.load('f64', 0))))],
  )
  const data = Float64Array.from({ length: n }, (_, i) => i / 3 - 1)
  expect(run(built, [data, new Float64Array(n)], 1)).toEqual([...data].map(Math.tanh))
})

test('integer division by zero is zero', () => {
  const built = build(
    { parallel: 1, reduce: 0, vector: 0 },
    [4],
    [
      { strides: [1], dtype: 'int32' },
      { strides: [1], dtype: 'int32' },
      { strides: [1], dtype: 'int32' },
    ],
    [once(set(2, x.div(x.load('i32', 0), x.load('i32', 1))))],
  )
  const got = run(built, [Int32Array.of(7, -7, 5, -0x80000000), Int32Array.of(2, 2, 0, -1), new Int32Array(4)], 2)
  expect(got).toEqual([3, -3, 0, -0x80000000])
})

describe.each([0, -0, 1, -1, Infinity, -Infinity])('bounds by the constant %d', (bound) => {
  test('are those of Math.min and Math.max, for NaN and both zeros too', () => {
    const special = [0, -0, 1, -1, 0.5, Infinity, -Infinity, Number.NaN, -0, 0, Number.NaN]
    const n = special.length
    const built = build(
      { parallel: 1, reduce: 0, vector: 0 },
      [n],
      [{ strides: [1] }, { strides: [1] }, { strides: [1] }, { strides: [1] }],
      [once(set(1, x.max(load(0), f(bound))), set(2, x.min(f(bound), load(0))), set(3, x.max(f(bound), load(0))))],
    )
    const buffers = [Float32Array.from(special), ...[0, 0, 0].map(() => new Float32Array(n))]
    expect(run(built, buffers, 1)).toEqual(special.map((v) => Math.max(v, bound)))
    expect(run(built, buffers, 2)).toEqual(special.map((v) => Math.min(v, bound)))
    expect(run(built, buffers, 3)).toEqual(special.map((v) => Math.max(v, bound)))
  })
})
