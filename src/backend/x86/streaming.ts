// Stores past the caches: a line that is written whole, and that no one reads before it is pushed out anyway, need not be read first.

import { dtypes } from '../../graph/dtype.ts'
import type { LoopKernel, LoopLaunch } from '../../kernel/loop.ts'
import type { BufferPlace, Program } from '../../kernel/program.ts'

/** Bytes of results that no cache keeps until they are read. */
const pastCaches = 32 * 2 ** 20

/**
 * Whether a launch writes so much that its stores go past the caches. They need whole vectors at multiples of their size: elements of
 * four or eight bytes along the one axis, whose chunks and memory begin at multiples of 64 bytes. What is written over what is read is in the caches:
 * updates of an optimizer, which write several results, are that.
 */
export function streams(kernel: LoopKernel, launch: LoopLaunch, buffers: Program['buffers']): boolean {
  const { parallel, reduce, vector, accesses, stages } = kernel
  if (parallel !== 1 || reduce !== 0 || vector !== 0) return false
  const stores = stages.flatMap((stage) => stage.stores)
  const written = new Set(stores.map((s) => s.access))
  if (written.size > 1 || launch.grain % 16 !== 0) return false
  const read = new Set(launch.accesses.flatMap(({ buffer }, a) => (written.has(a) ? [] : [startOf(buffers[buffer])])))
  return stores.every(({ access, mode }) => {
    const { dtype, strides, bounded, indirect } = accesses[access]
    const { buffer, offset } = launch.accesses[access]
    const place = buffers[buffer]
    const isWhole = strides[0] === 'unit' && !bounded[0] && indirect === undefined && mode === 'set'
    const isAligned =
      offset % 16 === 0 && (place.kind === 'binding' || (place.kind === 'arena' && place.offset % 64 === 0))
    const { bytes } = dtypes[dtype]
    return bytes >= 4 && bytes * launch.total >= pastCaches && isWhole && isAligned && !read.has(startOf(place))
  })
}

/** Where a buffer begins, as one number. */
const startOf = (place: BufferPlace): number =>
  place.kind === 'arena' ? place.offset : place.kind === 'binding' ? -1 - place.slot : Number.NaN
