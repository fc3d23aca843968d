// What instructions on vectors, on masks and on float scalars become, which are vectors' first lanes.

import type { Assembler, Constant } from './assembler.ts'
import type { MaskName, VectorName } from './forms.ts'
import { reg, type Source } from './instruction.ts'
import type { Meaning } from './stack.ts'
import { type Comparison, type Extent, type Float, operand, packed } from './target.ts'

export const vectorMeanings = (): [string, Meaning][] => [
  ...floats('f32', 'scalar', 'f32'),
  ...floats('f32x4', 'lanes', 'f32'),
  ...floats('f64', 'scalar', 'f64'),
  ...floats('f64x2', 'lanes', 'f64'),
  ['i32.trunc_sat_f32_s', truncate('f32', 'scalar')],
  ['i32.trunc_sat_f64_s', truncate('f64', 'scalar')],
  ['f32.convert_i32_s', fromNumber('f32', 'vcvtdq2ps')],
  ['f64.convert_i32_s', fromNumber('f64', 'vcvtdq2pd')],
  ['f64.promote_f32', convert('f64', 'vcvtps2pd', 'scalar')],
  ['f64x2.promote_low_f32x4', convert('f64', 'vcvtps2pd', 'lanes')],
  ['f64x2.convert_low_i32x4_s', convert('f64', 'vcvtdq2pd', 'lanes')],
  ['f32.demote_f64', convert('f32', 'vcvtpd2ps', 'scalar')],
  ['f32x4.demote_f64x2_zero', convert('f32', 'vcvtpd2ps', 'lanes')],
  [
    'f32.reinterpret_i32',
    (f) => {
      f.push('vector', [f.popGeneral()], (asm, to, s) => asm.vector('vmovd', to, 0, reg(s), { bytes: 16 }))
    },
  ],
  ['i32.reinterpret_f32', (f) => void f.lane('i32x4.extract_lane', 0)],
  ['f32x4.splat', spread],
  ['i32x4.splat', spread],
  ['f64x2.splat', spread],
  ['f32x4.pmin', binary('vminps', 'lanes', { swapped: true })],
  ['f32x4.pmax', binary('vmaxps', 'lanes', { swapped: true })],
  ['f64x2.pmin', binary('vminpd', 'lanes', { swapped: true })],
  ['f64x2.pmax', binary('vmaxpd', 'lanes', { swapped: true })],
  ['f32x4.relaxed_madd', multiplyAdd('f32')],
  ['f64x2.relaxed_madd', multiplyAdd('f64')],
  ['f32x4.convert_i32x4_s', unary('vcvtdq2ps', 'lanes')],
  ['i32x4.trunc_sat_f32x4_s', truncate('f32', 'lanes')],
  ['i32x4.trunc_sat_f64x2_s_zero', truncate('f64', 'lanes')],
  ['i32x4.add', binary('vpaddd', 'lanes', { commutes: true })],
  ['i32x4.sub', binary('vpsubd', 'lanes')],
  ['i32x4.mul', binary('vpmulld', 'lanes', { commutes: true })],
  ['i32x4.min_s', binary('vpminsd', 'lanes', { commutes: true })],
  ['i32x4.max_s', binary('vpmaxsd', 'lanes', { commutes: true })],
  ['i32x4.abs', unary('vpabsd', 'lanes')],
  [
    'i32x4.neg',
    (f) => {
      const v = f.popVector()
      f.splat('i32', 0)
      f.put({ is: 'register', register: v })
      binary('vpsubd', 'lanes')(f)
    },
  ],
  ['i32x4.eq', numbers('eq')],
  ['i32x4.lt_s', numbers('lt_s')],
  ['i32x4.le_s', numbers('le_s')],
  ['i32x4.ne', numbers('ne')],
  ['i32x4.ge_s', numbers('ge_s')],
  ['i32x4.gt_s', numbers('gt_s')],
  ['i32x4.lt_u', numbers('lt_u')],
  ['i32x4.shl', lanesShift('vpslldi', 'vpslld')],
  ['i32x4.shr_u', lanesShift('vpsrldi', 'vpsrld')],
  ['i32x4.shr_s', lanesShift('vpsradi', 'vpsrad')],
  ['v128.and', logical('vandps', 'kandw', (a, b) => a & b)],
  ['v128.or', logical('vorps', 'korw', (a, b) => a | b)],
  ['v128.xor', logical('vxorps', 'kxorw', (a, b) => a ^ b)],
  ['v128.andnot', logical('vandnps', 'kandnw', (a, b) => a & ~b)],
  [
    'v128.not',
    (f) => {
      const v = f.value(f.take())
      if (f.kindOf(v) === 'mask') f.push('mask', [v], (asm, to, s) => asm.mask('knotw', to, 0, reg(s)))
      else {
        f.put({ is: 'register', register: v })
        withConstant('vxorps', 'lanes', -1)(f)
      }
    },
  ],
  ['v128.bitselect', bitselect],
]

const floats = (shape: 'f32' | 'f32x4' | 'f64' | 'f64x2', extent: Extent, float: Float): [string, Meaning][] => {
  const p = packed[float]
  const [sign, rest] = signs[float]
  return [
    [`${shape}.add`, binary(`vadd${p}`, extent, { commutes: true })],
    [`${shape}.sub`, binary(`vsub${p}`, extent)],
    [`${shape}.mul`, binary(`vmul${p}`, extent, { commutes: true })],
    [`${shape}.div`, binary(`vdiv${p}`, extent)],
    [`${shape}.min`, extreme('min', float, extent)],
    [`${shape}.max`, extreme('max', float, extent)],
    [`${shape}.neg`, withConstant(`vxor${p}`, extent, sign)],
    [`${shape}.abs`, withConstant(`vand${p}`, extent, rest)],
    [`${shape}.sqrt`, unary(`vsqrt${p}`, extent)],
    [`${shape}.nearest`, unary(`vrndscale${p}`, extent, 8)],
    [`${shape}.floor`, unary(`vrndscale${p}`, extent, 9)],
    [`${shape}.ceil`, unary(`vrndscale${p}`, extent, 10)],
    [`${shape}.trunc`, unary(`vrndscale${p}`, extent, 11)],
    [`${shape}.eq`, comparison(float, extent, 0)],
    [`${shape}.lt`, comparison(float, extent, 1)],
    [`${shape}.le`, comparison(float, extent, 2)],
    [`${shape}.ne`, comparison(float, extent, 4)],
    [`${shape}.ge`, comparison(float, extent, 13)],
    [`${shape}.gt`, comparison(float, extent, 14)],
  ]
}

/** The sign bit, and all others. */
const signs: { readonly [F in Float]: readonly [Constant, Constant] } = {
  f32: [-0x80000000, 0x7fffffff],
  f64: [-(2n ** 63n), 2n ** 63n - 1n],
}

/** The kind of what an instruction gives. */
const kindOf = (name: VectorName): 'vector' | 'double' => (name.endsWith('pd') ? 'double' : 'vector')

const binary =
  (name: VectorName, extent: Extent, rest: { commutes?: boolean; swapped?: boolean } = {}): Meaning =>
  (f) => {
    const top = f.popVector()
    const below = f.popVector()
    let [a, b] = rest.swapped ? [top, below] : [below, top]
    if (rest.commutes && f.isConstant(a)) [a, b] = [b, a]
    f.push(kindOf(name), [a, b], (asm, to, x, y) => vector(asm, name, to, reg(x), y, extent), { folds: true })
  }

const unary =
  (name: VectorName, extent: Extent, immediate?: number): Meaning =>
  (f) => {
    f.push(kindOf(name), [f.popVector()], (asm, to, x) => vector(asm, name, to, 0, x, extent, immediate), {
      folds: true,
    })
  }

/** From floats or whole numbers of another length, which memory would hold in fewer bytes or more. */
const convert =
  (to: Float, name: VectorName, extent: Extent): Meaning =>
  (f) => {
    f.push(to === 'f64' ? 'double' : 'vector', [f.popVector()], (asm, t, x) => vector(asm, name, t, 0, reg(x), extent))
  }

const fromNumber =
  (to: Float, name: VectorName): Meaning =>
  (f) => {
    f.push(to === 'f64' ? 'double' : 'vector', [f.popGeneral()], (asm, t, s) => {
      asm.vector('vmovd', t, 0, reg(s), { bytes: 16 }).vector(name, t, 0, t, { bytes: 16 })
    })
  }

/** An operation with a constant as its other operand. */
const withConstant =
  (name: VectorName, extent: Extent, bits: Constant): Meaning =>
  (f) => {
    f.put({ is: 'bits', bits })
    binary(name, extent)(f)
  }

function vector(
  asm: Assembler,
  name: VectorName,
  to: number,
  first: number,
  last: Source,
  extent: Extent,
  immediate = 0,
): void {
  if (typeof last === 'number' && immediate === 0) asm.vector(name, to, first, last, scalar[extent])
  else asm.vector(name, to, first, ...operand(last, { ...scalar[extent], immediate }))
}

const scalar = { scalar: { bytes: 16 }, lanes: {} } as const

/** Minimum and maximum of which a NaN wins, and −0 is less than 0. */
const extreme =
  (which: 'min' | 'max', float: Float, extent: Extent): Meaning =>
  (f) => {
    const b = f.popVector()
    const a = f.popVector()
    f.push(
      float === 'f64' ? 'double' : 'vector',
      [a, a, b],
      (asm, to, _, x, y) => f.target.extreme(asm, which, float, extent, to, reg(x), reg(y)),
      { early: true },
    )
  }

/** A comparison of floats: a mask in lanes, or 0 or 1 for scalars. */
const comparison =
  (float: Float, extent: Extent, predicate: number): Meaning =>
  (f) => {
    const b = f.popVector()
    const a = f.popVector()
    if (extent === 'lanes') {
      f.push('mask', [a, b], (asm, to, x, y) => f.target.compareFloats(asm, float, predicate, to, reg(x), y), {
        folds: true,
      })
      return
    }
    f.push('general', [a, b], (asm, to, x, y) => f.target.compareScalar(asm, float, predicate, to, reg(x), y), {
      folds: true,
    })
  }

/** A comparison of whole numbers in lanes: a mask. */
const numbers =
  (which: Comparison): Meaning =>
  (f) => {
    const b = f.popVector()
    const a = f.popVector()
    f.push('mask', [a, b], (asm, to, x, y) => f.target.compare(asm, which, to, reg(x), y), { folds: true })
  }

/** Truncates, NaN to 0, and beyond the integers to the last of them. */
const truncate =
  (float: Float, extent: Extent): Meaning =>
  (f) => {
    const v = f.popVector()
    f.push('vector', [v, v], (asm, to, x) => f.target.truncate(asm, float, extent, to, reg(x)), { early: true })
    if (extent === 'scalar') f.lane('i32x4.extract_lane', 0)
  }

/** Operations on lanes that may be masks on both sides. */
const logical =
  (name: VectorName, mask: MaskName, value: (a: number, b: number) => number): Meaning =>
  (f) => {
    const [top, below] = [f.take(), f.take()]
    if (top.is === 'bits' && below.is === 'bits' && typeof top.bits === 'number' && typeof below.bits === 'number') {
      f.put({ is: 'bits', bits: value(below.bits, top.bits) })
      return
    }
    const [b, a] = [f.value(top), f.value(below)]
    const [kindA, kindB] = [f.kindOf(a), f.kindOf(b)]
    if (kindA === 'mask' && kindB === 'mask') {
      // kandn inverts its first operand, v128.andnot its second
      const [x, y] = mask === 'kandnw' ? [b, a] : [a, b]
      f.push('mask', [x, y], (asm, to, s, t) => asm.mask(mask, to, reg(s), reg(t)))
      return
    }
    if (name === 'vandps' && (kindA === 'mask' || kindB === 'mask')) {
      const [k, v] = kindA === 'mask' ? [a, b] : [b, a]
      f.push('vector', [k, v], (asm, to, m, s) => asm.vector('vmovaps', to, 0, reg(s), { mask: reg(m), zero: true }))
      return
    }
    if (name === 'vandnps' && kindB === 'mask') {
      f.push('vector', [b, a], (asm, to, m, s) => {
        const { scratch } = f.target
        asm.mask('knotw', scratch, 0, reg(m))
        asm.vector('vmovaps', to, 0, reg(s), { mask: scratch, zero: true })
      })
      return
    }
    f.put({ is: 'register', register: a })
    const x = f.popVector()
    f.put({ is: 'register', register: b })
    const y = f.popVector()
    const [first, second] = name === 'vandnps' ? [y, x] : [x, y]
    f.push('vector', [first, second], (asm, to, s, t) => vector(asm, name, to, reg(s), t, 'lanes'), { folds: true })
  }

/** Bits of the first operand where the third has them, else of the second. */
const bitselect: Meaning = (f) => {
  const k = f.popMask()
  const b = f.value(f.take())
  const a = f.value(f.take())
  if (f.kindOf(a) === 'mask' && f.kindOf(b) === 'mask') {
    f.push('mask', [a, b, k], (asm, to, x, y, z) => {
      const { scratch } = f.target
      asm.mask('kandw', scratch, reg(x), reg(z)).mask('kandnw', to, reg(z), reg(y)).mask('korw', to, to, scratch)
    })
    return
  }
  f.put({ is: 'register', register: b })
  const y = f.popVector()
  f.put({ is: 'register', register: a })
  const x = f.popVector()
  const [kind, float] = f.isDouble(x) ? (['double', 'f64'] as const) : (['vector', 'f32'] as const)
  f.push(kind, [k, y, x], (asm, to, m, s, t) => f.target.select(asm, float, to, reg(t), reg(s), reg(m)))
}

const multiplyAdd =
  (float: Float): Meaning =>
  (f) => {
    const c = f.popVector()
    const second = f.popVector()
    const first = f.popVector()
    const [a, b] = f.isConstant(first) ? [second, first] : [first, second]
    const addend = f.isConstant(c)
    f.push(
      float === 'f64' ? 'double' : 'vector',
      addend ? [a, b, c] : [a, c, b],
      (asm, to, x, y, z) => {
        const [p, q, r] = addend ? [x, y, z] : [x, z, y]
        fuse(asm, float, to, reg(p), q, r)
      },
      { folds: true },
    )
  }

/** to = a · b + c, where b or c may be in memory. */
function fuse(asm: Assembler, float: Float, to: number, a: number, b: Source, c: Source): void {
  const p = packed[float]
  if (typeof c !== 'number') {
    if (to === a) vector(asm, `vfmadd213${p}`, to, reg(b), c, 'lanes')
    else if (to === b) vector(asm, `vfmadd213${p}`, to, a, c, 'lanes')
    else {
      asm.vector(`vmova${p}`, to, 0, a)
      vector(asm, `vfmadd213${p}`, to, reg(b), c, 'lanes')
    }
  } else if (to === a && to !== c) vector(asm, `vfmadd132${p}`, to, c, b, 'lanes')
  else if (to === b && to !== c) asm.vector(`vfmadd213${p}`, to, a, c)
  else {
    if (to !== c) asm.vector(`vmova${p}`, to, 0, c)
    vector(asm, `vfmadd231${p}`, to, a, b, 'lanes')
  }
}

const lanesShift =
  (byConstant: VectorName, byVector: VectorName): Meaning =>
  (f) => {
    const count = f.take()
    const v = f.popVector()
    if (count.is === 'number') {
      const { value } = count
      f.push('vector', [v], (asm, to, s) => asm.vector(byConstant, to, 0, reg(s), { immediate: value & 31 }))
      return
    }
    const n = f.value(count)
    f.push('general', [n], (asm, to, s) => {
      if (to !== s) asm.move(to, reg(s))
      asm.arithmeticImmediate('and', to, 31)
    })
    f.push('vector', [f.popGeneral()], (asm, to, s) => asm.vector('vmovd', to, 0, reg(s), { bytes: 16 }))
    const amount = f.popVector()
    f.push('vector', [v, amount], (asm, to, s, t) => asm.vector(byVector, to, reg(s), reg(t)))
  }

const spread: Meaning = (f) => {
  const entry = f.take()
  if (entry.is === 'number') f.put({ is: 'bits', bits: entry.value })
  else if (entry.is === 'bits') f.put(entry)
  else {
    const v = f.value(entry)
    if (f.kindOf(v) === 'general') f.push('vector', [v], (asm, to, s) => f.target.spread(asm, to, reg(s)))
    else if (f.isDouble(v)) f.push('double', [v], (asm, to, s) => asm.vector('vbroadcastsd', to, 0, reg(s)))
    else f.push('vector', [v], (asm, to, s) => asm.vector('vbroadcastss', to, 0, reg(s)))
  }
}
