// The backend as a whole: what becomes machine code, what stays, and that it can end.

import { expect, test } from 'vitest'
import { createX86Backend } from '#x86'
import { createWasmBackend } from '../../src/backend/wasm/index.ts'
import { avx512 } from '../../src/backend/x86/avx512.ts'
import { nativePlan } from '../../src/backend/x86/blocking.ts'
import { platform } from '../../src/platform/node.ts'
import type { NativeHost } from '../../src/platform/platform.ts'
import { contractProgram, matrices } from '../wasm/contract-program.ts'
import { missing } from './native.ts'

const available = missing === undefined

test.skipIf(!available)('a backend that ended runs nothing any more', () => {
  const backend = createX86Backend({ threads: 1, worthCalling: 0 })
  if (typeof backend === 'string') throw new Error(backend)
  const program = backend.load(contractProgram(matrices(1, 20, 20, 20)))
  const storages = [0, 1, 2].map(() => backend.allocate(1600))
  program.run(storages)
  backend.terminate()
  backend.terminate()
  expect(() => program.run(storages)).toThrow(/terminated/)
})

test('says why there is none: no koffi, no executable pages', () => {
  const without = { ...platform, native: () => 'no koffi here' }
  expect(createX86Backend({ threads: 1, platform: without })).toBe('no koffi here')
})

test.skipIf(!available)('a system that forbids executable pages is no reason to fail', () => {
  const native = (): NativeHost | string => {
    const host = platform.native()
    return typeof host === 'string' ? host : { ...host, install: () => false }
  }
  expect(createX86Backend({ threads: 1, platform: { ...platform, native } })).toMatch(/executable pages/)
})

test.skipIf(!available)('threads that come later, or not at all, change no bits', async () => {
  const results: Float32Array[] = []
  for (const threads of [1, 2, 3]) {
    const backend = createX86Backend({ threads, worthCalling: 0 })
    if (typeof backend === 'string') throw new Error(backend)
    const [m, n, k] = [150, 200, 300]
    const storages = [m * k, k * n, m * n].map((length) => backend.allocate(4 * length))
    backend.upload(
      storages[0],
      Float32Array.from({ length: m * k }, (_, i) => Math.sin(i)),
    )
    backend.upload(
      storages[1],
      Float32Array.from({ length: k * n }, (_, i) => Math.cos(i)),
    )
    const program = backend.load(contractProgram(matrices(1, m, n, k)))
    program.run(storages)
    results.push(backend.download(storages[2], 'float32', m * n) as Float32Array)
    await backend.ready()
    program.run(storages, 20)
    results.push(backend.download(storages[2], 'float32', m * n) as Float32Array)
    backend.terminate()
  }
  for (const result of results) expect(Buffer.from(result.buffer).equals(Buffer.from(results[0].buffer))).toBe(true)
})

test.skipIf(!available)('operands that are packed ahead, for one product or all of a batch, change no bits', () => {
  const batched = matrices(2, 613, 333, 700)
  const shared = {
    ...batched,
    right: { ...batched.right, batch: { extents: [2], strides: [0] } },
    rightLength: 333 * 700,
  }
  const products = [matrices(1, 1000, 300, 700), matrices(1, 130, 3001, 700, { right: true }), batched, shared]
  const cache = { first: 48 * 2 ** 10, second: 2 * 2 ** 20, last: 32 * 2 ** 20 }
  const costs = { packLeft: 0.25, packRight: 0.15, epilogue: 0.1, streams: 1 }
  const plans = products.map((p) => nativePlan({ ...p, ...costs }, undefined, cache, avx512))
  expect(plans.map(({ ahead }) => [ahead.left, ahead.right])).toEqual([
    [false, true],
    [true, false],
    [false, true],
    [false, true],
  ])
  const [wasm, one, two] = [createWasmBackend({ threads: 1 }), createX86Backend({ threads: 1 }), createX86Backend()]
  // Sums of numbers of so few bits are exact in any order
  const numbers = (length: number): Float32Array => Float32Array.from({ length }, (_, i) => ((i * 7919) % 61) / 8 - 3)
  for (const product of products) {
    const { batch, m, n, leftLength, rightLength } = product
    const results = [wasm, one, two].map((backend) => {
      if (typeof backend === 'string') throw new Error(backend)
      const storages = [leftLength, rightLength, batch * m * n].map((length) => backend.allocate(4 * length))
      backend.upload(storages[0], numbers(leftLength))
      backend.upload(storages[1], numbers(rightLength))
      backend.load(contractProgram(product)).run(storages)
      return Buffer.from((backend.download(storages[2], 'float32', batch * m * n) as Float32Array).buffer)
    })
    expect(results.map((r) => r.equals(results[0]))).toEqual([true, true, true])
  }
  for (const backend of [wasm, one, two]) if (typeof backend !== 'string') backend.terminate()
})
