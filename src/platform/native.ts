// Machine code from Node: koffi calls it, the system gives it pages that are written first and made executable afterwards.

import { createRequire } from 'node:module'
import type { NativeHost } from './platform.ts'

type NativeFunction = (...values: (number | bigint | Uint8Array)[]) => number

/** The part of koffi that is used here; the package is optional, so nothing imports it. */
interface Koffi {
  load(path: string | null): { func(declaration: string): NativeFunction }
  proto(declaration: string): unknown
  decode(pointer: bigint, type: unknown): NativeFunction
  address(view: ArrayBufferView): bigint
}

/** What a system has for pages of memory. */
interface Pages {
  /** Addresses without memory behind them. */
  reserve(bytes: number): number
  makeWritable(address: number, bytes: number): boolean
  makeExecutable(address: number, bytes: number): boolean
  copy(address: number, code: Uint8Array): void
  release(address: number, bytes: number): void
  preferLarge(address: bigint, bytes: number): void
}

const pageBytes = 4096

/** Access to machine code, or why there is none. */
export function nativeHost(): NativeHost | string {
  if (process.arch !== 'x64') return `machine code is emitted for x86-64 only, this is ${process.arch}`
  const require = createRequire(import.meta.url)
  let path: string
  let koffi: Koffi
  try {
    path = require.resolve('koffi')
    koffi = require(path)
  } catch {
    return 'the optional package koffi, which calls machine code, is not installed: npm install koffi'
  }
  try {
    const pages = process.platform === 'win32' ? windowsPages(koffi) : unixPages(koffi)
    return host(koffi, path, pages)
  } catch (error) {
    return `koffi could not reach the system's memory functions: ${error instanceof Error ? error.message : String(error)}`
  }
}

let prototypes = 0
/** Each has a name of its own, for koffi keeps them. */
const prototype = (parameters: number): string =>
  `int32_t tenon${prototypes++}(${Array.from({ length: parameters }, () => 'uintptr_t').join(', ')})`

function host(koffi: Koffi, koffiPath: string, pages: Pages): NativeHost {
  return {
    convention: process.platform === 'win32' ? 'windows' : 'systemV',
    addressOf: (view) => koffi.address(view),
    reserve: (bytes) => pages.reserve(bytes),
    install(address, code) {
      const bytes = Math.ceil(code.length / pageBytes) * pageBytes
      if (!pages.makeWritable(address, bytes)) return false
      pages.copy(address, code)
      return pages.makeExecutable(address, bytes)
    },
    release: (address, bytes) => pages.release(address, bytes),
    preferLargePages: (address, bytes) => pages.preferLarge(address, bytes),
    callable: (address, parameters) => koffi.decode(BigInt(address), koffi.proto(prototype(parameters))),
    forWorkers: (address, parameters) => ({
      koffiPath,
      library: process.platform === 'win32' ? 'kernel32.dll' : null,
      ordinary: process.platform === 'win32' ? 'uint32_t GetCurrentThreadId()' : 'int getpid()',
      address: BigInt(address),
      prototype: prototype(parameters),
    }),
  }
}

/** Linux and macOS. */
function unixPages(koffi: Koffi): Pages {
  const system = koffi.load(null)
  const map = system.func('uintptr_t mmap(uintptr_t, size_t, int, int, int, int64_t)')
  const unmap = system.func('int munmap(uintptr_t, size_t)')
  const protect = system.func('int mprotect(uintptr_t, size_t, int)')
  const advise = process.platform === 'linux' ? system.func('int madvise(uintptr_t, size_t, int)') : undefined
  const copy = system.func('uintptr_t memcpy(uintptr_t, const uint8_t *, size_t)')
  const [read, write, execute] = [1, 2, 4]
  const hugePages = 14
  // MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
  const flags = process.platform === 'darwin' ? 0x1042 : 0x4022
  return {
    reserve(bytes) {
      const address = map(0, bytes, 0, flags, -1, 0)
      if (Number(address) <= 0 || Number(address) > Number.MAX_SAFE_INTEGER) throw new Error('mmap failed')
      return Number(address)
    },
    makeWritable: (address, bytes) => protect(address, bytes, read | write) === 0,
    makeExecutable: (address, bytes) => protect(address, bytes, read | execute) === 0,
    copy: (address, code) => void copy(address, code, code.length),
    release: (address, bytes) => void unmap(address, bytes),
    // Advice: where the kernel has none to give, pages stay small
    preferLarge: (address, bytes) => void advise?.(address, bytes, hugePages),
  }
}

function windowsPages(koffi: Koffi): Pages {
  const system = koffi.load('kernel32.dll')
  const allocate = system.func('uintptr_t VirtualAlloc(uintptr_t, size_t, uint32_t, uint32_t)')
  const free = system.func('int VirtualFree(uintptr_t, size_t, uint32_t)')
  const protect = system.func('int VirtualProtect(uintptr_t, size_t, uint32_t, uint8_t *)')
  const copy = system.func('void RtlMoveMemory(uintptr_t, const uint8_t *, size_t)')
  const [commit, reserve, release] = [0x1000, 0x2000, 0x8000]
  const [noAccess, readWrite, executeRead] = [0x01, 0x04, 0x20]
  return {
    reserve(bytes) {
      const address = Number(allocate(0, bytes, reserve, noAccess))
      if (address === 0) throw new Error('VirtualAlloc failed')
      return address
    },
    makeWritable: (address, bytes) => Number(allocate(address, bytes, commit, readWrite)) !== 0,
    makeExecutable: (address, bytes) => protect(address, bytes, executeRead, new Uint8Array(4)) !== 0,
    copy: (address, code) => void copy(address, code, code.length),
    release: (address) => void free(address, 0, release),
    // They need a privilege there
    preferLarge: () => {},
  }
}
