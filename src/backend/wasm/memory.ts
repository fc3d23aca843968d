// The engine's linear memory: one WebAssembly.Memory, shared where the host allows it, with a heap that grows on demand.

import type { Storage } from '../backend.ts'
import { blockSize, Heap } from './heap.ts'

export const pageBytes = 65536
/** What a 32-bit memory can hold at most: 4 GiB. */
export const maximumPages = 65536

/** Room at both ends of the memory, because vector loads may read a few elements outside a buffer. */
const slack = 1024

/** A block of linear memory; its address becomes −1 when it is released. */
export class Block implements Storage {
  readonly memory: LinearMemory
  readonly bytes: number
  address: number

  constructor(memory: LinearMemory, address: number, bytes: number) {
    this.memory = memory
    this.address = address
    this.bytes = bytes
  }
}

export interface Views {
  readonly buffer: ArrayBufferLike
  readonly u8: Uint8Array
  readonly i32: Int32Array
  readonly f32: Float32Array
}

export class LinearMemory {
  readonly memory: WebAssembly.Memory
  /** Whether threads can share it; without cross-origin isolation a page has no shared memory. */
  readonly shared: boolean
  private readonly heap = new Heap(slack)
  private readonly limitBytes: number
  private cached: Views

  /** `limitPages` bounds the memory, for tests and small hosts. Throws when the host grants no memory at all. */
  constructor(limitPages: number = maximumPages) {
    const granted = request(limitPages)
    this.memory = granted.memory
    this.shared = granted.shared
    this.limitBytes = granted.pages * pageBytes
    this.cached = viewsOf(this.memory.buffer)
    this.heap.extend(this.cached.buffer.byteLength - slack)
  }

  /** What it can grow to. */
  get capacityBytes(): number {
    return this.limitBytes
  }

  get usedBytes(): number {
    return this.heap.usedBytes
  }

  /** Views on the memory as it is now; don't keep them, the next allocation may replace them. */
  get views(): Views {
    return this.cached
  }

  /** Uninitialised memory at a multiple of 64 bytes; throws an error that names the sizes when there is none left. */
  allocate(bytes: number): Block {
    let address = this.heap.allocate(bytes)
    if (address < 0) {
      this.grow(bytes)
      address = this.heap.allocate(bytes)
    }
    return new Block(this, address, bytes)
  }

  release(block: Block): void {
    if (block.address < 0) throw new Error(`wasm: a storage of ${size(block.bytes)} was released twice`)
    this.heap.free(block.address)
    block.address = -1
  }

  /** Grows by what is missing, or by a quarter, so that a series of small requests grows rarely. */
  private grow(bytes: number): void {
    const now = this.heap.end + slack
    const missing = blockSize(bytes) - this.heap.tail
    const wanted = Math.max(missing, Math.min(now / 4, 64 * 2 ** 20))
    for (const target of [now + wanted, now + missing]) {
      const pages = Math.ceil((target - now) / pageBytes)
      if (now + pages * pageBytes > this.limitBytes) continue
      try {
        this.memory.grow(pages)
      } catch {
        continue
      }
      this.cached = viewsOf(this.memory.buffer)
      this.heap.extend(this.cached.buffer.byteLength - slack)
      return
    }
    throw new RangeError(
      `wasm: out of memory: ${size(bytes)} asked for, ${size(this.heap.usedBytes)} of at most ${size(this.limitBytes)} in use, ` +
        `largest free piece ${size(Math.max(this.heap.largestFree, this.limitBytes - now + this.heap.tail))}; ` +
        'use a smaller batch or model, or release what is no longer needed',
    )
  }
}

/** As large a memory as the host grants, shared if it can be. */
function request(limitPages: number): { memory: WebAssembly.Memory; shared: boolean; pages: number } {
  const initial = Math.min(64, limitPages)
  const mayShare = typeof SharedArrayBuffer !== 'undefined'
  for (const shared of mayShare ? [true, false] : [false]) {
    for (let pages = limitPages; pages >= initial; pages = Math.floor(pages / 2)) {
      try {
        return { memory: new WebAssembly.Memory({ initial, maximum: pages, shared }), shared, pages }
      } catch {
        // Ask for less.
      }
    }
  }
  throw new RangeError(`wasm: the host granted no memory of even ${size(initial * pageBytes)}`)
}

function viewsOf(buffer: ArrayBufferLike): Views {
  return { buffer, u8: new Uint8Array(buffer), i32: new Int32Array(buffer), f32: new Float32Array(buffer) }
}

function size(bytes: number): string {
  if (bytes < 2 ** 20) return `${(bytes / 1024).toFixed(1)} KiB`
  return bytes < 2 ** 30 ? `${(bytes / 2 ** 20).toFixed(1)} MiB` : `${(bytes / 2 ** 30).toFixed(2)} GiB`
}
