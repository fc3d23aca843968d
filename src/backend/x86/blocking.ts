// Block sizes of a product: a written-down model of what packing, multiplying and sharing cost on this processor.

import {
  type Ahead,
  type Blocking,
  type ContractPlan,
  type ContractShape,
  cheapestBlocking,
  divisions,
  keptOf,
  nothingAhead,
  planAhead,
  roundUp,
} from '../wasm/blocking.ts'
import type { CpuFeatures } from './features.ts'
import { columnsInPlace, type InPlace } from './in-place.ts'
import type { VectorTarget } from './target.ts'

/** Bytes of scratch memory for a block: packed operands and tile. */
export const contractScratchBytes = 3 * 1024 * 1024

/** Nanoseconds of the way to a register tile, of a block. */
const tileCall = 12
const blockCall = 200
/** Chunks to aim for, by the nanoseconds that one should take, and the least work that is worth a chunk of its own. */
const fewestChunks = 4
const fewestOfLittle = 2
const littleWork = 60_000
const mostChunks = 32
const goodChunk = 1_000_000
const smallestChunk = 10_000

/** Columns of a block where going on in another row costs much. */
const longRow = 5120

/** Tiles over which rows are spread evenly. */
const fewTiles = 10

/** Nanoseconds that a vector costs more if it is read where it lies: over the end of a line of the cache, from far places. */
const inPlaceVector = 0.15

/** Nanoseconds to read an element in place once more for further rows of blocks: from the second-level cache, or from beyond it. */
const againNear = 0.03
const againFar = 0.3

/** How much longer blocks take that end in the middle of an image: rows of it are read again, and what is written is in pieces. */
const cutImages = 1.03

/** Nanoseconds to go on in another row of a buffer that lies beyond the caches: no one asks for its next lines ahead. */
const nextRow = 60

/** Nanoseconds to read an element of a panel that was packed ahead, from another cache or memory. */
const panelElement = 0.07

/** Nanoseconds for each block to pack an element of the left operand itself, beside a right one that was packed ahead. */
const leftBesidePanels = 0.1

/** A blocking, which operands are packed once by a launch before it, and how the right one is read if it is not packed at all. */
export interface NativeBlocking extends ContractPlan {
  /** Rows of a tile. */
  readonly tileRows: number
  readonly inPlace: InPlace | undefined
}

export interface BlockedShape extends ContractShape {
  /** Buffers that the epilogue goes through along the columns. */
  readonly streams: number
}

/** The blocking of a product; `place` is how its right operand could be read in place, `constant` what its loop never writes. */
export function nativePlan(
  shape: BlockedShape,
  place: InPlace | undefined,
  cache: CpuFeatures['cache'],
  widest: VectorTarget,
  constant = nothingAhead,
): NativeBlocking {
  const tileRows = rowsOf(shape.m, widest)
  const target = { ...widest, tile: { ...widest.tile, rows: tileRows } }
  const plan = (given: BlockedShape, inPlace: InPlace | undefined, kept: Ahead): ContractPlan =>
    planAhead(
      given,
      (ahead) =>
        nativeBlocking(
          {
            ...given,
            packLeft: ahead.left
              ? panelElement
              : ahead.right
                ? Math.min(leftBesidePanels, given.packLeft)
                : given.packLeft,
            packRight: ahead.right ? panelElement : given.packRight,
          },
          inPlace,
          cache,
          target,
        ),
      kept,
    )
  const kept = keptOf(shape, constant)
  const packed = plan(shape, undefined, kept)
  // Panels that a loop packs once are read faster than what lies apart.
  if (!place || kept.right) return { ...packed, tileRows, inPlace: undefined }
  const read = plan({ ...shape, packRight: 0 }, place, kept)
  const { batch, n, k, packRight } = shape
  const before = packed.ahead.right ? batch * n * k * packRight : 0
  return read.blocking.nanoseconds < packed.blocking.nanoseconds + before
    ? { ...read, tileRows, inPlace: place }
    : { ...packed, tileRows, inPlace: undefined }
}

/** Few rows are spread evenly over tiles: a tile of hardly any loads more than it multiplies. Many are not worth packing code of their own. */
export function rowsOf(m: number, { tile: { rows } }: VectorTarget): number {
  const tiles = Math.ceil(m / rows)
  return tiles > 1 && tiles <= fewTiles ? Math.ceil(m / tiles) : rows
}

/** Byte offsets of a block's packed right operand and tile, and from row to row of the tile: not a power of two, for rows would be in each other's way in the caches. */
export function nativeScratch(
  mc: number,
  nc: number,
  kc: number,
  place: InPlace | undefined,
  { lanes, tile }: VectorTarget,
): { rightAt: number; tileAt: number; tileStride: number; bytes: number } {
  const columns = roundUp(place ? columnsInPlace(nc, place, lanes) : nc, tile.columns)
  const rightAt = roundUp(4 * mc * kc, 64)
  const tileAt = rightAt + (place ? 0 : roundUp(4 * kc * nc, 64))
  const tileStride = 4 * (columns % 128 === 0 ? columns + lanes : columns)
  return { rightAt, tileAt, tileStride, bytes: tileAt + mc * tileStride }
}

/** The cheapest blocking, chosen from shape and caches alone, so that results and chunks don't depend on the number of threads. */
function nativeBlocking(
  shape: BlockedShape,
  place: InPlace | undefined,
  cache: CpuFeatures['cache'],
  target: VectorTarget,
): Blocking {
  const { m, n, k } = shape
  const { rows, columns } = target.tile
  // A panel of the right operand stays in three quarters of the first-level cache while the left one streams past it.
  const longest = Math.max(64, Math.min(384, Math.floor((0.75 * cache.first) / (4 * columns))))
  const kc = Math.max(1, Math.ceil(k / Math.max(1, Math.ceil(k / longest))))
  const room = Math.min(contractScratchBytes, Math.max(2 ** 20, 0.75 * cache.second))
  // All columns pass before the next rows of blocks read them again.
  const again = place && 4 * place.reach > room ? againFar : againNear
  const unit = place ? roundUp(place.columns, place.vectors === 1 ? 2 * place.columns : place.columns) : columns
  const isFar = 4 * m * n * shape.streams > room
  const widths = divisions(n, unit, Math.max(unit, 32 * columns))
  const heights = divisions(m, rows, 32 * rows)
  // A row of tiles less leaves a small block over, for which threads wait less than for each other.
  const smaller = heights.filter((mc) => mc > rows && mc < m).map((mc) => mc - rows)
  const leaving = new Set(smaller.filter((mc) => !heights.includes(mc)))
  return cheapestBlocking(shape, {
    kc,
    heights: [...heights, ...leaving],
    widths: isFar ? [...divisions(n, unit, Math.max(unit, longRow)), ...widths] : widths,
    smallestChunk,
    fits: (mc, nc) =>
      (nc >= n || !leaving.has(mc)) &&
      (nativeScratch(mc, nc, kc, place, target).bytes <= room || (mc <= rows && nc <= Math.max(unit, columns))),
    cost: (mBlocks, nBlocks, nc) => {
      const rows = isFar ? m * nBlocks * shape.streams * nextRow : 0
      const once = batchCost(shape, place, kc, mBlocks, nBlocks, target) + rows
      if (!place) return once
      return once * (nc % place.image === 0 ? 1 : cutImages) + (mBlocks - 1) * place.reach * again
    },
    // With few chunks some threads have none at the end; the more work, the more threads are worth having.
    idle: (chunks, nanoseconds, whole, inRow) => {
      const fewest = nanoseconds < littleWork ? fewestOfLittle : fewestChunks
      const wanted = Math.max(fewest, Math.min(mostChunks, 2 ** Math.round(Math.log2(nanoseconds / goodChunk))))
      // The last of a row is worked off while others are, or is all that a thread waits for.
      const before = chunks - 1
      const endsAlone = inRow && before % wanted === 0
      const most = endsAlone ? before / wanted + chunks / whole - before : Math.ceil(chunks / wanted)
      return ((most * wanted * whole) / chunks) ** 0.5
    },
  })
}

function batchCost(
  shape: ContractShape,
  place: InPlace | undefined,
  kc: number,
  mBlocks: number,
  nBlocks: number,
  { tile, lanes, price }: VectorTarget,
): number {
  const { m, n, k } = shape
  const columns = place ? n * place.waste : roundUp(n, lanes)
  const runs = Math.max(1, Math.ceil(k / kc))
  const tiles = Math.ceil(m / tile.rows) * Math.ceil(columns / tile.columns) * runs
  return (
    m * columns * k * price.multiplyAdd +
    tiles * tileCall +
    (place ? Math.ceil(m / tile.rows) * (columns / lanes) * k * inPlaceVector : 0) +
    mBlocks * nBlocks * blockCall +
    nBlocks * m * k * shape.packLeft +
    mBlocks * columns * k * shape.packRight +
    m * columns * (0.03 * runs + shape.epilogue)
  )
}
