// Block sizes of a product: a written-down model of what packing, multiplying and sharing cost on this processor.

import type { CpuFeatures } from './features.ts'
import { tileColumns, tileRows } from './micro-kernel.ts'

export interface ContractShape {
  readonly batch: number
  readonly m: number
  readonly n: number
  readonly k: number
  /** Nanoseconds to pack one element; 0 for a right operand that is read in place. */
  readonly packLeft: number
  readonly packRight: number
  /** Nanoseconds of the epilogue for one element. */
  readonly epilogue: number
}

export interface Blocking {
  readonly mc: number
  readonly nc: number
  readonly kc: number
  readonly mBlocks: number
  readonly nBlocks: number
  readonly blocks: number
  /** Blocks that are claimed together. */
  readonly grain: number
  readonly nanoseconds: number
  /** Byte offsets in scratch of the packed right block and of the tile; the packed left block is at 0. */
  readonly rightAt: number
  readonly tileAt: number
}

/** Bytes of scratch memory for a block: packed operands and tile. */
export const contractScratchBytes = 3 * 1024 * 1024

/** Nanoseconds of a multiply-add on one thread, of the way to a register tile, of a block. */
const multiplyAdd = 0.0135
const tileCall = 12
const blockCall = 200
/** Chunks to aim for, by the nanoseconds that one should take, and the least work that is worth a chunk of its own. */
const fewestChunks = 4
const mostChunks = 32
const goodChunk = 1_000_000
const smallestChunk = 10_000

/** The cheapest blocking, chosen from shape and caches alone, so that results and chunks don't depend on the number of threads. */
export function contractBlocking(shape: ContractShape, cache: CpuFeatures['cache']): Blocking {
  const { batch, m, n, k } = shape
  // A panel of the right operand stays in three quarters of the first-level cache while the left one streams past it.
  const longest = Math.max(64, Math.min(384, Math.floor((0.75 * cache.first) / (4 * tileColumns))))
  const kc = Math.max(1, Math.ceil(k / Math.max(1, Math.ceil(k / longest))))
  const room = Math.min(contractScratchBytes, Math.max(2 ** 20, 0.75 * cache.second))
  let best: Blocking | undefined
  let bestPrice = Number.POSITIVE_INFINITY
  for (const mc of divisions(m, tileRows, 32 * tileRows)) {
    for (const nc of divisions(n, tileColumns, 32 * tileColumns)) {
      const rightAt = roundUp(4 * mc * kc, 64)
      const tileAt = rightAt + roundUp(4 * kc * nc, 64)
      const bytes = tileAt + 4 * mc * nc
      if (bytes > room && (mc > tileRows || nc > tileColumns)) continue
      const [mBlocks, nBlocks] = [Math.ceil(m / mc), Math.ceil(n / nc)]
      const blocks = batch * mBlocks * nBlocks
      const nanoseconds = batch * batchCost(shape, kc, mBlocks, nBlocks)
      const grain = Math.max(1, Math.floor(smallestChunk / (nanoseconds / blocks)))
      const chunks = Math.ceil(blocks / grain)
      // With few chunks some threads have none at the end; the more work, the more threads are worth having.
      const wanted = Math.max(fewestChunks, Math.min(mostChunks, Math.round(nanoseconds / goodChunk)))
      const price = nanoseconds * Math.max(1, (Math.ceil(chunks / wanted) * wanted) / chunks) ** 0.5
      if (price >= bestPrice) continue
      bestPrice = price
      best = { mc, nc, kc, mBlocks, nBlocks, blocks, grain, nanoseconds, rightAt, tileAt }
    }
  }
  if (best === undefined) throw new Error(`contract [${batch}, ${m}, ${n}, ${k}]: no blocking fits the scratch memory`)
  return best
}

/** Block extents to try: the whole rounded up to tiles, then halves, thirds, quarters …, none above `maximum`. */
function divisions(extent: number, unit: number, maximum: number): number[] {
  const sizes = new Set<number>()
  const fewest = Math.max(1, Math.ceil(extent / maximum))
  for (let parts = fewest; parts <= fewest + 16; parts++) sizes.add(roundUp(Math.ceil(extent / parts), unit))
  return [...sizes]
}

function batchCost(shape: ContractShape, kc: number, mBlocks: number, nBlocks: number): number {
  const { m, n, k } = shape
  const columns = roundUp(n, tileColumns / 2)
  const runs = Math.max(1, Math.ceil(k / kc))
  const tiles = Math.ceil(m / tileRows) * Math.ceil(n / tileColumns) * runs
  return (
    m * columns * k * multiplyAdd +
    tiles * tileCall +
    mBlocks * nBlocks * blockCall +
    nBlocks * m * k * shape.packLeft +
    mBlocks * columns * k * shape.packRight +
    m * columns * (0.03 * runs + shape.epilogue)
  )
}

const roundUp = (x: number, unit: number): number => Math.ceil(x / unit) * unit
