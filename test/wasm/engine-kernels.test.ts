// What is decided when a program is loaded: which kernels are compiled, and how a product is cut into blocks.

import { expect, test } from 'vitest'
import { contractBlocking, scratchLayout } from '../../src/backend/wasm/blocking.ts'
import { Engine } from '../../src/backend/wasm/engine.ts'
import { KernelCache } from '../../src/backend/wasm/kernels.ts'
import { loopLayout, scratchBytes } from '../../src/backend/wasm/layout.ts'
import { kernelKey } from '../../src/kernel/key.ts'
import type { LoopKernel } from '../../src/kernel/loop.ts'
import { add, call, constant, type Expr, load } from '../../src/scalar/expr.ts'
import { integers } from './random.ts'

function map(value: Expr, dtype: 'float32' | 'float64' = 'float32', fill = 0): LoopKernel {
  const access = { dtype, strides: ['unit'], bounded: [false], fill } as const
  return {
    kind: 'loop',
    parallel: 1,
    reduce: 0,
    vector: 0,
    accesses: [access, access],
    stages: [{ loop: false, reductions: [], stores: [{ access: 1, value, mode: 'set' }] }],
  }
}

test('kernels of equal structure are compiled once, across programs and within one', () => {
  const engine = new Engine({ threads: 1 })
  const cache = new KernelCache(engine)
  const increment = (by: number): LoopKernel => map(add(load('f32', 0), constant('f32', by)))
  const indices = (kernels: readonly LoopKernel[]): number[] =>
    cache.compile(kernels).map((found) => (found.kind === 'loop' ? found.loop.index : -1))
  const [one, two, again] = indices([increment(1), increment(2), increment(1)])
  expect(again).toBe(one)
  expect(two).not.toBe(one)
  expect(indices([increment(2), increment(1)])).toEqual([two, one])
  expect(indices([increment(3)])).toEqual([two + 1])
})

test('a kernel that the emitter refuses leaves nothing behind', () => {
  const cache = new KernelCache(new Engine({ threads: 1 }))
  const good = map(load('f32', 0))
  const bad = map({ ...constant('f32', 1), op: 'argument' })
  expect(() => cache.compile([good, bad])).toThrow()
  expect(() => cache.compile([bad])).toThrow()
  expect(cache.compile([good])[0].kind).toBe('loop')
})

test('float64 functions stay on the calling thread', () => {
  const cache = new KernelCache(new Engine({ threads: 1 }))
  const found = cache.compile([map(call('exp', load('f64', 0)), 'float64'), map(call('exp', load('f32', 0)))])
  expect(found.map((f) => f.kind === 'loop' && f.loop.callerOnly)).toEqual([true, false])
})

test('keys tell apart what differs, down to the sign of a zero', () => {
  const keys = [
    map(load('f32', 0)),
    map(load('f32', 1)),
    map(load('f32', 0), 'float32', -0),
    map(load('f64', 0), 'float64'),
    { ...map(load('f32', 0)), vector: -1 },
    map(add(load('f32', 0), constant('f32', 0))),
    map(add(load('f32', 0), constant('f32', -0))),
  ].map(kernelKey)
  expect(new Set(keys).size).toBe(keys.length)
  expect(kernelKey(map(load('f32', 0)))).toBe(keys[0])
})

test('the args block has a word for what the kernel asks at run time and none for what it knows', () => {
  const layout = loopLayout({
    kind: 'loop',
    parallel: 1,
    reduce: 1,
    vector: 1,
    accesses: [
      { dtype: 'float32', strides: ['any', 'unit'], bounded: [false, true], fill: 0 },
      { dtype: 'int32', strides: ['zero', 'any'], bounded: [false, false], fill: 0, indirect: load('i32', 1) },
    ],
    stages: [],
  })
  expect(layout).toEqual({
    extents: [0, 1],
    accesses: [
      { address: 2, strides: [3, -1], low: [-1, 4], high: [-1, 5], indirectStride: -1, indirectExtent: -1 },
      { address: 6, strides: [-1, 7], low: [-1, -1], high: [-1, -1], indirectStride: 8, indirectExtent: 9 },
    ],
    words: 10,
  })
})

test.each([
  { rows: 2, columns: 16, spread: false },
  { rows: 5, columns: 8, spread: true },
  { rows: 6, columns: 8, spread: false },
])('blocks cover the product, are whole tiles and fit the scratch memory: tile %o', (tile) => {
  const next = integers(11)
  const extent = (): number => 1 + next([4, 40, 400, 4000][next(4)])
  for (let turn = 0; turn < 500; turn++) {
    const shape = { batch: extent(), m: extent(), n: extent(), k: next(3000), packLeft: next(2), packRight: next(2) }
    const blocking = contractBlocking({ ...shape, epilogue: 0.3 }, tile)
    expect(blocking.mc % tile.rows).toBe(0)
    expect(blocking.nc % tile.columns).toBe(0)
    expect(blocking.mBlocks * blocking.mc).toBeGreaterThanOrEqual(shape.m)
    expect((blocking.mBlocks - 1) * blocking.mc).toBeLessThan(shape.m)
    expect(blocking.nBlocks * blocking.nc).toBeGreaterThanOrEqual(shape.n)
    expect((blocking.nBlocks - 1) * blocking.nc).toBeLessThan(shape.n)
    expect(blocking.blocks).toBe(shape.batch * blocking.mBlocks * blocking.nBlocks)
    expect(scratchLayout(blocking.mc, blocking.nc, blocking.kc).bytes).toBeLessThanOrEqual(scratchBytes)
  }
})
