// The instructions that the kernels need, as tables of what their encodings consist of.

/** A vector instruction; most exist in VEX and in EVEX encoding. */
export interface VectorForm {
  /** Opcode map: 1 is 0F, 2 is 0F38, 3 is 0F3A. */
  readonly map: 1 | 2 | 3
  /** Implied prefix: 0 none, 1 is 66, 2 is F3, 3 is F2. */
  readonly prefix: 0 | 1 | 2 | 3
  readonly opcode: number
  readonly wide?: boolean
  /** The same of VEX encoding, where it matters. */
  readonly wideVex?: boolean
  /** Whether lanes of one operand are 64 bits long, so that it takes twice the bytes of a vector of as many lanes of 32. */
  readonly doubles?: boolean
  /** The only encoding it exists in, or is used in. */
  readonly only?: 'vex' | 'evex'
  /** Bytes by which short displacements are counted in EVEX: a whole vector, a part of one, or so many. */
  readonly tuple: 'full' | 'half' | 'quarter' | 4 | 8 | 16
  readonly immediate?: boolean
  /** The opcode's extension, where the destination is not in its usual place. */
  readonly digit?: number
  /** Whether the memory operand's index is a vector. */
  readonly indexed?: boolean
}

const form = (
  map: VectorForm['map'],
  prefix: VectorForm['prefix'],
  opcode: number,
  rest: Partial<VectorForm> = {},
): VectorForm => ({ map, prefix, opcode, tuple: 'full', ...rest })
const double = (
  map: VectorForm['map'],
  prefix: VectorForm['prefix'],
  opcode: number,
  rest: Partial<VectorForm> = {},
): VectorForm => form(map, prefix, opcode, { wide: true, doubles: true, ...rest })
const immediate = { immediate: true } as const
const half = { tuple: 'half', wide: false } as const
const evex = { only: 'evex' } as const
const vex = { only: 'vex' } as const

const table = {
  vaddps: form(1, 0, 0x58),
  vmulps: form(1, 0, 0x59),
  vsubps: form(1, 0, 0x5c),
  vminps: form(1, 0, 0x5d),
  vdivps: form(1, 0, 0x5e),
  vmaxps: form(1, 0, 0x5f),
  vsqrtps: form(1, 0, 0x51),
  vfmadd132ps: form(2, 1, 0x98),
  vfmadd213ps: form(2, 1, 0xa8),
  vfmadd231ps: form(2, 1, 0xb8),
  /** In VEX encoding it is called vroundps. */
  vrndscaleps: form(3, 1, 0x08, immediate),
  vrangeps: form(3, 1, 0x50, { ...immediate, ...evex }),
  vcvttps2dq: form(1, 2, 0x5b),
  vcvtdq2ps: form(1, 0, 0x5b),
  vpaddd: form(1, 1, 0xfe),
  vpsubd: form(1, 1, 0xfa),
  vpmulld: form(2, 1, 0x40),
  vpminsd: form(2, 1, 0x39),
  vpmaxsd: form(2, 1, 0x3d),
  vpabsd: form(2, 1, 0x1e),
  vandps: form(1, 0, 0x54),
  vandnps: form(1, 0, 0x55),
  vorps: form(1, 0, 0x56),
  vxorps: form(1, 0, 0x57),
  /** Shifts by a constant, and by the lowest lane of a vector. */
  vpslldi: form(1, 1, 0x72, { immediate: true, digit: 6 }),
  vpsrldi: form(1, 1, 0x72, { immediate: true, digit: 2 }),
  vpsradi: form(1, 1, 0x72, { immediate: true, digit: 4 }),
  vpslld: form(1, 1, 0xf2, { tuple: 16 }),
  vpsrld: form(1, 1, 0xd2, { tuple: 16 }),
  vpsrad: form(1, 1, 0xe2, { tuple: 16 }),
  /** Comparisons, whose destination is a mask register, or in VEX a vector. */
  vcmpps: form(1, 0, 0xc2, immediate),
  vpcmpd: form(3, 1, 0x1f, { ...immediate, ...evex }),
  vpcmpud: form(3, 1, 0x1e, { ...immediate, ...evex }),
  vptestmd: form(2, 1, 0x27, evex),
  vpmovd2m: form(2, 2, 0x39, evex),
  vpmovm2d: form(2, 2, 0x38, evex),
  vblendmps: form(2, 1, 0x65, evex),
  vmovups: form(1, 0, 0x10),
  vmovupsStore: form(1, 0, 0x11),
  vmovntps: form(1, 0, 0x2b),
  vmovaps: form(1, 0, 0x28),
  vmovss: form(1, 2, 0x10, { tuple: 4 }),
  vmovssStore: form(1, 2, 0x11, { tuple: 4 }),
  vbroadcastss: form(2, 1, 0x18, { tuple: 4 }),
  vpbroadcastd: form(2, 1, 0x7c, { tuple: 4, ...evex }),
  vmovd: form(1, 1, 0x6e, { tuple: 4 }),
  vmovdStore: form(1, 1, 0x7e, { tuple: 4 }),
  vpmovzxbd: form(2, 1, 0x31, { tuple: 'quarter' }),
  vpmovzxwd: form(2, 1, 0x33, { tuple: 'half' }),
  vpmovdb: form(2, 2, 0x31, { tuple: 'quarter', ...evex }),
  /** Its mask is the first source in VEX. */
  vpgatherdd: form(2, 1, 0x90, { tuple: 4, indexed: true }),
  vpscatterdd: form(2, 1, 0xa0, { tuple: 4, indexed: true, ...evex }),
  valignd: form(3, 1, 0x03, { ...immediate, ...evex }),
  vunpcklps: form(1, 0, 0x14),
  vunpckhps: form(1, 0, 0x15),
  vunpcklpd: form(1, 1, 0x14, { wide: true }),
  vunpckhpd: form(1, 1, 0x15, { wide: true }),
  vshuff32x4: form(3, 1, 0x23, { ...immediate, ...evex }),
  vpcmpeqd: form(1, 1, 0x76, vex),
  vpcmpgtd: form(1, 1, 0x66, vex),
  vpmaxud: form(2, 1, 0x3f, vex),
  /** The fourth register is in the upper half of the constant. */
  vblendvps: form(3, 1, 0x4a, { ...immediate, ...vex }),
  vmovmskps: form(1, 0, 0x50, vex),
  vmaskmovps: form(2, 1, 0x2c, vex),
  vmaskmovpsStore: form(2, 1, 0x2e, vex),
  vpackusdw: form(2, 1, 0x2b, vex),
  vpackuswb: form(1, 1, 0x67, vex),
  vmovqStore: form(1, 1, 0xd6, vex),
  vextracti128: form(3, 1, 0x39, { ...immediate, ...vex }),
  vperm2f128: form(3, 1, 0x06, { ...immediate, ...vex }),
  vpermps: form(2, 1, 0x16),
  /** Elements of two vectors, the first of which the destination held. */
  vpermt2ps: form(2, 1, 0x7f, evex),
  vpshufd: form(1, 1, 0x70, { ...immediate, ...vex }),
  vshufps: form(1, 0, 0xc6, { ...immediate, ...vex }),
  // Float64, and between it and what takes 32 bits.
  vaddpd: double(1, 1, 0x58),
  vmulpd: double(1, 1, 0x59),
  vsubpd: double(1, 1, 0x5c),
  vminpd: double(1, 1, 0x5d),
  vdivpd: double(1, 1, 0x5e),
  vmaxpd: double(1, 1, 0x5f),
  vsqrtpd: double(1, 1, 0x51),
  vfmadd132pd: double(2, 1, 0x98, { wideVex: true }),
  vfmadd213pd: double(2, 1, 0xa8, { wideVex: true }),
  vfmadd231pd: double(2, 1, 0xb8, { wideVex: true }),
  /** In VEX encoding it is called vroundpd. */
  vrndscalepd: double(3, 1, 0x09, immediate),
  vrangepd: double(3, 1, 0x50, { ...immediate, ...evex }),
  vandpd: double(1, 1, 0x54),
  vorpd: double(1, 1, 0x56),
  vxorpd: double(1, 1, 0x57),
  vcmppd: double(1, 1, 0xc2, immediate),
  vblendmpd: double(2, 1, 0x65, evex),
  vmovapd: double(1, 1, 0x28),
  vmovupd: double(1, 1, 0x10),
  vmovupdStore: double(1, 1, 0x11),
  vmovntpd: double(1, 1, 0x2b),
  vmovsd: double(1, 3, 0x10, { tuple: 8 }),
  vmovsdStore: double(1, 3, 0x11, { tuple: 8 }),
  vbroadcastsd: double(2, 1, 0x19, { tuple: 8 }),
  vcvtps2pd: double(1, 0, 0x5a, half),
  vcvtdq2pd: double(1, 2, 0xe6, half),
  vcvtpd2ps: double(1, 1, 0x5a),
  vcvttpd2dq: double(1, 1, 0xe6),
  vpsllqi: double(1, 1, 0x73, { immediate: true, digit: 6 }),
  vpsrlqi: double(1, 1, 0x73, { immediate: true, digit: 2 }),
  vpmovzxdq: double(2, 1, 0x35, half),
  vpmovsxdq: double(2, 1, 0x25, { ...half, ...vex }),
  vpmovqd: double(2, 2, 0x35, { ...half, ...evex }),
  vgatherdpd: double(2, 1, 0x92, { tuple: 8, indexed: true, wideVex: true }),
  vscatterdpd: double(2, 1, 0xa2, { tuple: 8, indexed: true, ...evex }),
  valignq: double(3, 1, 0x03, { ...immediate, ...evex }),
  /** The fourth register is in the upper half of the constant. */
  vblendvpd: double(3, 1, 0x4b, { ...immediate, ...vex }),
  vmaskmovpd: double(2, 1, 0x2d, vex),
  vmaskmovpdStore: double(2, 1, 0x2f, vex),
  vpermpd: double(3, 1, 0x01, { ...immediate, ...vex, wideVex: true }),
} as const satisfies { readonly [name: string]: VectorForm }

export type VectorName = keyof typeof table
export const vectors: { readonly [N in VectorName]: VectorForm } = table

/** Instructions on mask registers, in VEX encoding of map 1; `long` where there are two sources. */
export const masks = {
  kandw: { prefix: 0, opcode: 0x41, long: true },
  kandnw: { prefix: 0, opcode: 0x42, long: true },
  knotw: { prefix: 0, opcode: 0x44, long: false },
  korw: { prefix: 0, opcode: 0x45, long: true },
  kxnorw: { prefix: 0, opcode: 0x46, long: true },
  kxorw: { prefix: 0, opcode: 0x47, long: true },
  /** From a mask or memory; to memory; from a general register; to one. */
  kmovw: { prefix: 0, opcode: 0x90, long: false },
  kmovwStore: { prefix: 0, opcode: 0x91, long: false },
  kmovwFrom: { prefix: 0, opcode: 0x92, long: false },
  kmovwTo: { prefix: 0, opcode: 0x93, long: false },
  kortestw: { prefix: 0, opcode: 0x98, long: false },
} as const
export type MaskName = keyof typeof masks

/** Arithmetic on general registers: the first opcode of each. */
export const general = { add: 0x00, or: 0x08, and: 0x20, sub: 0x28, xor: 0x30, cmp: 0x38 } as const

/** Numbers of the conditions. */
export const flags = {
  overflow: 0,
  below: 2,
  aboveOrEqual: 3,
  equal: 4,
  notEqual: 5,
  belowOrEqual: 6,
  above: 7,
  less: 12,
  greaterOrEqual: 13,
  lessOrEqual: 14,
  greater: 15,
} as const
