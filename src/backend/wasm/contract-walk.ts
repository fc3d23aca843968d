// Steps that the blocked loops of every product take, whatever its lanes: which block a number means, and where elements lie.

import type { Code } from './code.ts'
import { tableAccess } from './layout.ts'

/** Locals of a block: its batch element, its rows m0 … m1 − 1 and columns n0 … n1 − 1. */
export interface BlockLocals {
  readonly batch: number
  readonly m0: number
  readonly m1: number
  readonly n0: number
  readonly n1: number
}
/** Locals of the words of a product. */
export interface ShapeLocals {
  readonly m: number
  readonly n: number
  readonly mc: number
  readonly nc: number
  readonly mBlocks: number
  readonly nBlocks: number
}

/** Sets the block of number (b·mBlocks + i)·nBlocks + j. */
export function setBlock(f: Code, number: number, shape: ShapeLocals, block: BlockLocals): void {
  const row = f.local('i32')
  f.get(number).get(shape.nBlocks).op('i32.div_u').set(row)
  f.get(number).get(shape.nBlocks).op('i32.rem_u').get(shape.nc).op('i32.mul').set(block.n0)
  f.get(row).get(shape.mBlocks).op('i32.div_u').set(block.batch)
  f.get(row).get(shape.mBlocks).op('i32.rem_u').get(shape.mc).op('i32.mul').set(block.m0)
  sumAtMost(f, block.m0, shape.mc, shape.m, block.m1)
  sumAtMost(f, block.n0, shape.nc, shape.n, block.n1)
}

/** result = min(a + b, limit) */
export function sumAtMost(f: Code, a: number, b: number, limit: number, result: number): void {
  const sum = f.local('i32')
  f.get(a).get(b).op('i32.add').set(sum)
  f.get(sum).get(limit).get(sum).get(limit).op('i32.lt_s').op('select').set(result)
}

/** Pushes the address of element (batch, outer, inner) of an operand's only access. */
export function pushElement(f: Code, operand: number, batch: number, outer: number, inner: number): void {
  f.get(operand).memory('i32.load', 4 * tableAccess.address)
  for (const [table, index] of [
    [tableAccess.batch, batch],
    [tableAccess.outer, outer],
    [tableAccess.inner, inner],
  ] as const) {
    f.get(operand)
      .memory('i32.load', 4 * table)
      .get(index)
      .i32(2)
      .op('i32.shl')
      .op('i32.add')
      .memory('i32.load')
      .op('i32.add')
  }
}
