// What the processor can do, asked by CPUID: vector extensions that the system supports too, and the sizes of its caches.

import type { NativeHost } from '../../platform/platform.ts'
import { Assembler, register } from './assembler.ts'
import { avx2 } from './avx2.ts'

export interface CpuFeatures {
  /** AVX-512 with what the kernels use: F, DQ, BW, VL, and FMA and BMI2. */
  readonly avx512: boolean
  /** AVX2 with FMA and BMI2. */
  readonly avx2: boolean
  /** Bytes of the first- and second-level data cache of a core, and of the last level. */
  readonly cache: { readonly first: number; readonly second: number; readonly last: number }
}

const codeBytes = 4096

/** Asks the processor, if the system lets code run; the code that does it lives only as long. */
export function cpuFeatures(host: NativeHost): CpuFeatures | undefined {
  const address = host.reserve(codeBytes)
  try {
    const code = cpuidCode(host.convention)
    if (!host.install(address, code)) return undefined
    const words = new Int32Array(4)
    const out = host.addressOf(words)
    const call = host.callable(address, 3)
    const ask = (leaf: number, subleaf = 0): readonly number[] => {
      call(leaf, subleaf, out)
      return Array.from(words)
    }
    return { ...extensions(ask), cache: caches(ask) }
  } finally {
    host.release(address, codeBytes)
  }
}

/** Asks for a leaf of CPUID: eax, ebx, ecx, edx. Leaf −1 is XCR0. */
type Ask = (leaf: number, subleaf?: number) => readonly number[]

function extensions(ask: Ask): { avx512: boolean; avx2: boolean } {
  const has = (word: number, bits: readonly number[]): boolean => bits.every((b) => (word >>> b) & 1)
  const none = { avx512: false, avx2: false }
  if (ask(0)[0] < 7) return none
  const [, , ecx] = ask(1)
  // FMA, OSXSAVE, AVX
  if (!has(ecx, [12, 27, 28])) return none
  const [enabled] = ask(-1)
  const [, ebx] = ask(7)
  // The system saves xmm and ymm; AVX2, BMI2
  const avx2 = has(enabled, [1, 2]) && has(ebx, [5, 8])
  // It saves masks and zmm; F, DQ, BW, VL
  const avx512 = avx2 && has(enabled, [5, 6, 7]) && has(ebx, [16, 17, 30, 31])
  return { avx512, avx2 }
}

/** Intel's leaf 4, or AMD's of the same form; sizes of common machines where there is neither. */
function caches(ask: Ask): CpuFeatures['cache'] {
  const sizes = { first: 32 * 1024, second: 1024 * 1024, last: 8 * 1024 * 1024 }
  const leaf = [4, 0x8000001d].find((l) => {
    const highest = ask(l < 0x80000000 ? 0 : 0x80000000 | 0)[0] >>> 0
    return highest >= l && (ask(l | 0)[0] & 31) !== 0
  })
  if (leaf === undefined) return sizes
  for (let i = 0; i < 8; i++) {
    const [eax, ebx, ecx] = ask(leaf | 0, i)
    const kind = eax & 31
    if (kind === 0) break
    if (kind === 2) continue
    const bytes = ((ebx >>> 22) + 1) * (((ebx >>> 12) & 1023) + 1) * ((ebx & 4095) + 1) * ((ecx >>> 0) + 1)
    const level = (eax >>> 5) & 7
    if (level === 1) sizes.first = bytes
    else if (level === 2) sizes.second = bytes
    else sizes.last = bytes
  }
  return sizes
}

/** A C function (leaf, subleaf, out). */
function cpuidCode(convention: NativeHost['convention']): Uint8Array {
  const { rax, rcx, rdx, rbx, rsi, rdi, r8, r9 } = register
  // No vectors are in it
  const a = new Assembler(avx2)
  const [control, out] = [a.label(), a.label()]
  const place = (word: number): { base: number; displacement: number } => ({ base: r8, displacement: 4 * word })
  if (convention === 'systemV') a.move(rax, rdi, true).move(r8, rdx, true).move(rcx, rsi, true)
  else a.move(rax, rcx, true).move(rcx, rdx, true)
  a.move(r9, rbx, true).arithmeticImmediate('cmp', rax, -1).jumpIf('equal', control)
  a.cpuid().jump(out)
  a.bind(control).arithmetic('xor', rcx, rcx).xgetbv()
  a.bind(out).store(place(0), rax).store(place(1), rbx).store(place(2), rcx).store(place(3), rdx)
  a.move(rbx, r9, true).ret()
  return a.finish()
}
