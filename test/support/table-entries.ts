// The entries of an offset table, for those who go through products one by one.

import { lengthOf, type Table, writeTable } from '../../src/kernel/table.ts'

const known = new WeakMap<Table, Int32Array>()

export function entriesOf(table: Table): Int32Array {
  const found = known.get(table)
  if (found) return found
  const entries = new Int32Array(lengthOf(table))
  writeTable(table, 1, entries, 0)
  known.set(table, entries)
  return entries
}
