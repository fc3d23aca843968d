// AVX-512: vectors of sixteen lanes, masks in registers of their own that nearly every instruction takes.

import type { Assembler } from './assembler.ts'
import { bitsOf, longBitsOf } from './convention.ts'
import type { Source } from './instruction.ts'
import { type Comparison, count, type Extent, type Float, operand, packed, type VectorTarget } from './target.ts'

/** A mask register that is never given to a value. */
const scratch = 7

const sizeOf = { scalar: { bytes: 16 }, lanes: {} } as const satisfies { readonly [E in Extent]: object }

const predicates: { readonly [C in Comparison]: number } = {
  eq: 0,
  lt_s: 1,
  le_s: 2,
  ne: 4,
  ge_s: 5,
  gt_s: 6,
  lt_u: 1,
}

/** 28 registers of a tile sum up, two hold a row of the right operand, two an element of the left one. */
const whole: VectorTarget = {
  name: 'avx512',
  title: 'AVX-512',
  bytes: 64,
  registerBytes: 64,
  lanes: 16,
  evex: true,
  maskKind: 'mask',
  registers: { vector: count(28), mask: count(3, 1) },
  spares: { vector: [28, 29, 30, 31], mask: [4, 5, 6] },
  scratch,
  tile: { rows: 14, vectors: 2, columns: 32 },
  price: { multiplyAdd: 0.0135, relative: 0.4 },

  extreme(a, which, float, extent, to, x, y) {
    const options = sizeOf[extent]
    const p = packed[float]
    a.vector(`vcmp${p}`, scratch, x, y, { ...options, immediate: 3 })
    a.vector(`vrange${p}`, to, x, y, { ...options, immediate: which === 'min' ? 4 : 5 })
    a.vector(`vadd${p}`, to, x, y, { ...options, mask: scratch })
  },
  truncate(a, float, extent, to, x) {
    const options = sizeOf[extent]
    if (float === 'f64') {
      a.vector('vcmppd', scratch, x, x, { ...options, immediate: 7 })
      a.vector('vmovapd', to, 0, x, { ...options, mask: scratch, zero: true })
      a.vector('vminpd', to, to, a.constant(longBitsOf(2147483647)), { ...options, broadcast: true })
      a.vector('vcvttpd2dq', to, 0, to, options)
      return
    }
    a.vector('vcmpps', scratch, x, a.constant(bitsOf(2147483648)), { ...options, broadcast: true, immediate: 13 })
    a.vector('vcvttps2dq', to, 0, x, options)
    // Too large becomes −2³¹; one less is 2³¹ − 1
    a.vector('vpaddd', to, to, a.constant(-1), { ...options, broadcast: true, mask: scratch })
    a.vector('vcmpps', scratch, x, x, { ...options, immediate: 7 })
    a.vector('vmovaps', to, 0, to, { ...options, mask: scratch, zero: true })
  },
  compareFloats(a, float, immediate, to, x, y) {
    a.vector(`vcmp${packed[float]}`, to, x, ...operand(y, { immediate }))
  },
  compare(a, comparison, to, x, y) {
    const immediate = predicates[comparison]
    a.vector(comparison === 'lt_u' ? 'vpcmpud' : 'vpcmpd', to, x, ...operand(y, { immediate }))
  },
  compareScalar(a, float, immediate, to, x, y: Source) {
    a.vector(`vcmp${packed[float]}`, scratch, x, ...operand(y, { bytes: 16, immediate }))
    a.mask('kmovwTo', to, 0, scratch).arithmeticImmediate('and', to, 1)
  },
  selectScalar(a, float, to, x, y, condition) {
    a.mask('kmovwFrom', scratch, 0, condition)
    a.vector(blends[float], to, y, x, { bytes: 16, mask: scratch })
  },
  select: (a, float, to, x, y, mask) => void a.vector(blends[float], to, y, x, { mask }),
  nonzero: (a, to, x) => void a.vector('vptestmd', to, x, x),
  bitsOfMask: (a, to, m) => void a.mask('kmovwTo', to, 0, m),
  maskOf: (a, to, bits) => void a.mask('kmovwFrom', to, 0, bits),
  spread: (a, to, from) => void a.vector('vpbroadcastd', to, 0, from),
  rotate: (a, float, to, x, immediate) =>
    void a.vector(float === 'f64' ? 'valignq' : 'valignd', to, x, x, { immediate }),
  loadMasked: (a, float, to, place, mask) => void a.vector(`vmovu${packed[float]}`, to, 0, place, { mask, zero: true }),
  storeMasked: (a, float, x, place, mask) => void a.vector(`vmovu${packed[float]}Store`, x, 0, place, { mask }),
  masksBytes: true,
  loadBytes(a, to, place, mask) {
    a.vector('vpmovzxbd', to, 0, place, mask === undefined ? {} : { mask, zero: true })
  },
  storeBytes: (a, x, place, mask) => void a.vector('vpmovdb', x, 0, place, mask === undefined ? {} : { mask }),
  gather(a, float, to, base, index, m) {
    chosen(a, m)
    a.vector('vxorps', to, to, to)
    a.vector(float === 'f64' ? 'vgatherdpd' : 'vpgatherdd', to, 0, { base, index }, { mask: scratch })
  },
  scatter(a, float, x, base, index, m) {
    chosen(a, m)
    a.vector(float === 'f64' ? 'vscatterdpd' : 'vpscatterdd', x, 0, { base, index }, { mask: scratch })
  },
  toUpper: (a, to, x) => void a.vector('vpmovzxdq', to, 0, x).vector('vpsllqi', to, 0, to, { immediate: 32 }),
  fromUpper: (a, to, x) => void a.vector('vpsrlqi', to, 0, x, { immediate: 32 }).vector('vpmovqd', to, 0, to),
  alternate: undefined,
}

export const avx512: VectorTarget = {
  ...whole,
  doubles: {
    ...whole,
    bytes: 32,
    lanes: 8,
    // Beyond the lanes masks hold anything
    bitsOfMask: (a, to, m) => void a.mask('kmovwTo', to, 0, m).arithmeticImmediate('and', to, 255),
  },
  alternate: {
    load: (a, to, place, last, evens) => void a.vector('vmovups', to, 0, place).vector('vpermt2ps', to, evens, last),
    loadBytes: (a, to, place) => void a.vector('vpmovzxwd', to, 0, place),
    join: (a, to, x, y, numbers) => void a.vector('vmovaps', to, 0, x).vector('vpermt2ps', to, numbers, y),
    double: (a, to, x, twice) => void a.vector('vpermps', to, twice, x),
  },
}

const blends = { f32: 'vblendmps', f64: 'vblendmpd' } as const satisfies { readonly [F in Float]: string }

/** Puts the lanes of a gather, all without a mask, where the instruction clears them as it goes. */
function chosen(a: Assembler, m: number | undefined): void {
  if (m === undefined) a.mask('kxnorw', scratch, scratch, scratch)
  else a.mask('kmovw', scratch, 0, m)
}
