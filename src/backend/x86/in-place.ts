// Operands that are read where they lie: columns of the right one as vectors of neighbours, each of which begins at a place of its own, rows of the left one at equal distances.

import { reachOf, stepOf, type Table, tableOf } from '../../kernel/table.ts'
import type { VectorTarget } from './target.ts'

/**
 * Columns in pieces: `columns` of them lie in `vectors` vectors, as runs of `run` columns that all have `gap` elements between
 * them, which are multiplied too and left out in the end. A `run` of 0 says that a piece is one run and vacant at most at the very last column.
 */
export interface InPlace {
  readonly columns: number
  readonly vectors: number
  readonly run: number
  readonly gap: number
  /** Where each vector begins. */
  readonly table: Table
  /** Columns multiplied for each that is wanted. */
  readonly waste: number
  /** Elements of memory among which all columns of all k lie. */
  readonly reach: number
  /** Columns of an image, which all axes but the first are; 1 where there is no other. */
  readonly image: number
}

/** A piece is part of a block, so that a long one would make blocks large. */
const longestPiece = 640

/**
 * How the columns of `outer` can be read in place, if they lie side by side: with the fewest vacant columns, joining rows of an image
 * where that leaves fewer. `inner` are the places along k, which are added as whole numbers without a sign.
 */
export function inPlaceOf(outer: Table, inner: Table, lanes: number): InPlace | undefined {
  const { extents, strides } = outer
  const last = extents.length - 1
  if (last < 0 || strides[last] !== 1 || inner.strides.some((s) => s < 0)) return undefined
  const run = extents[last]
  const reach = reachOf(outer) + reachOf(inner) - 1
  const image = last === 0 ? 1 : extents.slice(1).reduce((n, extent) => n * extent)
  const [lead, leadStrides] = [extents.slice(0, last), strides.slice(0, last)]
  if (last === 0 || run % lanes === 0) {
    const table = tableOf([...lead, Math.ceil(run / lanes)], [...leadStrides, lanes])
    return {
      columns: lanes,
      vectors: 1,
      run: 0,
      gap: 0,
      table,
      waste: (Math.ceil(run / lanes) * lanes) / run,
      reach,
      image,
    }
  }
  const [rows, pitch] = [lead[last - 1], leadStrides[last - 1]]
  let best: InPlace | undefined
  const most = pitch < run ? 1 : Math.min(rows, Math.max(1, Math.floor(longestPiece / run)))
  for (let joined = 1; joined <= most; joined++) {
    if (rows % joined > 0) continue
    const vectors = Math.ceil(((joined - 1) * pitch + run) / lanes)
    const waste = (vectors * lanes) / (joined * run)
    if (best && best.waste <= waste) continue
    const table = tableOf(
      [...lead.slice(0, -1), rows / joined, vectors],
      [...leadStrides.slice(0, -1), joined * pitch, lanes],
    )
    best = { columns: joined * run, vectors, run, gap: joined > 1 ? pitch - run : 0, table, waste, reach, image }
  }
  return best
}

/** The columns of a tile of `columns` that are multiplied in place. */
export const columnsInPlace = (columns: number, place: InPlace, lanes: number): number =>
  Math.ceil(columns / place.columns) * place.vectors * lanes

/** Tiles side by side that read a row of the left operand: more of them are worth packing it. */
const fewTiles = 4
/** Distances of which many rows lie in the same few places of the first-level cache. */
const crowded = 2048

/** Bytes from row to row and from k to k of a left operand that is better read where it lies, for it is read only a few times. */
export function leftInPlace(
  { outer, inner }: { readonly outer: Table; readonly inner: Table },
  n: number,
  { tile }: VectorTarget,
): { readonly row: number; readonly step: number } | undefined {
  const [row, step] = [4 * (stepOf(outer) ?? 0), 4 * (stepOf(inner) ?? 0)]
  if (row <= 0 || step <= 0 || n > fewTiles * tile.columns) return undefined
  return row % crowded === 0 || step % crowded === 0 ? undefined : { row, step }
}
