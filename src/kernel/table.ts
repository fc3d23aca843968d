// Offset tables: where the elements along an axis of a product lie, as strides over what may be several axes of an array.

import type { Dims } from '../graph/shape.ts'

/** Entry i is Σ index·stride, where the indices count row-major through the extents to i. No axis is of one element, no two could be one. */
export interface Table {
  readonly extents: Dims
  readonly strides: Dims
}

/** The table of some axes; those of one element are left out, and neighbours joined that one stride describes. */
export function tableOf(extents: Dims, strides: Dims): Table {
  const joined: { extents: number[]; strides: number[] } = { extents: [], strides: [] }
  if (extents.includes(0)) return { extents: [0], strides: [0] }
  for (let a = 0; a < extents.length; a++) {
    const [extent, stride, last] = [extents[a], strides[a], joined.extents.length - 1]
    if (extent === 1) continue
    if (last >= 0 && joined.strides[last] === stride * extent) {
      joined.extents[last] *= extent
      joined.strides[last] = stride
    } else {
      joined.extents.push(extent)
      joined.strides.push(stride)
    }
  }
  return joined
}

export const lengthOf = ({ extents }: Table): number => extents.reduce((n, extent) => n * extent, 1)

/** The distance from each entry to the next, if it is the same everywhere; undefined where there are not two. */
export const stepOf = ({ extents, strides }: Table): number | undefined =>
  extents.length === 1 && extents[0] > 1 ? strides[0] : undefined

/** Elements from the first of memory to the last among which its entries lie. */
export const reachOf = ({ extents, strides }: Table): number =>
  extents.reduce((sum, extent, i) => sum + (extent - 1) * Math.abs(strides[i]), 1)

/** Whether no entry differs from another. */
export const isStill = (table: Table): boolean => lengthOf(table) < 2 || stepOf(table) === 0

/** Whether each entry is one more than the last. */
export const isRun = (table: Table): boolean => lengthOf(table) < 2 || stepOf(table) === 1
