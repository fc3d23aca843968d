// AVX-512: vectors of sixteen lanes, masks in registers of their own that nearly every instruction takes.

import { bitsOf } from './convention.ts'
import type { Source } from './instruction.ts'
import { type Comparison, count, type Extent, operand, type VectorTarget } from './target.ts'

/** A mask register that is never given to a value. */
const scratch = 7

const bytesOf = (extent: Extent): 16 | 64 => (extent === 'scalar' ? 16 : 64)

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
export const avx512: VectorTarget = {
  name: 'avx512',
  title: 'AVX-512',
  bytes: 64,
  lanes: 16,
  evex: true,
  maskKind: 'mask',
  registers: { vector: count(28), mask: count(3, 1) },
  spares: { vector: [28, 29, 30, 31], mask: [4, 5, 6] },
  scratch,
  tile: { rows: 14, vectors: 2, columns: 32 },
  price: { multiplyAdd: 0.0135, relative: 0.4 },

  extreme(a, which, extent, to, x, y) {
    const bytes = bytesOf(extent)
    a.vector('vcmpps', scratch, x, y, { bytes, immediate: 3 })
    a.vector('vrangeps', to, x, y, { bytes, immediate: which === 'min' ? 4 : 5 })
    a.vector('vaddps', to, x, y, { bytes, mask: scratch })
  },
  truncate(a, extent, to, x) {
    const bytes = bytesOf(extent)
    a.vector('vcmpps', scratch, x, a.constant(bitsOf(2147483648)), { bytes, broadcast: true, immediate: 13 })
    a.vector('vcvttps2dq', to, 0, x, { bytes })
    // Too large becomes −2³¹; one less is 2³¹ − 1
    a.vector('vpaddd', to, to, a.constant(-1), { bytes, broadcast: true, mask: scratch })
    a.vector('vcmpps', scratch, x, x, { bytes, immediate: 7 })
    a.vector('vmovaps', to, 0, to, { bytes, mask: scratch, zero: true })
  },
  compare(a, comparison, to, x, y) {
    const immediate = predicates[comparison]
    a.vector(comparison === 'lt_u' ? 'vpcmpud' : 'vpcmpd', to, x, ...operand(y, { immediate }))
  },
  compareScalar(a, immediate, to, x, y: Source | undefined) {
    a.vector('vcmpps', scratch, x, ...operand(y, { bytes: 16, immediate }))
    a.mask('kmovwTo', to, 0, scratch).arithmeticImmediate('and', to, 1)
  },
  selectScalar(a, to, x, y, condition) {
    a.mask('kmovwFrom', scratch, 0, condition)
    a.vector('vblendmps', to, y, x, { bytes: 16, mask: scratch })
  },
  select: (a, to, x, y, mask) => void a.vector('vblendmps', to, y, x, { mask }),
  nonzero: (a, to, x) => void a.vector('vptestmd', to, x, x),
  bitsOfMask: (a, to, m) => void a.mask('kmovwTo', to, 0, m),
  maskOf: (a, to, bits) => void a.mask('kmovwFrom', to, 0, bits),
  spread: (a, to, from) => void a.vector('vpbroadcastd', to, 0, from),
  rotate: (a, to, x, immediate) => void a.vector('valignd', to, x, x, { immediate }),
  loadMasked: (a, to, place, mask) => void a.vector('vmovups', to, 0, place, { mask, zero: true }),
  storeMasked: (a, x, place, mask) => void a.vector('vmovupsStore', x, 0, place, { mask }),
  masksBytes: true,
  loadBytes(a, to, place, mask) {
    a.vector('vpmovzxbd', to, 0, place, mask === undefined ? {} : { mask, zero: true })
  },
  storeBytes: (a, x, place, mask) => void a.vector('vpmovdb', x, 0, place, mask === undefined ? {} : { mask }),
  gather(a, to, base, index, m) {
    // The instruction clears its mask as it goes
    if (m === undefined) a.mask('kxnorw', scratch, scratch, scratch)
    else a.mask('kmovw', scratch, 0, m)
    a.vector('vxorps', to, to, to)
    a.vector('vpgatherdd', to, 0, { base, index }, { mask: scratch })
  },
  scatter(a, x, base, index, m) {
    if (m === undefined) a.mask('kxnorw', scratch, scratch, scratch)
    else a.mask('kmovw', scratch, 0, m)
    a.vector('vpscatterdd', x, 0, { base, index }, { mask: scratch })
  },
}
