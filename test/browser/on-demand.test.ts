// Where no worker has the engine, as users' pages get it: it is loaded when it is needed, and commands wait for it.

import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { pageEngine } from '../../src/engine/page-engine.ts'
import { profile } from '../../src/inspect/index.ts'
import { backend, compile, configure, engineInfo, grad, runtime, type Tensor, tensor } from '../../src/tensor/index.ts'

const warnings = vi.spyOn(console, 'warn').mockImplementation(() => {})
afterAll(() => warnings.mockRestore())
const { engine } = runtime

beforeEach(() => {
  warnings.mockClear()
  // As before it was ever needed; and nothing of the backend before.
  configure({ backend: 'reference', worker: false })
  runtime.engine = undefined
  configure({ backend: 'wasm', worker: false, threads: 1 })
})
afterAll(() => {
  runtime.engine = engine
})

describe('without a worker', () => {
  test('what comes first waits for the engine; from then on numbers are read at once', async () => {
    const x = tensor([1, 2, 3])
    const gradient = grad(x.square().sum(), x)
    expect(() => gradient.dataSync()).toThrow(/yet to arrive.*`await`.*configure\(\{ worker: false \}\).*engineInfo/)
    expect(await gradient.array()).toEqual([2, 4, 6])
    expect(x.sum().itemSync()).toBe(6)
    const step = compile((v: Tensor) => v.mul(2))
    expect(step(x).dataSync()).toEqual(Float32Array.of(2, 4, 6))
    expect(warnings.mock.calls.flat().join()).toBe('')
  })

  test('after engineInfo it is called directly', async () => {
    expect(await engineInfo()).toMatchObject({ backend: 'wasm', threads: 1 })
    expect(backend().kind).toBe('kernels')
    const y = tensor([1, 2]).square()
    expect(profile(() => y.dataSync()).kernels.map((kernel) => kernel.ops)).toEqual(['mul'])
  })

  test('the reference works in a page, too; machine code does not', async () => {
    configure({ backend: 'reference' })
    expect(await tensor([1, 2]).exp().sum().item()).toBeCloseTo(Math.E + Math.E ** 2, 5)
    runtime.engine = undefined
    configure({ backend: 'x86' })
    await expect(tensor([1]).add(1).data()).rejects.toThrow("there is no backend 'x86' here: browsers run WebAssembly")
  })

  test('an engine that cannot be loaded is what every read says', async () => {
    const load = () => Promise.reject(new Error('Failed to fetch dynamically imported module'))
    runtime.backend = pageEngine({ name: 'wasm', options: {}, open: undefined, load })
    await expect(tensor([1]).add(1).data()).rejects.toThrow('Failed to fetch dynamically imported module')
    await expect(tensor([2]).add(1).data()).rejects.toThrow('Failed to fetch dynamically imported module')
    expect((await engineInfo()).threadNote).toContain('Failed to fetch')
  })
})

test('a worker that may not start: the same commands go to the page, and the console says so', async () => {
  configure({
    worker: () => {
      throw new Error('Refused to create a worker')
    },
  })
  const y = tensor([1, 2]).square().sum()
  expect(await y.item()).toBe(5)
  const { threadNote } = await engineInfo()
  expect(threadNote).toMatch(/could not start \(Refused to create a worker\).*Content-Security-Policy.*worker-src/)
  expect(warnings.mock.calls.flat().join()).toContain('could not start (Refused to create a worker)')
})

test('a worker of the program itself computes where it is', async () => {
  const worker = new Worker(new URL('./own-worker.ts', import.meta.url), { type: 'module' })
  try {
    const { data } = await new Promise<MessageEvent>((resolve, reject) => {
      worker.onmessage = resolve
      worker.onerror = (event) => reject(new Error(event.message))
    })
    expect(data).toEqual({ gradient: [2, 4, 6], atOnce: 6 })
  } finally {
    worker.terminate()
  }
})
