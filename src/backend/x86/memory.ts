// A vector of elements in memory, side by side or apart, with those left out that a mask leaves out.

import { type DType, dtypes } from '../../graph/dtype.ts'
import type { Store } from '../../kernel/loop.ts'
import { storeOne } from '../wasm/emit-memory.ts'
import type { Plain } from '../wasm/opcodes.ts'
import { register } from './assembler.ts'
import type { NativeFunction } from './builder.ts'
import { frame, linear } from './convention.ts'
import type { VectorName } from './forms.ts'
import { type Encode, reg } from './instruction.ts'
import type { Alternate, Float } from './target.ts'

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
  const { bytes } = dtypes[dtype]
  if (bytes === 1 && mask !== undefined && !f.target.masksBytes) {
    gather(f.i32(offset).op('i32.add').iota(0), dtype, mask, fill)
    return
  }
  const k = mask === undefined ? [] : [f.get(mask).popMask()]
  const { from, displacement } = f.popAddress(offset)
  const { kind, float, load } = laneOf(dtype)
  f.push(kind, [from, ...k], (a, to, s, m) => {
    const place = linear(s, displacement)
    const own = mask === undefined ? undefined : reg(m)
    if (bytes === 1) f.target.loadBytes(a, to, place, own)
    else if (own === undefined) a.vector(load, to, 0, place)
    else f.target.loadMasked(a, float, to, place, own)
  })
  finishLoad(f, dtype, mask, fill)
}

/** Loads the element at the address on the stack into all lanes. */
export function loadSpread(f: NativeFunction, dtype: DType): void {
  if (dtypes[dtype].bytes === 4) {
    const { from, displacement } = f.popAddress(0)
    f.push('vector', [from], (a, to, s) => a.vector('vbroadcastss', to, 0, linear(s, displacement)))
    return
  }
  f.memory('i32.load8_u').op('i32x4.splat')
  if (dtype === 'bool') f.push('mask', [f.popVector()], (a, to, s) => f.target.nonzero(a, to, reg(s)))
}

/** Loads from the address plus the lanes' offsets, both on the stack. */
export function gather(f: NativeFunction, dtype: DType, mask: number | undefined, fill: number): void {
  const index = f.popVector()
  const base = f.absolute().popGeneral()
  const k = mask === undefined ? [] : [f.get(mask).popMask()]
  const { kind, float } = laneOf(dtype)
  f.push(
    kind,
    [base, index, ...k],
    (a, to, b, i, m) => f.target.gather(a, float, to, reg(b), reg(i), mask === undefined ? undefined : reg(m)),
    { early: true },
  )
  // Of four bytes the first
  if (dtypes[dtype].bytes === 1) f.splat('i32', 255).op('v128.and')
  finishLoad(f, dtype, mask, fill)
}

/** Loads every second element of four bytes from the address on the stack plus `offset`; the local has the elements' numbers, see `evens`. */
export function loadAlternate(f: NativeFunction, alternate: Alternate, offset: number, evens: number): void {
  const numbers = f.get(evens).popVector()
  const { from, displacement } = f.popAddress(offset)
  const load: Encode = (a, to, s, n) =>
    alternate.load(a, to, linear(s, displacement), linear(s, displacement + f.target.bytes - 4), reg(n))
  f.push('vector', [from, numbers], load, { early: true })
}

/** Loads every second element of one byte from the address on the stack plus `offset`; reads the one after the last, too. */
export function loadAlternateBytes(f: NativeFunction, alternate: Alternate, dtype: DType, offset: number): void {
  const { from, displacement } = f.popAddress(offset)
  f.push('vector', [from], (a, to, s) => alternate.loadBytes(a, to, linear(s, displacement)))
  f.splat('i32', 255).op('v128.and')
  finishLoad(f, dtype, undefined, 0)
}

/** Stores the vector in the local at every second element of four bytes from the address in the local plus `offset`. */
export function storeAlternate(
  f: NativeFunction,
  alternate: Alternate,
  address: number,
  offset: number,
  value: number,
  halves: readonly { readonly twice: number; readonly mask: number }[],
): void {
  halves.forEach(({ twice, mask }, half) => {
    const [v, numbers] = [f.get(value).popVector(), f.get(twice).popVector()]
    f.push('vector', [v, numbers], (a, to, x, n) => alternate.double(a, to, reg(x), reg(n)))
    const doubled = f.local('v128')
    f.set(doubled)
    storeNeighbours(f, 'set', 'int32', address, offset + half * f.target.bytes, doubled, mask)
  })
}

/** Stores the vector in the local to the address plus the lanes' offsets, both on the stack; where two meet, the last stays. */
export function scatter(
  f: NativeFunction,
  mode: Store['mode'],
  dtype: DType,
  value: number,
  mask: number | undefined,
): void {
  const { scatter } = f.target
  if (mode !== 'set' || dtypes[dtype].bytes < 4 || !scatter) {
    storeLanes(f, mode, dtype, value, mask)
    return
  }
  const index = f.popVector()
  const base = f.absolute().popGeneral()
  const v = f.get(value).popVector()
  const k = mask === undefined ? [] : [f.get(mask).popMask()]
  const { float } = laneOf(dtype)
  f.emit(-1, [base, index, v, ...k], (a, _, b, i, x, m) => {
    scatter(a, float, reg(x), reg(b), reg(i), mask === undefined ? undefined : reg(m))
  })
}

/** Stores or adds the lanes of the vector in the local one after the other, at the address plus their offsets, both on the stack. */
function storeLanes(
  f: NativeFunction,
  mode: Store['mode'],
  dtype: DType,
  value: number,
  mask: number | undefined,
): void {
  const [base, bits, lane, address] = [f.local('i32'), f.local('i32'), f.local('i32'), f.local('i32')]
  const lanesAt = (half: number): { readonly base: number; readonly displacement: number } => ({
    base: register.rsp,
    displacement: frame.lanes + 64 * half,
  })
  const offsets = f.popVector()
  f.set(base).get(value)
  // A mask becomes 0 or 1
  if (dtype === 'bool') f.splat('i32', 1).op('v128.and')
  f.emit(-1, [f.popVector(), offsets], (a, _, v, o) => {
    const bytes = f.target.registerBytes
    a.vector('vmovupsStore', reg(v), 0, lanesAt(0), { bytes }).vector('vmovupsStore', reg(o), 0, lanesAt(1), { bytes })
  })
  if (mask === undefined) f.i32(2 ** f.lanes - 1)
  else pushBits(f, mask)
  f.set(bits).i32(0).set(lane)
  f.loop(() => {
    f.get(bits).i32(1).op('i32.and')
    f.if(() => {
      f.get(base).get(lane)
      f.machine('general', 'general', (a, to, i) => a.move(to, { ...lanesAt(1), index: i, scale: 4 }))
      f.op('i32.add').set(address)
      storeOne(f, mode, dtype, address, 0, () => {
        f.get(lane)
        if (dtype === 'float64') {
          f.machine('general', 'double', (a, to, i) =>
            a.vector('vmovsd', to, 0, { ...lanesAt(0), index: i, scale: 8 }, { bytes: 16 }),
          )
        } else if (dtype !== 'float32') {
          f.machine('general', 'general', (a, to, i) => a.move(to, { ...lanesAt(0), index: i, scale: 4 }))
        } else {
          f.machine('general', 'vector', (a, to, i) =>
            a.vector('vmovss', to, 0, { ...lanesAt(0), index: i, scale: 4 }, { bytes: 16 }),
          )
        }
      })
    })
    f.get(lane).i32(1).op('i32.add').set(lane)
    f.get(bits).i32(1).op('i32.shr_u').tee(bits).brIf(0)
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
    f.op(laneAdd[dtype])
  }
  const { bytes } = dtypes[dtype]
  if (bytes === 1 && mask !== undefined && !f.target.masksBytes) {
    const sum = f.local('v128')
    f.set(sum).get(address).i32(offset).op('i32.add').iota(0)
    storeLanes(f, 'set', dtype, sum, mask)
    return
  }
  // A mask becomes 0 or 1, a sum wraps around
  if (bytes === 1) f.splat('i32', dtype === 'bool' ? 1 : 255).op('v128.and')
  const v = f.popVector()
  const k = mask === undefined ? [] : [f.get(mask).popMask()]
  const { float, store, stream } = laneOf(dtype)
  const { from, displacement } = f.get(address).popAddress(offset)
  f.emit(-1, [from, v, ...k], (a, _, s, x, m) => {
    const place = linear(s, displacement)
    const own = mask === undefined ? undefined : reg(m)
    if (bytes === 1) f.target.storeBytes(a, reg(x), place, own)
    else if (own === undefined) a.vector(f.streams ? stream : store, reg(x), 0, place)
    else f.target.storeMasked(a, float, reg(x), place, own)
  })
}

/** Pushes the mask in the local as bits of a number. */
export function pushBits(f: NativeFunction, mask: number): void {
  f.get(mask).machine('mask', 'general', (a, to, m) => f.target.bitsOfMask(a, to, m))
}

/** Lanes out of the mask become the fill, bytes of bools a mask. */
function finishLoad(f: NativeFunction, dtype: DType, mask: number | undefined, fill: number): void {
  if (dtype === 'bool') {
    f.push('mask', [f.popVector()], (a, to, s) => f.target.nonzero(a, to, reg(s)))
    if (fill !== 0 && mask !== undefined) f.get(mask).op('v128.not').op('v128.or')
    return
  }
  const type = dtypes[dtype].scalar
  if (Object.is(fill, 0) || mask === undefined || type === 'bool') return
  f.splat(type, fill).get(mask).op('v128.bitselect')
}

/** How elements of a type lie in lanes. */
interface Lane {
  readonly kind: 'vector' | 'double'
  readonly float: Float
  readonly load: VectorName
  readonly store: VectorName
  readonly stream: VectorName
}
const single: Lane = { kind: 'vector', float: 'f32', load: 'vmovups', store: 'vmovupsStore', stream: 'vmovntps' }
const double: Lane = { kind: 'double', float: 'f64', load: 'vmovupd', store: 'vmovupdStore', stream: 'vmovntpd' }
const laneOf = (dtype: DType): Lane => (dtype === 'float64' ? double : single)

const laneAdd: { readonly [D in DType]: Plain } = {
  float32: 'f32x4.add',
  float64: 'f64x2.add',
  int32: 'i32x4.add',
  uint8: 'i32x4.add',
  bool: 'v128.or',
}
