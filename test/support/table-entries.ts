// The entries of an offset table, for those who go through products one by one.

import { forEachIndex } from '../../src/graph/shape.ts'
import type { Table } from '../../src/kernel/table.ts'

const known = new WeakMap<Table, number[]>()

export function entriesOf(table: Table): readonly number[] {
  const found = known.get(table)
  if (found) return found
  const entries: number[] = []
  forEachIndex(table.extents, (index) => {
    entries.push(index.reduce((sum, i, axis) => sum + i * table.strides[axis], 0))
  })
  known.set(table, entries)
  return entries
}
