// Convolutions of 3 × 3 with a stride of 1 by Winograd's F(2×2, 3×3): sixteen products of tiles for what takes 36 multiplications directly.

import type { Padding } from '../../kernel/contract.ts'
import { lengthOf, stepOf, type Table } from '../../kernel/table.ts'
import { roundUp } from '../wasm/blocking.ts'
import { contractScratchBytes } from './blocking.ts'
import type { CpuFeatures } from './features.ts'
import type { VectorTarget } from './target.ts'

/** Products of a tile of 2 × 2 results, which 4 × 4 elements make. */
export const products = 16

/** Nanoseconds of turning around sixteen tiles of a channel or filter, a square of them for its rows, and of the way to a register tile. */
const turn = 20
const square = 30
const tileCall = 15

/** With fewer channels or filters turning around costs more than it saves, and so it does for smaller images. */
const fewestChannels = 16
const fewestRows = 4

/** Blocks to have at least, as far as there are rows, so that all threads have some. */
const fewestBlocks = 8
const fewestBatches = 4

/** The windows of images that an operand consists of; strides count bytes. */
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

/** Where the slopes of the results lie. */
export interface Slopes {
  readonly slopeImageStride: number
  readonly slopeStride: number
  readonly slopeRowStride: number
}

/** How images are cut into blocks, and where the parts of a block lie in scratch memory, in bytes. */
interface Cut {
  /** Tiles across and down an image. */
  readonly across: number
  readonly down: number
  /** Rows of tiles in a block, and blocks of an image. */
  readonly unit: number
  readonly units: number
  /** From the tiles of a channel or filter to those of the next, and from one of the sixteen to the next. */
  readonly tileStride: number
  readonly inPlane: number
  readonly outPlane: number
  readonly sumsAt: number
  readonly tileAt: number
  readonly resultStride: number
}

export interface ImagesPlan extends Windows, Cut {
  readonly nanoseconds: number
}

export interface GradientsPlan extends Windows, Slopes, Cut {
  /** Rows of channels, one for each tile, and sums of all filters and channels. */
  readonly turnedAt: number
  readonly turnedStride: number
  readonly turnedPlane: number
  readonly sumPlane: number
  readonly sumStride: number
  readonly leftRow: number
  readonly leftStep: number
  readonly nanoseconds: number
}

/** The tables of an operand that is read as it is. */
export interface Tables {
  readonly outer: Table
  readonly inner: Table
}

/** The windows that a table of results and one of the elements of a window make, if they are those of such a convolution. */
export function windowsOf(results: Table, window: Table, padding?: Padding): Windows | undefined {
  const [channelStride, rowStride, step] = window.strides
  const { length } = window.extents
  if (length !== 3 || window.extents[1] !== 3 || window.extents[2] !== 3 || step !== 1) return undefined
  if (padding) return paddedWindows(results, window, padding)
  const axes = results.extents.length
  if (axes < 2 || axes > 3 || results.strides[axes - 1] !== 1 || results.strides[axes - 2] !== rowStride)
    return undefined
  const [channels, [rows, columns]] = [window.extents[0], results.extents.slice(-2)]
  const [images, imageStride] = axes === 3 ? [results.extents[0], results.strides[0]] : [1, 0]
  if (rowStride <= 0 || channelStride <= 0 || imageStride < 0) return undefined
  const [image, channel, row] = [imageStride, channelStride, rowStride].map((stride) => 4 * stride)
  return { channels, images, rows, columns, imageStride: image, channelStride: channel, rowStride: row }
}

/** Rows of padded images are as long in memory as they are without, so that a table may join them. */
function paddedWindows(results: Table, window: Table, { extents: [height, width] }: Padding): Windows | undefined {
  const [channels] = window.extents
  const [channelStride, rowStride] = window.strides
  const [rows, columns] = [height - 2, width - 2]
  const images = lengthOf(results) / (rows * columns)
  const [image, row, column] = stridesOver(results, [images, rows, columns]) ?? []
  if (column !== 1 || row !== rowStride || rowStride <= 0 || channelStride <= 0 || image < 0) return undefined
  const [imageStride, channel, line] = [image, channelStride, rowStride].map((stride) => 4 * stride)
  return { channels, images, rows, columns, imageStride, channelStride: channel, rowStride: line }
}

/** Where the slopes lie that are the left operand of a gradient of filters, if their columns are neighbours. */
export function slopesOf({ outer, inner }: Tables, { images, rows, columns }: Windows): Slopes | undefined {
  const stride = stepOf(outer)
  const [image, row, column] = stridesOver(inner, [images, rows, columns]) ?? []
  if (stride === undefined || column !== 1 || stride < 0 || image < 0 || row < 0) return undefined
  return { slopeImageStride: 4 * image, slopeStride: 4 * stride, slopeRowStride: 4 * row }
}

/** The strides of a table over axes of these extents, which it may have joined. */
function stridesOver({ extents, strides }: Table, wanted: readonly number[]): number[] | undefined {
  let axis = extents.length - 1
  let [extent, stride] = [extents[axis], strides[axis]]
  const found = wanted.map(() => 0)
  for (let i = wanted.length - 1; i >= 0; i--) {
    if (wanted[i] === 1) continue
    if (extent === 1) {
      axis--
      ;[extent, stride] = [extents[axis], strides[axis]]
    }
    if (axis < 0 || extent % wanted[i] !== 0) return undefined
    found[i] = stride
    extent /= wanted[i]
    stride *= wanted[i]
  }
  return found
}

/** The blocks of a convolution to `m` filters; undefined where it is too small, or none would stay in a cache. */
export function imagesPlan(
  windows: Windows,
  m: number,
  epilogue: number,
  cache: CpuFeatures['cache'],
  { lanes, tile, price }: VectorTarget,
): ImagesPlan | undefined {
  const { channels, images, rows, columns } = windows
  const cuts = cutsOf(windows, m, lanes, Math.ceil(fewestBlocks / images))
  for (const { across, down, unit, units, tileStride, inPlane, outPlane } of cuts) {
    const sumsAt = products * inPlane
    const tileAt = sumsAt + products * outPlane
    const resultStride = 4 * roundUp(2 * unit * columns, lanes) + 64
    if (tileAt + m * resultStride > roomOf(cache)) continue
    const turned = images * down * Math.ceil(across / lanes) * (channels + m)
    const wide = roundUp(unit * across, tile.columns)
    const tiles = Math.ceil(m / tile.rows) * (wide / tile.columns)
    const product = wide * m * channels * price.multiplyAdd + tiles * tileCall
    const nanoseconds =
      turned * turn + images * units * products * product + images * rows * columns * m * (epilogue + 0.03)
    const cut = { across, down, unit, units, tileStride, inPlane, outPlane, sumsAt, tileAt, resultStride }
    return { ...windows, ...cut, nanoseconds }
  }
  return undefined
}

/** The blocks of the gradient of `m` filters, summed up over the images of each of `batch` elements. */
export function gradientsPlan(
  windows: Windows,
  slopes: Slopes,
  { batch, m }: { readonly batch: number; readonly m: number },
  cache: CpuFeatures['cache'],
  { lanes, tile, price }: VectorTarget,
): GradientsPlan | undefined {
  if (batch < fewestBatches) return undefined
  const { channels, images } = windows
  for (const { across, down, unit, units, tileStride, inPlane, outPlane } of cutsOf(windows, m, lanes, 1)) {
    const turnedStride = 4 * roundUp(channels, tile.columns)
    const turnedPlane = roundUp(unit * across, lanes) * turnedStride + 64
    // Slopes take the place of elements, which are not needed any more when their rows are there.
    const turnedAt = products * Math.max(inPlane + lanes * tileStride, outPlane)
    const sumsAt = turnedAt + products * turnedPlane
    const sumPlane = m * turnedStride + 64
    const tileAt = sumsAt + products * sumPlane
    const resultStride = 4 * roundUp(9 * channels, lanes) + 64
    if (tileAt + m * resultStride > roomOf(cache)) continue
    const vectors = Math.ceil(across / lanes)
    const turned = down * vectors * (channels + m) * turn
    const squares = products * Math.ceil(channels / lanes) * Math.ceil((unit * across) / lanes) * square
    const wide = roundUp(channels, tile.columns)
    const tiles = Math.ceil(m / tile.rows) * (wide / tile.columns)
    const product = wide * m * unit * across * price.multiplyAdd + tiles * tileCall
    const nanoseconds = batch * (images * (turned + units * (squares + products * product)) + channels * m)
    return {
      ...{
        ...windows,
        ...slopes,
        across,
        down,
        unit,
        units,
        tileStride,
        inPlane,
        outPlane,
        sumsAt,
        tileAt,
        resultStride,
      },
      ...{ turnedAt, turnedStride, turnedPlane, sumPlane, sumStride: turnedStride, leftRow: tileStride, leftStep: 4 },
      nanoseconds,
    }
  }
  return undefined
}

const roomOf = (cache: CpuFeatures['cache']): number =>
  Math.min(contractScratchBytes, Math.max(2 ** 20, 0.75 * cache.second))

/** Ways to cut images into blocks, of most rows first; none for small ones. */
function* cutsOf(
  { channels, rows, columns }: Windows,
  m: number,
  lanes: number,
  fewestUnits: number,
): Generator<Pick<Cut, 'across' | 'down' | 'unit' | 'units' | 'tileStride' | 'inPlane' | 'outPlane'>> {
  if (Math.min(channels, m) < fewestChannels || Math.min(rows, columns) < fewestRows) return
  const [across, down] = [Math.ceil(columns / 2), Math.ceil(rows / 2)]
  for (let wanted = Math.min(down, fewestUnits); wanted <= down; wanted++) {
    const unit = Math.ceil(down / wanted)
    const units = Math.ceil(down / unit)
    // Vectors may go over the end of the last row.
    const tileStride = 4 * roundUp(unit * across + lanes - 1, lanes)
    // Sixteen planes at multiples of a page would be in each other's way.
    const [inPlane, outPlane] = [channels, m].map((count) => roundUp(count * tileStride, 4096) + 64)
    yield { across, down, unit, units, tileStride, inPlane, outPlane }
  }
}
