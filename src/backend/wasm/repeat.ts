// Filling memory with words that repeat a stride further on: axes of offset tables, which would take JavaScript long before it is compiled well.

import type { Table } from '../../kernel/table.ts'
import type { FunctionBuilder, ModuleBuilder } from './assembler.ts'

/** After the `length` words at an address writes them again until they are there `count` times, each time `step` more. */
export type Repeat = (address: number, length: number, count: number, step: number) => void

export function emitRepeat(module: ModuleBuilder): FunctionBuilder {
  const f = module.function('repeat', ['i32', 'i32', 'i32', 'i32'])
  const [address, length, count, step] = [0, 1, 2, 3] as const
  const [i, end, before] = [f.local('i32'), f.local('i32'), f.local('i32')]
  const at = (base: number): FunctionBuilder => f.get(base).get(i).i32(2).op('i32.shl').op('i32.add')
  f.get(length).get(count).op('i32.mul').set(end)
  f.get(address).get(length).i32(2).op('i32.shl').op('i32.sub').set(before)
  return f.range(
    i,
    () => f.get(length),
    end,
    1,
    () => {
      at(address)
      at(before).memory('i32.load').get(step).op('i32.add').memory('i32.store')
    },
  )
}

/** Writes the entries of a table, each times `factor`, to an address in the memory whose words are `i32`. */
export function writeTable(
  { extents, strides }: Table,
  factor: number,
  i32: Int32Array,
  address: number,
  repeat: Repeat,
): void {
  if (extents.includes(0)) return
  i32[address >>> 2] = 0
  let length = 1
  for (let a = extents.length - 1; a >= 0; a--) {
    repeat(address, length, extents[a], factor * strides[a])
    length *= extents[a]
  }
}
