// The WASM engine on a page itself: real workers over shared memory where there is some, the same product as the triple loop.

import { afterAll, expect, test } from 'vitest'
import { createWasmBackend } from '../../src/backend/wasm/index.ts'
import { contractProgram, matrices, multiply } from '../wasm/contract-program.ts'
import { floats } from '../wasm/random.ts'

const backend = createWasmBackend({ threads: 2 })
afterAll(() => backend.terminate())

test('a product on two threads, or one where the page is not cross-origin isolated', async () => {
  const product = matrices(2, 150, 130, 200)
  const output = 2 * 150 * 130
  const storages = [product.leftLength, product.rightLength, output].map((length) => backend.allocate(4 * length))
  const [a, b] = [floats(product.leftLength, 1), floats(product.rightLength, 2)]
  backend.upload(storages[0], a)
  backend.upload(storages[1], b)
  const program = backend.load(contractProgram(product))
  program.run(storages)
  await backend.ready()
  expect(backend.threads).toBe(crossOriginIsolated ? 2 : 1)
  if (crossOriginIsolated) expect(backend.threadNote).toBeUndefined()
  else expect(backend.threadNote).toMatch('this page is not cross-origin isolated')
  for (let turn = 0; turn < 20; turn++) program.run(storages)
  const result = Float32Array.from(backend.download(storages[2], 'float32', output))
  expect(backend.download(storages[2], 'float32', output).buffer).toBeInstanceOf(ArrayBuffer)
  const reference = multiply(product, a, b)
  expect(result.reduce((worst, x, i) => Math.max(worst, Math.abs(x - reference[i])), 0)).toBeLessThan(1e-4)
})
