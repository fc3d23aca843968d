// Convolutions of 3 × 3 with a stride of 1 by Winograd's F(2×2, 3×3): sixteen products of tiles for what takes 36 multiplications directly.

import { lengthOf, type Table } from '../../kernel/table.ts'
import { roundUp } from '../wasm/blocking.ts'
import { contractScratchBytes } from './blocking.ts'
import type { CpuFeatures } from './features.ts'
import type { VectorTarget } from './target.ts'

/** Products of a tile of 2 × 2 results, which 4 × 4 elements make. */
export const products = 16

/** A product whose right operand is the windows of images; strides count bytes. */
export interface Windows {
  readonly channels: number
  readonly images: number
  /** Rows and columns of a result. */
  readonly rows: number
  readonly columns: number
  readonly imageStride: number
  readonly channelStride: number
  readonly rowStride: number
}

/** How the images of a convolution are cut into blocks, and where the parts of a block lie in scratch memory, in bytes. */
export interface WinogradPlan extends Windows {
  /** Tiles across and down an image. */
  readonly across: number
  readonly down: number
  /** Rows of tiles in a block, and blocks of an image. */
  readonly unit: number
  readonly units: number
  /** From a row of tiles of a channel to that of the next, of elements or of sums; and from one of the sixteen to the next. */
  readonly tileStride: number
  readonly inPlane: number
  readonly outPlane: number
  readonly sumsAt: number
  readonly tileAt: number
  readonly resultStride: number
  readonly nanoseconds: number
}

/** Nanoseconds of turning around sixteen tiles of a channel, of elements or of sums, and of the way to a register tile. */
const transform = 20
const tileCall = 15

/** With fewer channels or filters turning around costs more than it saves. */
const fewest = 16

/** Blocks to have at least, as far as there are rows, so that all threads have some. */
const fewestBlocks = 8

/** The tables of an operand that is read as it is. */
interface Tables {
  readonly outer: Table
  readonly inner: Table
}

/** The windows that the right operand of a product is, if the left one has a filter for each row: those of such a convolution. */
export function windowsOf({ outer, inner }: Tables, left: Tables): Windows | undefined {
  const [channelStride, rowStride, step] = inner.strides
  const { length } = inner.extents
  if (length !== 3 || inner.extents[1] !== 3 || inner.extents[2] !== 3 || step !== 1) return undefined
  const axes = outer.extents.length
  if (axes < 2 || axes > 3 || outer.strides[axes - 1] !== 1 || outer.strides[axes - 2] !== rowStride) return undefined
  const [channels, [rows, columns]] = [inner.extents[0], outer.extents.slice(-2)]
  const [images, imageStride] = axes === 3 ? [outer.extents[0], outer.strides[0]] : [1, 0]
  if (rowStride <= 0 || channelStride <= 0 || imageStride < 0 || lengthOf(left.inner) !== 9 * channels) return undefined
  const [image, channel, row] = [imageStride, channelStride, rowStride].map((stride) => 4 * stride)
  return { channels, images, rows, columns, imageStride: image, channelStride: channel, rowStride: row }
}

/** The blocks of a convolution to `m` filters; undefined where it is too small, or a block of it would not stay in a cache. */
export function winogradPlan(
  windows: Windows,
  m: number,
  epilogue: number,
  cache: CpuFeatures['cache'],
  { lanes, tile, price }: VectorTarget,
): WinogradPlan | undefined {
  const { channels, images, rows, columns } = windows
  if (channels < fewest || m < fewest || rows < 4 || columns < 4) return undefined
  const [across, down] = [Math.ceil(columns / 2), Math.ceil(rows / 2)]
  const room = Math.min(contractScratchBytes, Math.max(2 ** 20, 0.75 * cache.second))
  for (let units = Math.min(down, Math.ceil(fewestBlocks / images)); units <= down; units++) {
    const unit = Math.ceil(down / units)
    // Vectors may go over the end of the last row.
    const tileStride = 4 * roundUp(unit * across + lanes - 1, lanes)
    // Sixteen planes at multiples of a page would be in each other's way.
    const [inPlane, outPlane] = [channels, m].map((count) => roundUp(count * tileStride, 4096) + 64)
    const sumsAt = products * inPlane
    const tileAt = sumsAt + products * outPlane
    const resultStride = 4 * roundUp(2 * unit * columns, lanes) + 64
    if (tileAt + m * resultStride > room) continue
    const vectors = images * down * Math.ceil(across / lanes)
    const wide = Math.ceil((unit * across) / tile.columns) * tile.columns
    const sums = images * Math.ceil(down / unit) * products
    const nanoseconds =
      vectors * (channels + m) * transform +
      sums * (wide * m * channels * price.multiplyAdd + Math.ceil(m / tile.rows) * (wide / tile.columns) * tileCall) +
      images * rows * columns * m * (epilogue + 0.03)
    return {
      ...windows,
      ...{ across, down, unit, units: Math.ceil(down / unit), tileStride, inPlane, outPlane },
      ...{ sumsAt, tileAt, resultStride, nanoseconds },
    }
  }
  return undefined
}
