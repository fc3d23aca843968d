// What computes where no backend is named.
import { afterEach, expect, test, vi } from 'vitest'
import { x86Vectors } from '#x86'
import { engine } from '../../src/engine/direct.ts'
import { usualBackend } from '../../src/engine/usual-backend.ts'

afterEach(() => {
  vi.unstubAllEnvs()
})

test('machine code where there can be some, else WebAssembly', () => {
  vi.stubEnv('TENON_BACKEND', undefined)
  expect(usualBackend()).toBe(x86Vectors() === undefined ? 'wasm' : 'x86')
  vi.stubEnv('TENON_X86', 'none')
  expect(usualBackend()).toBe('wasm')
})

test('what the variable TENON_BACKEND names', () => {
  for (const name of ['wasm', 'reference']) {
    vi.stubEnv('TENON_BACKEND', name)
    expect(usualBackend()).toBe(name)
    expect(engine.start(undefined, { threads: 1 }).name).toBe(name)
  }
  vi.stubEnv('TENON_BACKEND', 'cuda')
  expect(usualBackend).toThrow("TENON_BACKEND is 'cuda': it may be wasm or x86 or reference")
})
