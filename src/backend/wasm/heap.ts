// A heap over a range of addresses: best fit by size class, neighbouring free blocks merged; it never touches the memory itself.

/** Every block starts at a multiple of this many bytes, and is a multiple of it long. */
export const alignment = 64

const classes = 128

export class Heap {
  /** Free blocks by size class, each class a set of start addresses. */
  private readonly bins: Set<number>[] = Array.from({ length: classes }, () => new Set())
  private readonly freeByStart = new Map<number, number>()
  private readonly freeByEnd = new Map<number, number>()
  private readonly usedByStart = new Map<number, number>()
  /** One past the last address the heap owns. */
  private limit: number
  private used = 0

  /** An empty heap that starts at `start`, a multiple of the alignment. */
  constructor(start: number) {
    this.limit = start
  }

  get usedBytes(): number {
    return this.used
  }
  get end(): number {
    return this.limit
  }
  /** Free bytes at the very end, which growth would extend. */
  get tail(): number {
    const start = this.freeByEnd.get(this.limit)
    return start === undefined ? 0 : this.limit - start
  }
  get largestFree(): number {
    let largest = 0
    for (const size of this.freeByStart.values()) largest = Math.max(largest, size)
    return largest
  }

  /** Adds the addresses up to `end` to the heap. */
  extend(end: number): void {
    const start = this.limit
    this.limit = end
    this.insert(start, end - start)
  }

  /** The address of a block of at least `bytes`, or −1 when no free block is large enough. */
  allocate(bytes: number): number {
    const size = blockSize(bytes)
    const start = this.find(size)
    if (start < 0) return -1
    const free = this.freeByStart.get(start) ?? 0
    this.remove(start, free)
    if (free > size) this.put(start + size, free - size)
    this.usedByStart.set(start, size)
    this.used += size
    return start
  }

  /** Gives a block back. Throws when `start` is not the address of one in use. */
  free(start: number): void {
    const size = this.usedByStart.get(start)
    if (size === undefined) throw new Error(`wasm heap: address ${start} is not a block in use; was it released twice?`)
    this.usedByStart.delete(start)
    this.used -= size
    this.insert(start, size)
  }

  /** The smallest fitting block of the size's own class, else any block of the next class that has one. */
  private find(size: number): number {
    const own = classOf(size)
    let best = -1
    let bestSize = Number.POSITIVE_INFINITY
    for (const start of this.bins[own]) {
      const free = this.freeByStart.get(start) ?? 0
      if (free >= size && free < bestSize) {
        best = start
        bestSize = free
        if (free === size) break
      }
    }
    for (let c = own + 1; best < 0 && c < classes; c++) {
      for (const start of this.bins[c]) {
        best = start
        break
      }
    }
    return best
  }

  /** Puts a block back, merged with its free neighbours. */
  private insert(start: number, size: number): void {
    let from = start
    let bytes = size
    const before = this.freeByEnd.get(start)
    if (before !== undefined) {
      this.remove(before, start - before)
      from = before
      bytes += start - before
    }
    const after = this.freeByStart.get(start + size)
    if (after !== undefined) {
      this.remove(start + size, after)
      bytes += after
    }
    this.put(from, bytes)
  }

  private put(start: number, size: number): void {
    if (size === 0) return
    this.bins[classOf(size)].add(start)
    this.freeByStart.set(start, size)
    this.freeByEnd.set(start + size, start)
  }

  private remove(start: number, size: number): void {
    this.bins[classOf(size)].delete(start)
    this.freeByStart.delete(start)
    this.freeByEnd.delete(start + size)
  }
}

/** Bytes that a request of `bytes` takes. */
export function blockSize(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / alignment)) * alignment
}

/** Four classes to an octave of the number of 64-byte units, so that every block of a class fits all of the classes below. */
function classOf(size: number): number {
  const units = size / alignment
  if (units < 4) return units
  const octave = 31 - Math.clz32(units)
  return 4 * (octave - 1) + (Math.floor(units / 2 ** (octave - 2)) & 3)
}
