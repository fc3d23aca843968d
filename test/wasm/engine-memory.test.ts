// The heap: blocks never overlap, free neighbours join, and a memory that is full says so with sizes.

import { describe, expect, test } from 'vitest'
import { alignment, Heap } from '../../src/backend/wasm/heap.ts'
import { LinearMemory, pageBytes } from '../../src/backend/wasm/memory.ts'
import { integers } from './random.ts'

describe('heap', () => {
  test('random allocations and releases never overlap and leave one free block in the end', () => {
    const next = integers(7)
    const heap = new Heap(1024)
    heap.extend(1024 + 4 * 2 ** 20)
    const used = new Map<number, number>()
    let refused = 0
    for (let turn = 0; turn < 20_000; turn++) {
      if (used.size > 0 && next(100) < (turn % 4000 < 2000 ? 40 : 60)) {
        const address = [...used.keys()][next(used.size)]
        used.delete(address)
        heap.free(address)
        continue
      }
      const bytes = next(10) === 0 ? next(300_000) : next(5_000)
      const address = heap.allocate(bytes)
      if (address < 0) refused++
      else used.set(address, bytes)
    }
    const blocks = [...used].sort(([a], [b]) => a - b)
    blocks.forEach(([address, bytes], i) => {
      expect(address % alignment).toBe(0)
      expect(address).toBeGreaterThanOrEqual(1024)
      const following = blocks[i + 1]?.[0] ?? heap.end
      expect(address + bytes).toBeLessThanOrEqual(following)
    })
    expect(refused).toBeGreaterThan(0)
    for (const address of used.keys()) heap.free(address)
    expect(heap.usedBytes).toBe(0)
    expect(heap.largestFree).toBe(4 * 2 ** 20)
    expect(heap.tail).toBe(4 * 2 ** 20)
  })

  test('the best fit of a size is taken', () => {
    const heap = new Heap(0)
    heap.extend(64 * 100)
    const [large, , small] = [64 * 7, 64, 64 * 6, 64].map((bytes) => heap.allocate(bytes))
    heap.free(large)
    heap.free(small)
    expect(heap.allocate(64 * 6)).toBe(small)
    expect(heap.allocate(64 * 7)).toBe(large)
  })

  test('a block of no bytes still has an address of its own', () => {
    const heap = new Heap(0)
    heap.extend(6400)
    expect(heap.allocate(0)).not.toBe(heap.allocate(0))
  })

  test('releasing twice is refused', () => {
    const heap = new Heap(0)
    heap.extend(6400)
    const address = heap.allocate(100)
    heap.free(address)
    expect(() => heap.free(address)).toThrow(/not a block in use/)
  })
})

describe('linear memory', () => {
  test('grows on demand and keeps what was written', () => {
    const memory = new LinearMemory()
    const small = memory.allocate(64)
    memory.views.u8.fill(7, small.address, small.address + 64)
    const before = memory.views.buffer
    const large = memory.allocate(32 * 2 ** 20)
    expect(memory.views.buffer).not.toBe(before)
    expect(large.address + large.bytes).toBeLessThan(memory.views.buffer.byteLength)
    expect([...memory.views.u8.subarray(small.address, small.address + 64)]).toEqual(Array(64).fill(7))
  })

  test('leaves room for vector loads at both ends', () => {
    const memory = new LinearMemory(100)
    const blocks = Array.from({ length: 90 }, () => memory.allocate(pageBytes))
    const first = Math.min(...blocks.map((b) => b.address))
    const last = Math.max(...blocks.map((b) => b.address + b.bytes))
    expect(first).toBeGreaterThanOrEqual(64)
    expect(memory.views.buffer.byteLength - last).toBeGreaterThanOrEqual(64)
  })

  test('says how much was asked for, used and granted when it is full', () => {
    const memory = new LinearMemory(128)
    memory.allocate(3 * 2 ** 20)
    expect(() => memory.allocate(6 * 2 ** 20)).toThrow(
      /out of memory: 6\.0 MiB asked for, 3\.0 MiB of at most 8\.0 MiB in use, largest free piece 5\.0 MiB; use a smaller batch/,
    )
    const rest = memory.allocate(4 * 2 ** 20)
    memory.release(rest)
    expect(() => memory.release(rest)).toThrow(/released twice/)
    expect(memory.allocate(4.5 * 2 ** 20).address).toBeGreaterThan(0)
  })
})
