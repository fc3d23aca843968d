// AVX2 with FMA: vectors of eight lanes, of which those count in a mask that have all their bits in a vector.

import type { Assembler } from './assembler.ts'
import { bitsOf, longBitsOf } from './convention.ts'
import { type Comparison, count, type Extent, type Float, operand, packed, type VectorTarget } from './target.ts'

/** A vector register that is never given to a value. */
const scratch = 15

const sizeOf = { scalar: { bytes: 16 }, lanes: {} } as const satisfies { readonly [E in Extent]: object }

/** Comparisons are for equal and greater; the others turn operands around, or the result. */
const inverted: { readonly [C in Comparison]: boolean } = {
  eq: false,
  ne: true,
  gt_s: false,
  le_s: true,
  lt_s: false,
  ge_s: true,
  lt_u: true,
}

/** Twelve registers of a tile sum up, two hold a row of the right operand, two an element of the left one. */
const whole: VectorTarget = {
  name: 'avx2',
  title: 'AVX2',
  bytes: 32,
  registerBytes: 32,
  lanes: 8,
  evex: false,
  maskKind: 'vector',
  registers: { vector: count(12), mask: [] },
  spares: { vector: [12, 13, 14], mask: [] },
  scratch,
  tile: { rows: 6, vectors: 2, columns: 16 },
  price: { multiplyAdd: 0.027, relative: 0.6 },

  extreme(a, which, float, extent, to, x, y) {
    // Both orders differ for zeros, which or and and join, and for NaN, whose bits or keeps
    const options = sizeOf[extent]
    const p = packed[float]
    const name = `v${which}${p}` as const
    a.vector(name, to, x, y, options).vector(name, scratch, y, x, options)
    if (which === 'min') a.vector(`vor${p}`, to, to, scratch, options)
    else {
      a.vector(`vand${p}`, to, to, scratch, options)
      a.vector(`vcmp${p}`, scratch, x, y, { ...options, immediate: 3 }).vector(`vor${p}`, to, to, scratch, options)
    }
  },
  truncate(a, float, extent, to, x) {
    const options = sizeOf[extent]
    if (float === 'f64') {
      a.vector('vcmppd', scratch, x, x, { ...options, immediate: 7 }).vector('vandpd', scratch, scratch, x, options)
      a.vector('vminpd', scratch, scratch, a.constant(longBitsOf(2147483647)), options)
      a.vector('vcvttpd2dq', to, 0, scratch, options)
      return
    }
    // What is too large becomes −2³¹, whose complement is 2³¹ − 1
    a.vector('vcvttps2dq', to, 0, x, options)
    a.vector('vcmpps', scratch, x, a.constant(bitsOf(2147483648)), { ...options, immediate: 13 })
    a.vector('vxorps', to, to, scratch, options)
    a.vector('vcmpps', scratch, x, x, { ...options, immediate: 7 }).vector('vandps', to, to, scratch, options)
  },
  compare(a, comparison, to, x, y) {
    const [last, options] = operand(y, {})
    if (comparison === 'eq' || comparison === 'ne') a.vector('vpcmpeqd', to, x, last, options)
    else if (comparison === 'gt_s' || comparison === 'le_s') a.vector('vpcmpgtd', to, x, last, options)
    else if (comparison === 'lt_u') {
      // Not less where the larger one is x
      a.vector('vpmaxud', scratch, x, last, options).vector('vpcmpeqd', to, scratch, x)
    } else if (typeof last === 'number') a.vector('vpcmpgtd', to, last, x)
    else a.vector('vmovups', scratch, 0, last).vector('vpcmpgtd', to, scratch, x)
    if (inverted[comparison]) a.vector('vpcmpeqd', scratch, scratch, scratch).vector('vxorps', to, to, scratch)
  },
  compareFloats(a, float, immediate, to, x, y) {
    a.vector(`vcmp${packed[float]}`, to, x, ...operand(y, { immediate }))
    if (float === 'f64') narrow(a, to, to, 0x88)
  },
  compareScalar(a, float, immediate, to, x, y) {
    a.vector(`vcmp${packed[float]}`, scratch, x, ...operand(y, { bytes: 16, immediate }))
    a.vector('vmovdStore', scratch, 0, to, { bytes: 16 }).arithmeticImmediate('and', to, 1)
  },
  selectScalar(a, float, to, x, y, condition) {
    const [shift, immediate] = float === 'f64' ? (['vpsllqi', 63] as const) : (['vpslldi', 31] as const)
    a.vector('vmovd', scratch, 0, condition, { bytes: 16 })
    a.vector(shift, scratch, 0, scratch, { bytes: 16, immediate })
    a.vector(`vblendv${packed[float]}`, to, y, x, { bytes: 16, immediate: scratch << 4 })
  },
  select(a, float, to, x, y, m) {
    a.vector(`vblendv${packed[float]}`, to, y, x, { immediate: widened(a, float, m) << 4 })
  },
  nonzero: (a, to, x) => void a.vector('vxorps', scratch, scratch, scratch).vector('vpcmpgtd', to, x, scratch),
  bitsOfMask: (a, to, m) => void a.vector('vmovmskps', to, 0, m),
  maskOf: spread,
  spread,
  rotate(a, _, to, x, distance) {
    const from = count(8).map((lane) => (lane + distance) % 8)
    a.vector('vmovups', scratch, 0, a.constants(from)).vector('vpermps', to, scratch, x)
  },
  loadMasked: (a, float, to, place, m) => void a.vector(`vmaskmov${packed[float]}`, to, widened(a, float, m), place),
  storeMasked: (a, float, x, place, m) =>
    void a.vector(`vmaskmov${packed[float]}Store`, x, widened(a, float, m), place),
  masksBytes: false,
  loadBytes: (a, to, place) => void a.vector('vpmovzxbd', to, 0, place),
  storeBytes(a, x, place) {
    // Both halves side by side, then words and bytes of them, all small enough
    a.vector('vextracti128', x, 0, scratch, { immediate: 1 })
    a.vector('vpackusdw', scratch, x, scratch, { bytes: 16 }).vector('vpackuswb', scratch, scratch, scratch, {
      bytes: 16,
    })
    a.vector('vmovqStore', scratch, 0, place, { bytes: 16 })
  },
  gather(a, float, to, base, index, m) {
    // The instruction clears its mask as it goes
    if (m === undefined) a.vector('vpcmpeqd', scratch, scratch, scratch, { bytes: 32 })
    else if (widened(a, float, m) === m) a.vector('vmovaps', scratch, 0, m)
    a.vector('vxorps', to, to, to).vector(float === 'f64' ? 'vgatherdpd' : 'vpgatherdd', to, scratch, { base, index })
  },
  scatter: undefined,
  alternate: undefined,
  toUpper: (a, to, x) => void a.vector('vpmovzxdq', to, 0, x).vector('vpsllqi', to, 0, to, { immediate: 32 }),
  fromUpper: (a, to, x) => narrow(a, to, x, 0xdd),
}

export const avx2: VectorTarget = {
  ...whole,
  doubles: {
    ...whole,
    bytes: 16,
    lanes: 4,
    rotate(a, float, to, x, distance) {
      const immediate = [0, 1, 2, 3].reduce((bits, lane) => bits | (((lane + distance) & 3) << (2 * lane)), 0)
      a.vector(float === 'f64' ? 'vpermpd' : 'vpshufd', to, 0, x, { immediate })
    },
    storeBytes(a, x, place) {
      a.vector('vpackusdw', scratch, x, x).vector('vpackuswb', scratch, scratch, scratch)
      a.vector('vmovdStore', scratch, 0, place)
    },
  },
}

/** The mask for lanes of the float: that of float64 goes to the scratch register. */
function widened(a: Assembler, float: Float, m: number): number {
  if (float === 'f32') return m
  a.vector('vpmovsxdq', scratch, 0, m)
  return scratch
}

/** Takes 32 bits out of each lane of 64: lanes 0 and 2, or 1 and 3, of both halves. */
function narrow(a: Assembler, to: number, x: number, immediate: 0x88 | 0xdd): void {
  a.vector('vextracti128', x, 0, scratch, { bytes: 32, immediate: 1 })
  a.vector('vshufps', to, x, scratch, { bytes: 16, immediate })
}

function spread(a: Assembler, to: number, from: number): void {
  a.vector('vmovd', to, 0, from, { bytes: 16 }).vector('vbroadcastss', to, 0, to)
}
