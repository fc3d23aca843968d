// Block sizes of a product: a written-down model of what packing, multiplying and sharing cost on this processor.

import {
  type Blocking,
  type ContractPlan,
  type ContractShape,
  cheapestBlocking,
  divisions,
  planAhead,
  roundUp,
} from '../wasm/blocking.ts'
import type { CpuFeatures } from './features.ts'
import type { VectorTarget } from './target.ts'

/** Bytes of scratch memory for a block: packed operands and tile. */
export const contractScratchBytes = 3 * 1024 * 1024

/** Nanoseconds of the way to a register tile, of a block. */
const tileCall = 12
const blockCall = 200
/** Chunks to aim for, by the nanoseconds that one should take, and the least work that is worth a chunk of its own. */
const fewestChunks = 4
const mostChunks = 32
const goodChunk = 1_000_000
const smallestChunk = 10_000

/** Nanoseconds to read an element of a panel that was packed ahead, from another cache or memory. */
const panelElement = 0.03

/** The blocking of a product, and which operands are packed once, by a launch before it. */
export function nativePlan(shape: ContractShape, cache: CpuFeatures['cache'], target: VectorTarget): ContractPlan {
  return planAhead(shape, (ahead) =>
    nativeBlocking(
      {
        ...shape,
        packLeft: ahead.left ? panelElement : shape.packLeft,
        packRight: ahead.right ? panelElement : shape.packRight,
      },
      cache,
      target,
    ),
  )
}

/** The cheapest blocking, chosen from shape and caches alone, so that results and chunks don't depend on the number of threads. */
function nativeBlocking(shape: ContractShape, cache: CpuFeatures['cache'], target: VectorTarget): Blocking {
  const { m, n, k } = shape
  const { rows, columns } = target.tile
  // A panel of the right operand stays in three quarters of the first-level cache while the left one streams past it.
  const longest = Math.max(64, Math.min(384, Math.floor((0.75 * cache.first) / (4 * columns))))
  const kc = Math.max(1, Math.ceil(k / Math.max(1, Math.ceil(k / longest))))
  const room = Math.min(contractScratchBytes, Math.max(2 ** 20, 0.75 * cache.second))
  return cheapestBlocking(shape, {
    kc,
    heights: divisions(m, rows, 32 * rows),
    widths: divisions(n, columns, 32 * columns),
    smallestChunk,
    fits: (mc, nc, bytes) => bytes <= room || (mc <= rows && nc <= columns),
    cost: (mBlocks, nBlocks) => batchCost(shape, kc, mBlocks, nBlocks, target),
    // With few chunks some threads have none at the end; the more work, the more threads are worth having.
    idle: (chunks, nanoseconds) => {
      const wanted = Math.max(fewestChunks, Math.min(mostChunks, Math.round(nanoseconds / goodChunk)))
      return ((Math.ceil(chunks / wanted) * wanted) / chunks) ** 0.5
    },
  })
}

function batchCost(
  shape: ContractShape,
  kc: number,
  mBlocks: number,
  nBlocks: number,
  { tile, lanes, price }: VectorTarget,
): number {
  const { m, n, k } = shape
  const columns = roundUp(n, lanes)
  const runs = Math.max(1, Math.ceil(k / kc))
  const tiles = Math.ceil(m / tile.rows) * Math.ceil(n / tile.columns) * runs
  return (
    m * columns * k * price.multiplyAdd +
    tiles * tileCall +
    mBlocks * nBlocks * blockCall +
    nBlocks * m * k * shape.packLeft +
    mBlocks * columns * k * shape.packRight +
    m * columns * (0.03 * runs + shape.epilogue)
  )
}
