// The run loop: phases in order, chunks shared among real threads, workers that park, start late, fail or never start.

import { afterEach, describe, expect, test } from 'vitest'
import { platform } from '#platform'
import { Engine, type EngineOptions } from '../../src/backend/wasm/engine.ts'
import type { Block } from '../../src/backend/wasm/memory.ts'
import type { BufferPlace } from '../../src/kernel/program.ts'
import { handMade, load, trap, triple } from './hand-made.ts'

const engines: Engine[] = []
const engine = (options: EngineOptions): Engine => {
  const made = new Engine(options)
  engines.push(made)
  return made
}
afterEach(() => {
  for (const made of engines.splice(0)) made.terminate()
})

const canShare = typeof SharedArrayBuffer === 'function'
const length = 50_000
const bytes = 4 * length
const ints = (of: Engine, block: Block): Int32Array =>
  of.memory.views.i32.slice(block.address / 4, block.address / 4 + block.bytes / 4)
const filled = (of: Engine, count: number): Block => {
  const block = of.memory.allocate(4 * count)
  for (let i = 0; i < count; i++) of.memory.views.i32[block.address / 4 + i] = i
  return block
}
/** What `steps` times x → 3x + 1 in int32 makes of i. */
const tripled = (i: number, steps: number): number => {
  let x = i
  for (let s = 0; s < steps; s++) x = (Math.imul(3, x) + 1) | 0
  return x
}
const binding = (slot: number, size = bytes): BufferPlace => ({ kind: 'binding', slot, bytes: size })
const arena = (offset: number, size = bytes): BufferPlace => ({ kind: 'arena', offset, bytes: size })

describe.each([1, 2, 3])('%i threads', (threads) => {
  test('phases run in order, each on what the one before wrote', async () => {
    const e = engine({ threads })
    const kernels = handMade(e, [triple])
    const steps = [
      { kernel: 0, from: 0, to: 2, length },
      { kernel: 0, from: 2, to: 3, length },
      { kernel: 0, from: 3, to: 2, length },
      { kernel: 0, from: 2, to: 1, length },
    ]
    const program = load(e, kernels, [binding(0), binding(1), arena(0), arena(bytes)], steps)
    const [input, output] = [filled(e, length), e.memory.allocate(bytes)]
    const expected = Int32Array.from({ length }, (_, i) => tripled(i, 4))
    program.run([input, output])
    expect(ints(e, output)).toEqual(expected)
    await e.ready()
    for (let turn = 0; turn < 200; turn++) {
      e.memory.views.i32.fill(-1, output.address / 4, output.address / 4 + length)
      program.run([input, output])
      expect(e.memory.views.i32[output.address / 4 + ((turn * 7919) % length)]).toBe(expected[(turn * 7919) % length])
    }
    expect(ints(e, output)).toEqual(expected)
  })

  test('every iteration runs once: a program that adds to itself, 2,000 times', async () => {
    const e = engine({ threads })
    const kernels = handMade(e, [triple])
    await e.ready()
    const program = load(e, kernels, [binding(0, 80_000)], [{ kernel: 0, from: 0, to: 0, length: 20_000 }], 500)
    const block = filled(e, 20_000)
    program.run([block], 1000)
    for (let turn = 0; turn < 1000; turn++) program.run([block])
    expect(ints(e, block)).toEqual(Int32Array.from({ length: 20_000 }, (_, i) => tripled(i, 2000)))
  })

  test('many phases, tiny and large mixed', async () => {
    const e = engine({ threads })
    const kernels = handMade(e, [triple])
    await e.ready()
    const sizes = Array.from({ length: 300 }, (_, p) => [1, 3, 17, 1000, 20_000][p % 5])
    const program = load(
      e,
      kernels,
      [binding(0, 80_000)],
      sizes.map((n) => ({ kernel: 0, from: 0, to: 0, length: n })),
    )
    const block = filled(e, 20_000)
    program.run([block], 5)
    const steps = (i: number): number => 5 * sizes.filter((n) => n > i).length
    expect(ints(e, block)).toEqual(Int32Array.from({ length: 20_000 }, (_, i) => tripled(i, steps(i))))
  })
})

test('kernels that come while the workers are parked are compiled by them, after the memory grew too', async () => {
  const e = engine({ threads: 3 })
  await e.ready()
  for (let round = 0; round < 5; round++) {
    // Long enough for the workers to have stopped spinning.
    await new Promise((resolve) => setTimeout(resolve, 5))
    e.memory.allocate(20 * 2 ** 20)
    const kernels = handMade(e, [triple, triple])
    const program = load(
      e,
      kernels,
      [binding(0)],
      [0, 1, 0].map((kernel) => ({ kernel, from: 0, to: 0, length })),
    )
    const block = filled(e, length)
    program.run([block], 20)
    expect(ints(e, block)).toEqual(Int32Array.from({ length }, (_, i) => tripled(i, 60)))
  }
})

test('10,000 runs with other bindings each time', () => {
  const e = engine({ threads: 1 })
  const kernels = handMade(e, [triple])
  const program = load(e, kernels, [binding(0, 16), binding(1, 16)], [{ kernel: 0, from: 0, to: 1, length: 4 }])
  const blocks = Array.from({ length: 3 }, () => filled(e, 4))
  for (let turn = 0; turn < 10_000; turn++) program.run([blocks[turn % 3], blocks[(turn + 1) % 3]])
  const expected = [0, 1, 2].map(() => [0, 1, 2, 3])
  for (let turn = 0; turn < 10_000; turn++)
    expected[(turn + 1) % 3] = expected[turn % 3].map((x) => (Math.imul(3, x) + 1) | 0)
  expect(blocks.map((block) => [...ints(e, block)])).toEqual(expected)
})

test.runIf(canShare)('a worker that cannot start is told of once, and the rest go on', async () => {
  const told: string[] = []
  let count = 0
  const e = engine({
    threads: 4,
    warn: (message) => told.push(message),
    platform: {
      ...platform,
      startWorker: (program, data, events) =>
        platform.startWorker(program, count++ < 2 ? { ...data, memory: undefined } : data, events),
    },
  })
  const kernels = handMade(e, [triple])
  const program = load(e, kernels, [binding(0)], [{ kernel: 0, from: 0, to: 0, length }])
  await e.ready()
  const block = filled(e, length)
  program.run([block], 50)
  expect(ints(e, block)).toEqual(Int32Array.from({ length }, (_, i) => tripled(i, 50)))
  expect(told).toEqual([`tenon: ${e.threadNote}`])
  expect(e.threadNote).toMatch(/could not start or died \(.+\).*fewer than 4 threads/)
})

test.each([1, 2])('a kernel that traps stops the engine with a clear error, %i threads', async (threads) => {
  const e = engine({ threads, warn: () => {} })
  const kernels = handMade(e, [trap])
  const program = load(e, kernels, [binding(0)], [{ kernel: 0, from: 0, to: 0, length }], 100)
  await e.ready()
  const block = filled(e, length)
  expect(() => program.run([block])).toThrow(/unreachable|trapped on a worker/)
  expect(() => program.run([block])).toThrow(/the engine stopped because a kernel trapped/)
})

test('bindings are checked: missing, released, too small, of another engine', () => {
  const e = engine({ threads: 1 })
  const program = load(e, handMade(e, [triple]), [binding(0)], [{ kernel: 0, from: 0, to: 0, length }])
  const other = engine({ threads: 1 })
  expect(() => program.run([])).toThrow(/binding 0 is no storage of this backend/)
  expect(() => program.run([other.memory.allocate(bytes)])).toThrow(/binding 0 is no storage of this backend/)
  expect(() => program.run([e.memory.allocate(64)])).toThrow(/binding 0 has 64 bytes, the program needs 200000/)
  const block = filled(e, length)
  program.run([block])
  e.memory.release(block)
  expect(() => program.run([block])).toThrow(/binding 0 was released/)
  program.release()
  expect(() => program.run([filled(e, length)])).toThrow(/this program was released/)
})

test.each([0, -1, 1.5, Number.NaN])('%d threads are refused', (threads) => {
  expect(() => new Engine({ threads })).toThrow(/threads must be a whole number from 1/)
})

test.skipIf(canShare)('without shared memory there is one thread, which is told of once', () => {
  const told: string[] = []
  const e = engine({ threads: 4, warn: (message) => told.push(message) })
  expect(e.threads).toBe(1)
  expect(told).toEqual([`tenon: ${e.threadNote}`])
  expect(e.threadNote).toMatch(/not cross-origin isolated.*one thread.*Cross-Origin-Opener-Policy/)
})
