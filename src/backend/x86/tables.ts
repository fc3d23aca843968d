// Reads of contract kernels, whose places are given by tables of byte offsets.

import { type DType, dtypes } from '../../graph/dtype.ts'
import type { ExprCode } from '../wasm/emit-expr.ts'
import { tableAccess } from '../wasm/layout.ts'
import type { NativeFunction } from './builder.ts'
import { loadNeighbours } from './memory.ts'

/**
 * What is known of an access in every launch. Along an axis where it stays where it is, elements are read once for all lanes; where the
 * axis is one run of memory, nothing has to be looked up to know that, and no code is needed for elements that lie anywhere.
 */
export interface Standing {
  readonly outer: boolean
  readonly inner: boolean
  readonly outerRun: boolean
  readonly innerRun: boolean
}

/** One access of an operand or epilogue at the batch element in work; the args block is parameter 0, the batch element's number parameter 1. */
export class NativeTable {
  readonly dtype: DType
  readonly standing: Standing
  /** Local: address of the access's batch element. */
  readonly base: number
  /** Locals: addresses of the tables of the outer (m or n) and inner (k, or n of an epilogue) axis. */
  readonly outer: number
  readonly inner: number
  private readonly f: NativeFunction
  private readonly code: ExprCode<NativeFunction>

  constructor(code: ExprCode<NativeFunction>, access: number, dtype: DType, standing: Standing) {
    const { f, prologue } = code
    const word = (name: 'address' | 'batch' | 'outer' | 'inner'): number =>
      prologue.word(tableAccess.words * access + tableAccess[name])
    this.f = f
    this.code = code
    this.dtype = dtype
    this.standing = standing
    const [address, batch] = [word('address'), word('batch')]
    this.base = prologue.define(`base ${access}`, 'i32', () => {
      this.entry(batch, 1)
      f.get(address).op('i32.add')
    })
    this.outer = word('outer')
    this.inner = word('inner')
  }

  /** Pushes the table entry whose number is in the local. */
  entry(table: number, number: number): void {
    this.f.get(table).get(number).i32(2).op('i32.shl').op('i32.add').memory('i32.load')
  }

  /** Pushes the entries from the local's number on, zero out of the mask. */
  entries(table: number, number: number, mask: number | undefined): void {
    this.f.get(table).get(number).i32(2).op('i32.shl').op('i32.add')
    loadNeighbours(this.f, 'int32', 0, mask, 0)
  }

  /** The local of the distances of neighbouring elements from the first. */
  steps(): number {
    const { f, code } = this
    const { bytes } = dtypes[this.dtype]
    return code.prologue.define(`steps ${bytes}`, 'v128', () => f.iota(0).splat('i32', bytes).op('i32x4.mul'))
  }

  /** Pushes 1 if those entries of the mask are neighbouring elements, else 0. */
  pushNeighbours(table: number, number: number, mask: number): void {
    const { f } = this
    const entries = f.local('v128')
    this.entries(table, number, mask)
    f.set(entries)
    // Lanes that are wrong although they count
    f.get(entries).get(entries).lane('i32x4.extract_lane', 0).op('i32x4.splat').op('i32x4.sub')
    f.get(this.steps()).op('i32x4.ne').get(mask).op('v128.and')
    f.machine('mask', 'general', (a, to, m) => f.target.bitsOfMask(a, to, m)).op('i32.eqz')
  }
}

/** Whether the vectors of an access can be loaded from where its runs of memory begin: all of one run, or of two. */
export interface Runs {
  /** Locals: offset of the first run, and of the second less the lanes before it. */
  readonly first: number
  readonly second: number
  /** Locals: the lanes of either. */
  readonly inFirst: number
  readonly inSecond: number
}

/**
 * Looks at the table entries of `count` lanes from the local's number on: pushes 1 if they lie in at most two runs of memory, as
 * columns of an image do that go over the end of a row.
 */
export function pushRuns(
  f: NativeFunction,
  table: NativeTable,
  axis: number,
  number: number,
  count: number,
  mask: number,
): Runs {
  const { bytes } = dtypes[table.dtype]
  const [first, second, last] = [f.local('i32'), f.local('i32'), f.local('i32')]
  const [starts, inFirst, inSecond] = [f.local('v128'), f.local('v128'), f.local('v128')]
  table.entry(axis, number)
  f.set(first).get(number).get(count).op('i32.add').i32(1).op('i32.sub').set(last)
  table.entry(axis, last)
  f.get(count).i32(1).op('i32.sub').i32(bytes).op('i32.mul').op('i32.sub').set(second)
  table.entries(axis, number, mask)
  f.get(table.steps()).op('i32x4.sub').set(starts)
  f.get(starts).get(first).op('i32x4.splat').op('i32x4.eq').get(mask).op('v128.and').set(inFirst)
  f.get(starts).get(second).op('i32x4.splat').op('i32x4.eq').get(mask).op('v128.and')
  f.get(inFirst).op('v128.andnot').set(inSecond)
  f.get(inFirst).get(inSecond).op('v128.or').get(mask).op('v128.xor')
  f.machine('mask', 'general', (a, to, m) => f.target.bitsOfMask(a, to, m)).op('i32.eqz')
  return { first, second, inFirst, inSecond }
}

/** Pushes the mask of the first lanes, as many as the local says. */
export function pushFirst(code: ExprCode<NativeFunction>, count: number): void {
  const { f } = code
  f.get(code.prologue.define('iota 0', 'v128', () => f.iota(0)))
  f.get(count).op('i32x4.splat').op('i32x4.lt_s')
}

/** Pushes the smaller of two locals. */
export function pushSmaller(f: NativeFunction, a: number, b: number): void {
  f.get(a).get(b).get(a).get(b).op('i32.lt_s').op('select')
}
