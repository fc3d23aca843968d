// Results larger than the caches are stored past them: the same numbers, to the last element, and only where stores are whole and aligned.

import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { streams } from '../../src/backend/x86/streaming.ts'
import type { LoopKernel, LoopLaunch } from '../../src/kernel/loop.ts'
import * as s from '../../src/scalar/expr.ts'
import { compile, configure, tensor } from '../../src/tensor/index.ts'
import { useMachineCode } from '../support/backends.ts'
import { missing } from './native.ts'

const access = { dtype: 'float32', strides: ['unit'], bounded: [false], fill: 0 } as const
const kernel: LoopKernel = {
  kind: 'loop',
  parallel: 1,
  reduce: 0,
  vector: 0,
  accesses: [access, access],
  stages: [{ loop: false, reductions: [], stores: [{ access: 1, value: s.load('f32', 0), mode: 'set' }] }],
}
const large = 2 ** 23
const launched = (total: number, offset = 0, to = 1, grain = 4096): LoopLaunch => {
  const at = { strides: [1], low: [0], high: [total], indirectStride: 0, indirectExtent: 0 }
  return {
    kind: 'loop',
    kernel: 0,
    extents: [total],
    accesses: [
      { ...at, buffer: 0, offset: 0 },
      { ...at, buffer: to, offset },
    ],
    total,
    grain,
  }
}
const places = [
  { kind: 'binding', slot: 0, bytes: 4 * large },
  { kind: 'arena', offset: 64, bytes: 4 * large },
  { kind: 'arena', offset: 32, bytes: 4 * large },
] as const

test('only where whole vectors are written, at multiples of their size, and much', () => {
  const of = (...args: Parameters<typeof launched>): boolean => streams(kernel, launched(...args), places)
  expect(of(large)).toBe(true)
  expect(of(large - 1)).toBe(false)
  expect(of(large, 1)).toBe(false)
  expect(of(large, 0, 0)).toBe(false)
  expect(of(large, 0, 2)).toBe(false)
  expect(of(large, 0, 1, 4100)).toBe(false)
  const apart: LoopKernel = { ...kernel, accesses: [access, { ...access, strides: ['any'] }] }
  expect(streams(apart, launched(large), places)).toBe(false)
})

describe.skipIf(missing !== undefined).each([1, 2])('%i thread(s)', (threads) => {
  beforeAll(() => {
    configure({ backend: 'x86', threads })
    useMachineCode({ threads })
  })
  afterAll(() => configure({ backend: 'wasm', threads: 1 }))

  it('gives every element', () => {
    const count = large + 21
    const x = Float32Array.from({ length: count }, (_, i) => i % 8191)
    const given = tensor(x)
    const y = compile(() => given.mul(2).add(1))().dataSync()
    let wrong = y.length === count ? 0 : 1
    for (let i = 0; i < count; i++) if (y[i] !== 2 * x[i] + 1) wrong++
    expect(wrong).toBe(0)
  })

  it.runIf(threads === 1)('gives every element of float64', () => {
    const count = large / 2 + 21
    const x = Float64Array.from({ length: count }, (_, i) => i % 8191)
    const given = tensor(x, { dtype: 'float64' })
    const y = compile(() => given.mul(2).add(1))().dataSync()
    let wrong = y.length === count ? 0 : 1
    for (let i = 0; i < count; i++) if (y[i] !== 2 * x[i] + 1) wrong++
    expect(wrong).toBe(0)
  })
})
