// Blocks of products: a row of them leaves a small one over, and what many would pack is packed once.
import { expect, test } from 'vitest'
import { avx512 } from '../../src/backend/x86/avx512.ts'
import { type NativeBlocking, nativePlan } from '../../src/backend/x86/blocking.ts'

/** A product of row-major matrices where a core has caches of 48 KiB and 1 MiB. */
const planOf = (m: number, n: number, k: number): NativeBlocking =>
  nativePlan(
    { batch: 1, m, n, k, packLeft: 0.275, packRight: 0.175, epilogue: 0.1, streams: 1 },
    undefined,
    { first: 48 * 1024, second: 2 ** 20, last: 32 * 2 ** 20 },
    avx512,
  )

test('threads that share a row of blocks wait for a small one', () => {
  const { blocking } = planOf(512, 128, 2048)
  const { mc, mBlocks, nBlocks } = blocking
  expect(nBlocks).toBe(1)
  const last = 512 - (mBlocks - 1) * mc
  const [one, other] = [Math.ceil((mBlocks - 1) / 2) * mc, Math.floor((mBlocks - 1) / 2) * mc + last]
  expect(Math.max(one, other) / 256).toBeLessThan(1.04)
})

test('squares of many blocks have the right operand packed once for all, and the left one by each', () => {
  const ahead = [256, 1024, 2048].map((n) => planOf(n, n, n).ahead)
  expect(ahead).toEqual([
    { left: false, right: false },
    { left: false, right: true },
    { left: false, right: true },
  ])
})
