// What instructions on vectors, on masks and on float32 scalars become, which are vectors' first lanes.

import type { Assembler } from './assembler.ts'
import { bitsOf, scratchMask } from './convention.ts'
import type { MaskName, VectorName } from './forms.ts'
import { reg, type Source } from './instruction.ts'
import type { Meaning } from './stack.ts'

export const vectorMeanings = (): [string, Meaning][] => [
  ...floats('f32', 16),
  ...floats('f32x4', 64),
  ['i32.trunc_sat_f32_s', truncate(16)],
  [
    'f32.convert_i32_s',
    (f) => {
      f.push('vector', [f.popGeneral()], (asm, to, [s]) => {
        asm.vector('vmovd', to, 0, reg(s), { bytes: 16 }).vector('vcvtdq2ps', to, 0, to, { bytes: 16 })
      })
    },
  ],
  [
    'f32.reinterpret_i32',
    (f) => {
      f.push('vector', [f.popGeneral()], (asm, to, [s]) => asm.vector('vmovd', to, 0, reg(s), { bytes: 16 }))
    },
  ],
  ['i32.reinterpret_f32', (f) => void f.lane('i32x4.extract_lane', 0)],
  ['f32x4.splat', spread],
  ['i32x4.splat', spread],
  ['f32x4.pmin', binary('vminps', 64, { swapped: true })],
  ['f32x4.pmax', binary('vmaxps', 64, { swapped: true })],
  ['f32x4.relaxed_madd', multiplyAdd],
  ['f32x4.convert_i32x4_s', unary('vcvtdq2ps', 64)],
  ['i32x4.trunc_sat_f32x4_s', truncate(64)],
  ['i32x4.add', binary('vpaddd', 64, { commutes: true })],
  ['i32x4.sub', binary('vpsubd', 64)],
  ['i32x4.mul', binary('vpmulld', 64, { commutes: true })],
  ['i32x4.min_s', binary('vpminsd', 64, { commutes: true })],
  ['i32x4.max_s', binary('vpmaxsd', 64, { commutes: true })],
  ['i32x4.abs', unary('vpabsd', 64)],
  [
    'i32x4.neg',
    (f) => {
      const v = f.popVector()
      f.splat('i32', 0)
      f.put({ is: 'register', register: v })
      binary('vpsubd', 64)(f)
    },
  ],
  ['i32x4.eq', lanesCompare('vpcmpd', 64, 0)],
  ['i32x4.lt_s', lanesCompare('vpcmpd', 64, 1)],
  ['i32x4.le_s', lanesCompare('vpcmpd', 64, 2)],
  ['i32x4.ne', lanesCompare('vpcmpd', 64, 4)],
  ['i32x4.ge_s', lanesCompare('vpcmpd', 64, 5)],
  ['i32x4.gt_s', lanesCompare('vpcmpd', 64, 6)],
  ['i32x4.lt_u', lanesCompare('vpcmpud', 64, 1)],
  ['i32x4.shl', lanesShift('vpslldi', 'vpslld')],
  ['i32x4.shr_u', lanesShift('vpsrldi', 'vpsrld')],
  ['i32x4.shr_s', lanesShift('vpsradi', 'vpsrad')],
  ['v128.and', logical('vpandd', 'kandw', (a, b) => a & b)],
  ['v128.or', logical('vpord', 'korw', (a, b) => a | b)],
  ['v128.xor', logical('vpxord', 'kxorw', (a, b) => a ^ b)],
  ['v128.andnot', logical('vpandnd', 'kandnw', (a, b) => a & ~b)],
  [
    'v128.not',
    (f) => {
      const v = f.value(f.take())
      if (f.kindOf(v) === 'mask') f.push('mask', [v], (asm, to, [s]) => asm.mask('knotw', to, 0, reg(s)))
      else {
        f.put({ is: 'register', register: v })
        withConstant('vpxord', 64, -1)(f)
      }
    },
  ],
  ['v128.bitselect', bitselect],
]

const floats = (shape: 'f32' | 'f32x4', bytes: Bytes): [string, Meaning][] => [
  [`${shape}.add`, binary('vaddps', bytes, { commutes: true })],
  [`${shape}.sub`, binary('vsubps', bytes)],
  [`${shape}.mul`, binary('vmulps', bytes, { commutes: true })],
  [`${shape}.div`, binary('vdivps', bytes)],
  [`${shape}.min`, extreme(4, bytes)],
  [`${shape}.max`, extreme(5, bytes)],
  [`${shape}.neg`, withConstant('vpxord', bytes, -0x80000000)],
  [`${shape}.abs`, withConstant('vpandd', bytes, 0x7fffffff)],
  [`${shape}.sqrt`, unary('vsqrtps', bytes)],
  [`${shape}.nearest`, unary('vrndscaleps', bytes, 8)],
  [`${shape}.floor`, unary('vrndscaleps', bytes, 9)],
  [`${shape}.ceil`, unary('vrndscaleps', bytes, 10)],
  [`${shape}.trunc`, unary('vrndscaleps', bytes, 11)],
  [`${shape}.eq`, lanesCompare('vcmpps', bytes, 0)],
  [`${shape}.lt`, lanesCompare('vcmpps', bytes, 1)],
  [`${shape}.le`, lanesCompare('vcmpps', bytes, 2)],
  [`${shape}.ne`, lanesCompare('vcmpps', bytes, 4)],
  [`${shape}.ge`, lanesCompare('vcmpps', bytes, 13)],
  [`${shape}.gt`, lanesCompare('vcmpps', bytes, 14)],
]

/** Bytes of a scalar or of a whole vector. */
type Bytes = 16 | 64

const binary =
  (name: VectorName, bytes: Bytes, rest: { commutes?: boolean; swapped?: boolean } = {}): Meaning =>
  (f) => {
    const top = f.popVector()
    const below = f.popVector()
    let [a, b] = rest.swapped ? [top, below] : [below, top]
    if (rest.commutes && f.isConstant(a)) [a, b] = [b, a]
    f.push('vector', [a, b], (asm, to, [x, y]) => vector(asm, name, to, reg(x), y, bytes), { folds: true })
  }

const unary =
  (name: VectorName, bytes: Bytes, immediate?: number): Meaning =>
  (f) => {
    f.push('vector', [f.popVector()], (asm, to, [x]) => vector(asm, name, to, 0, x, bytes, immediate), { folds: true })
  }

/** An operation with a constant as its other operand. */
const withConstant =
  (name: VectorName, bytes: Bytes, bits: number): Meaning =>
  (f) => {
    f.splat('i32', bits)
    binary(name, bytes)(f)
  }

function vector(
  asm: Assembler,
  name: VectorName,
  to: number,
  first: number,
  last: Source | undefined,
  bytes: Bytes,
  immediate?: number,
): void {
  const options = { bytes, ...(immediate === undefined ? {} : { immediate }) }
  if (typeof last === 'number') asm.vector(name, to, first, last, options)
  else if (last !== undefined) asm.vector(name, to, first, last.memory, { ...options, broadcast: last.broadcast })
}

/** Minimum and maximum of which a NaN wins, and −0 is less than 0. */
const extreme =
  (immediate: number, bytes: Bytes): Meaning =>
  (f) => {
    const b = f.popVector()
    const a = f.popVector()
    f.push(
      'vector',
      [a, a, b],
      (asm, to, [, x, y]) => {
        const [p, q] = [reg(x), reg(y)]
        asm.vector('vcmpps', scratchMask, p, q, { bytes, immediate: 3 })
        asm.vector('vrangeps', to, p, q, { bytes, immediate })
        asm.vector('vaddps', to, p, q, { bytes, mask: scratchMask })
      },
      { early: true },
    )
  }

/** A comparison: a mask in lanes, or 0 or 1 for scalars. */
const lanesCompare =
  (name: 'vcmpps' | 'vpcmpd' | 'vpcmpud', bytes: Bytes, immediate: number): Meaning =>
  (f) => {
    const b = f.popVector()
    const a = f.popVector()
    if (bytes === 64) {
      f.push('mask', [a, b], (asm, to, [x, y]) => vector(asm, name, to, reg(x), y, bytes, immediate), { folds: true })
      return
    }
    f.push(
      'general',
      [a, b],
      (asm, to, [x, y]) => {
        vector(asm, name, scratchMask, reg(x), y, bytes, immediate)
        asm.mask('kmovwTo', to, 0, scratchMask).arithmeticImmediate('and', to, 1)
      },
      { folds: true },
    )
  }

/** Truncates, NaN to 0, and beyond the integers to the last of them. */
function saturate(asm: Assembler, to: number, from: number, bytes: Bytes): void {
  asm.vector('vcmpps', scratchMask, from, asm.constant(bitsOf(2147483648)), { bytes, broadcast: true, immediate: 13 })
  asm.vector('vcvttps2dq', to, 0, from, { bytes })
  // Too large becomes −2³¹; one less is 2³¹ − 1
  asm.vector('vpaddd', to, to, asm.constant(-1), { bytes, broadcast: true, mask: scratchMask })
}

const truncate =
  (bytes: Bytes): Meaning =>
  (f) => {
    const v = f.popVector()
    const emit = (asm: Assembler, to: number, from: number): void => {
      saturate(asm, to, from, bytes)
      asm.vector('vcmpps', scratchMask, from, from, { bytes, immediate: 7 })
      asm.vector('vmovaps', to, 0, to, { bytes, mask: scratchMask, zero: true })
    }
    f.push('vector', [v, v], (asm, to, [x]) => emit(asm, to, reg(x)), { early: true })
    if (bytes === 16) f.lane('i32x4.extract_lane', 0)
  }

/** Operations on lanes that may be masks on both sides. */
const logical =
  (name: VectorName, mask: MaskName, value: (a: number, b: number) => number): Meaning =>
  (f) => {
    const [top, below] = [f.take(), f.take()]
    if (top.is === 'bits' && below.is === 'bits') {
      f.put({ is: 'bits', bits: value(below.bits, top.bits) })
      return
    }
    const [b, a] = [f.value(top), f.value(below)]
    const [kindA, kindB] = [f.kindOf(a), f.kindOf(b)]
    if (kindA === 'mask' && kindB === 'mask') {
      // kandn inverts its first operand, v128.andnot its second
      const [x, y] = mask === 'kandnw' ? [b, a] : [a, b]
      f.push('mask', [x, y], (asm, to, [s, t]) => asm.mask(mask, to, reg(s), reg(t)))
      return
    }
    if (name === 'vpandd' && (kindA === 'mask' || kindB === 'mask')) {
      const [k, v] = kindA === 'mask' ? [a, b] : [b, a]
      f.push('vector', [k, v], (asm, to, [m, s]) => asm.vector('vmovaps', to, 0, reg(s), { mask: reg(m), zero: true }))
      return
    }
    if (name === 'vpandnd' && kindB === 'mask') {
      f.push('vector', [b, a], (asm, to, [m, s]) => {
        asm.mask('knotw', scratchMask, 0, reg(m))
        asm.vector('vmovaps', to, 0, reg(s), { mask: scratchMask, zero: true })
      })
      return
    }
    f.put({ is: 'register', register: a })
    const x = f.popVector()
    f.put({ is: 'register', register: b })
    const y = f.popVector()
    const [first, second] = name === 'vpandnd' ? [y, x] : [x, y]
    f.push('vector', [first, second], (asm, to, [s, t]) => vector(asm, name, to, reg(s), t, 64), { folds: true })
  }

/** Bits of the first operand where the third has them, else of the second. */
const bitselect: Meaning = (f) => {
  const k = f.popMask()
  const b = f.value(f.take())
  const a = f.value(f.take())
  if (f.kindOf(a) === 'mask' && f.kindOf(b) === 'mask') {
    f.push('mask', [a, b, k], (asm, to, [x, y, z]) => {
      asm
        .mask('kandw', scratchMask, reg(x), reg(z))
        .mask('kandnw', to, reg(z), reg(y))
        .mask('korw', to, to, scratchMask)
    })
    return
  }
  f.put({ is: 'register', register: b })
  const y = f.popVector()
  f.put({ is: 'register', register: a })
  const x = f.popVector()
  f.push('vector', [k, y, x], (asm, to, [m, s, t]) => asm.vector('vblendmps', to, reg(s), reg(t), { mask: reg(m) }))
}

const multiplyAdd: Meaning = (f) => {
  const c = f.popVector()
  const second = f.popVector()
  const first = f.popVector()
  const [a, b] = f.isConstant(first) ? [second, first] : [first, second]
  const addend = f.isConstant(c)
  f.push(
    'vector',
    addend ? [a, b, c] : [a, c, b],
    (asm, to, [x, y, z]) => {
      const [p, q, r] = addend ? [x, y, z] : [x, z, y]
      fuse(asm, to, reg(p), q, r)
    },
    { folds: true },
  )
}

/** to = a · b + c, where b or c may be in memory. */
function fuse(asm: Assembler, to: number, a: number, b: Source | undefined, c: Source | undefined): void {
  if (typeof c !== 'number') {
    if (to === a) vector(asm, 'vfmadd213ps', to, reg(b), c, 64)
    else if (to === b) vector(asm, 'vfmadd213ps', to, a, c, 64)
    else {
      asm.vector('vmovaps', to, 0, a)
      vector(asm, 'vfmadd213ps', to, reg(b), c, 64)
    }
  } else if (to === a && to !== c) vector(asm, 'vfmadd132ps', to, c, b, 64)
  else if (to === b && to !== c) asm.vector('vfmadd213ps', to, a, c)
  else {
    if (to !== c) asm.vector('vmovaps', to, 0, c)
    vector(asm, 'vfmadd231ps', to, a, b, 64)
  }
}

const lanesShift =
  (byConstant: VectorName, byVector: VectorName): Meaning =>
  (f) => {
    const count = f.take()
    const v = f.popVector()
    if (count.is === 'number') {
      const { value } = count
      f.push('vector', [v], (asm, to, [s]) => asm.vector(byConstant, to, 0, reg(s), { immediate: value & 31 }))
      return
    }
    const n = f.value(count)
    f.push('general', [n], (asm, to, [s]) => {
      if (to !== s) asm.move(to, reg(s))
      asm.arithmeticImmediate('and', to, 31)
    })
    f.push('vector', [f.popGeneral()], (asm, to, [s]) => asm.vector('vmovd', to, 0, reg(s), { bytes: 16 }))
    const amount = f.popVector()
    f.push('vector', [v, amount], (asm, to, [s, t]) => asm.vector(byVector, to, reg(s), reg(t)))
  }

const spread: Meaning = (f) => {
  const entry = f.take()
  if (entry.is === 'number') f.put({ is: 'bits', bits: entry.value })
  else if (entry.is === 'bits') f.put(entry)
  else {
    const v = f.value(entry)
    if (f.kindOf(v) === 'general') f.push('vector', [v], (asm, to, [s]) => asm.vector('vpbroadcastd', to, 0, reg(s)))
    else f.push('vector', [v], (asm, to, [s]) => asm.vector('vbroadcastss', to, 0, reg(s)))
  }
}
