// Sixteen elements in memory, side by side or apart, with those left out that a mask leaves out.

import { type DType, dtypes } from '../../graph/dtype.ts'
import type { Store } from '../../kernel/loop.ts'
import { bitsOf, linear, type NativeFunction, scratchMask } from './builder.ts'
import { reg } from './instruction.ts'

/**
 * Loads neighbours from the address on the stack plus `offset`. With a mask, the lanes out of it are not read and are
 * `fill`; a bool is then a mask.
 */
export function loadNeighbours(
  f: NativeFunction,
  dtype: DType,
  offset: number,
  mask: number | undefined,
  fill: number,
): void {
  const k = mask === undefined ? [] : [f.get(mask).popMask()]
  const { from, displacement } = f.popAddress(offset)
  const name = dtypes[dtype].bytes === 4 ? 'vmovups' : 'vpmovzxbd'
  f.push('vector', [from, ...k], (a, to, [s, m]) => {
    const place = linear(s, displacement)
    if (m === undefined) a.vector(name, to, 0, place)
    else a.vector(name, to, 0, place, { mask: reg(m), zero: true })
  })
  finishLoad(f, dtype, mask, fill)
}

/** Loads from the address plus the lanes' offsets, both on the stack. */
export function gather(f: NativeFunction, dtype: DType, mask: number | undefined, fill: number): void {
  const index = f.popVector()
  const base = f.absolute().popGeneral()
  const k = mask === undefined ? [] : [f.get(mask).popMask()]
  f.push(
    'vector',
    [base, index, ...k],
    (a, to, [b, i, m]) => {
      // The instruction clears its mask as it goes
      if (m === undefined) a.mask('kxnorw', scratchMask, scratchMask, scratchMask)
      else a.mask('kmovw', scratchMask, 0, reg(m))
      a.vector('vpxord', to, to, to)
      a.vector('vpgatherdd', to, 0, { base: reg(b), index: reg(i) }, { mask: scratchMask })
    },
    { early: true },
  )
  // Of four bytes the first
  if (dtypes[dtype].bytes === 1) f.splat('i32', 255).op('v128.and')
  finishLoad(f, dtype, mask, fill)
}

/** Stores the vector in the local to the address plus the lanes' offsets, both on the stack; where two meet, the last stays. */
export function scatter(f: NativeFunction, value: number, mask: number | undefined): void {
  const index = f.popVector()
  const base = f.absolute().popGeneral()
  const v = f.get(value).popVector()
  const k = mask === undefined ? [] : [f.get(mask).popMask()]
  f.emit(-1, [base, index, v, ...k], (a, _, [b, i, x, m]) => {
    if (m === undefined) a.mask('kxnorw', scratchMask, scratchMask, scratchMask)
    else a.mask('kmovw', scratchMask, 0, reg(m))
    a.vector('vpscatterdd', reg(x), 0, { base: reg(b), index: reg(i) }, { mask: scratchMask })
  })
}

/** Stores or adds neighbours at the address in the local plus `offset`. */
export function storeNeighbours(
  f: NativeFunction,
  mode: Store['mode'],
  dtype: DType,
  address: number,
  offset: number,
  value: number,
  mask: number | undefined,
): void {
  f.get(value)
  if (mode === 'add') {
    f.get(address)
    loadNeighbours(f, dtype, offset, mask, 0)
    f.op(dtype === 'float32' ? 'f32x4.add' : dtype === 'bool' ? 'v128.or' : 'i32x4.add')
  }
  // A mask becomes 0 or 1
  if (dtype === 'bool') f.splat('i32', 1).op('v128.and')
  const v = f.popVector()
  const k = mask === undefined ? [] : [f.get(mask).popMask()]
  const { from, displacement } = f.get(address).popAddress(offset)
  const name = dtypes[dtype].bytes === 4 ? 'vmovupsStore' : 'vpmovdb'
  f.emit(-1, [from, v, ...k], (a, _, [s, x, m]) => {
    a.vector(name, reg(x), 0, linear(s, displacement), m === undefined ? {} : { mask: reg(m) })
  })
}

/** Lanes out of the mask become the fill, bytes of bools a mask. */
function finishLoad(f: NativeFunction, dtype: DType, mask: number | undefined, fill: number): void {
  if (dtype === 'bool') {
    f.push('mask', [f.popVector()], (a, to, [s]) => a.vector('vptestmd', to, reg(s), reg(s)))
    if (fill !== 0 && mask !== undefined) f.get(mask).op('v128.not').op('v128.or')
    return
  }
  const bits = dtype === 'float32' ? bitsOf(fill) : fill | 0
  if (bits === 0 || mask === undefined) return
  f.splat('i32', bits).get(mask).op('v128.bitselect')
}
