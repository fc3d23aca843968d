// The x86 backend where there is none: in browsers.

import type { WasmBackend } from '../wasm/index.ts'
import type { X86Options } from './index.ts'

/** Says why there is no such backend here. */
export function createX86Backend(_options: X86Options = {}): WasmBackend | string {
  return 'browsers run WebAssembly, not machine code'
}

/** None. */
export function x86Vectors(): string | undefined {
  return undefined
}
