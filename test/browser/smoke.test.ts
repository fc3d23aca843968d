// The browser has what the engine stands on: WebAssembly SIMD and, on an isolated page, shared memory.
import { expect, test } from 'vitest'

// (module (func (result v128) i32.const 0 i8x16.splat))
const simdModule = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 8, 1, 6, 0, 65, 0, 253, 15, 11,
])

test('this is a browser page', () => {
  expect(typeof document).toBe('object')
})

test('WebAssembly SIMD validates', () => {
  expect(WebAssembly.validate(simdModule)).toBe(true)
})

test('an isolated page shares memory, another one has none to share', () => {
  expect(typeof SharedArrayBuffer === 'function').toBe(crossOriginIsolated)
  if (!crossOriginIsolated) return
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 2, shared: true })
  expect(memory.buffer).toBeInstanceOf(SharedArrayBuffer)
})
