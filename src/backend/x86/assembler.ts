// An assembler for x86-64 with AVX2 and AVX-512: instructions as calls, labels, and a pool of constants after the code.

import { flags, vectors as forms, general, type MaskName, masks, type VectorForm, type VectorName } from './forms.ts'

/** Numbers of the general registers, as the processor counts them. */
export const register = {
  rax: 0,
  rcx: 1,
  rdx: 2,
  rbx: 3,
  rsp: 4,
  rbp: 5,
  rsi: 6,
  rdi: 7,
  r8: 8,
  r9: 9,
  r10: 10,
  r11: 11,
  r12: 12,
  r13: 13,
  r14: 14,
  r15: 15,
} as const

/** A place in memory: base + index · scale + displacement, or a constant of the pool. */
export type Memory =
  | {
      readonly base: number
      readonly index?: number
      readonly scale?: 1 | 2 | 4 | 8
      readonly displacement?: number
    }
  | { readonly pool: number }

/** A register's number, or a place in memory. */
export type Operand = number | Memory

/** 32 bits of every lane, or of every lane of 64 bits as a bigint. */
export type Constant = number | bigint

/** What whole vectors are. */
export interface Vectors {
  /** Bytes of a vector of elements of 32 bits, and how many these are; as many of 64 bits take twice the bytes. */
  readonly bytes: 16 | 32 | 64
  readonly lanes: number
  /** Whether instructions are in EVEX encoding, which has masks and repeats an element in memory in all lanes, or in VEX. */
  readonly evex: boolean
}

export interface VectorOptions {
  /** Bytes of the vector: of a whole one (default), or 16, of which scalars use the first four. */
  readonly bytes?: 16 | 32 | 64
  /** Number of the mask register; 0 stands for none. */
  readonly mask?: number
  /** Lanes out of the mask become zero instead of keeping what was there. */
  readonly zero?: boolean
  /** The memory operand is one element, repeated in all lanes. */
  readonly broadcast?: boolean
  readonly immediate?: number
}

export type Label = number
export type Condition = keyof typeof flags

interface Fixup {
  /** Where the four bytes of the distance are. */
  readonly at: number
  readonly label: Label
  /** Where the distance is counted from. */
  readonly from: number
}

export class Assembler {
  private readonly vectors: Vectors
  private bytes = new Uint8Array(4096)
  private length = 0
  private readonly labels: (number | undefined)[] = []
  private readonly fixups: Fixup[] = []
  private readonly pool: number[] = []
  private readonly pooled = new Map<string, number>()

  constructor(vectors: Vectors) {
    this.vectors = vectors
  }

  label(): Label {
    return this.labels.push(-1) - 1
  }

  /** Puts the label here. */
  bind(label: Label): this {
    this.labels[label] = this.length
    return this
  }

  /** How far from the start of the code a label is. */
  placeOf(label: Label): number {
    const bound = this.labels[label]
    if (bound === undefined || bound < 0) throw new Error('x86: the label is not in the code')
    return bound
  }

  /** A place with the bytes of the number, once for each lane where instructions cannot repeat them. */
  constant(value: Constant): Memory {
    const words = typeof value === 'number' ? [value] : [Number(BigInt.asIntN(32, value)), Number(value >> 32n)]
    return this.constants(this.vectors.evex ? words : Array.from({ length: this.vectors.lanes }, () => words).flat())
  }

  /** A place with the words in a row. */
  constants(words: readonly number[]): Memory {
    const key = words.map((w) => w | 0).join()
    const known = this.pooled.get(key)
    if (known !== undefined) return { pool: known }
    const label = this.label()
    // Labels of the pool count from its start until `finish` moves them.
    this.labels[label] = -2 - 4 * this.pool.length
    for (const word of words) this.pool.push(word | 0)
    this.pooled.set(key, label)
    return { pool: label }
  }

  /** The code with its constants behind it. Throws on a label that was never bound. */
  finish(): Uint8Array {
    this.align(64)
    const start = this.length
    for (const word of this.pool) this.int32(word)
    const code = this.bytes.slice(0, this.length)
    const view = new DataView(code.buffer)
    for (const { at, label, from } of this.fixups) {
      const bound = this.labels[label]
      if (bound === undefined || bound === -1) throw new Error('x86: a jump to a label that was never bound')
      view.setInt32(at, (bound < -1 ? start - 2 - bound : bound) - from, true)
    }
    return code
  }

  /** Fills up to a multiple of `size` bytes. */
  align(size: number): this {
    while (this.length % size !== 0) this.byte(0x90)
    return this
  }

  // ---- Vectors and masks

  /**
   * A vector instruction: destination (or what is stored), first source (where there are two), second source or memory. In VEX
   * encoding only bytes and the constant are options; memory that is to be repeated has to have all lanes.
   */
  vector(name: VectorName, destination: number, first: number, second: Operand, options: VectorOptions = {}): this {
    const form: VectorForm = forms[name]
    const { mask = 0, zero = false, broadcast = false, immediate } = options
    const bytes = options.bytes ?? (form.doubles ? 2 * this.vectors.bytes : this.vectors.bytes)
    const length = bytes === 64 ? 2 : bytes === 32 ? 1 : 0
    // Shifts by a constant keep their destination where others have a source.
    const field = form.digit ?? destination
    const other = form.digit === undefined ? first : destination
    const tail = form.immediate ? 1 : 0
    if (form.only === 'vex' || (form.only === undefined && !this.vectors.evex)) {
      this.vex(form.map, form.prefix, length === 1, form.opcode, field, other, second, tail, form.wideVex)
      return tail === 1 ? this.byte(immediate ?? 0) : this
    }
    const upper = upperBits(second)
    const high = form.indexed ? indexHigh(second) : bit(~other, 4)
    this.four(
      0x62,
      (bit(~field, 3) << 7) | upper | (bit(~field, 4) << 4) | form.map,
      (form.wide ? 0x80 : 0) | ((~other & 15) << 3) | 4 | form.prefix,
      (zero ? 0x80 : 0) | (length << 5) | (broadcast ? 0x10 : 0) | (high << 3) | mask,
    ).byte(form.opcode)
    const unit = broadcast
      ? form.wide
        ? 8
        : 4
      : typeof form.tuple === 'number'
        ? form.tuple
        : bytes / parts[form.tuple]
    this.place(field & 7, second, unit, tail)
    if (tail === 1) this.byte(immediate ?? 0)
    return this
  }

  /** An instruction on mask registers, or between one and a general register or memory. */
  mask(name: MaskName, destination: number, first: number, second: Operand): this {
    const form = masks[name]
    return this.vex(1, form.prefix, form.long, form.opcode, destination, first, second)
  }

  vzeroupper(): this {
    return this.byte(0xc5).byte(0xf8).byte(0x77)
  }

  // ---- General registers

  /** add, or, and, sub, xor, cmp: destination with a register, memory or constant. */
  arithmetic(name: keyof typeof general, destination: number, source: Operand, wide = false): this {
    return this.plain(general[name] + 3, destination, source, wide)
  }
  arithmeticImmediate(name: keyof typeof general, destination: Operand, value: number, wide = false): this {
    const short = value >= -128 && value < 128
    this.plain(short ? 0x83 : 0x81, general[name] >> 3, destination, wide, short ? 1 : 4)
    return short ? this.byte(value & 255) : this.int32(value)
  }
  move(destination: number, source: Operand, wide = false): this {
    return this.plain(0x8b, destination, source, wide)
  }
  store(place: Memory, source: number, wide = false): this {
    return this.plain(0x89, source, place, wide)
  }
  storeByte(place: Memory, source: number): this {
    return this.plain(0x88, source, place, false, 0, true)
  }
  storeImmediate(place: Memory, value: number): this {
    return this.plain(0xc7, 0, place, false, 4).int32(value)
  }
  /** The byte in memory, the rest zero. */
  loadByte(destination: number, source: Operand): this {
    return this.plain(0x0fb6, destination, source, false, 0, typeof source === 'number')
  }
  /** A constant of 32 bits, the upper half zero. */
  constantTo(destination: number, value: number): this {
    if (value === 0) return this.arithmetic('xor', destination, destination)
    if (destination >= 8) this.byte(0x41)
    return this.byte(0xb8 | (destination & 7)).int32(value)
  }
  /** A constant of 64 bits. */
  address(destination: number, value: bigint): this {
    this.byte(0x48 | (destination >> 3)).byte(0xb8 | (destination & 7))
    for (let i = 0n; i < 64n; i += 8n) this.byte(Number((value >> i) & 255n))
    return this
  }
  lea(destination: number, place: Memory, wide = false): this {
    return this.plain(0x8d, destination, place, wide)
  }
  multiply(destination: number, source: Operand, wide = false): this {
    return this.plain(0x0faf, destination, source, wide)
  }
  /** Divides edx:eax: the quotient goes to eax, the rest to edx. */
  divide(signed: boolean, by: Operand): this {
    return this.plain(0xf7, signed ? 7 : 6, by, false)
  }
  /** Extends the sign of eax into edx. */
  cdq(): this {
    return this.byte(0x99)
  }
  negate(destination: number): this {
    return this.plain(0xf7, 3, destination, false)
  }
  invert(destination: number): this {
    return this.plain(0xf7, 2, destination, false)
  }
  test(a: number, b: number, wide = false): this {
    return this.plain(0x85, b, a, wide)
  }
  shift(kind: 'shl' | 'shr' | 'sar', destination: number, count: number, wide = false): this {
    return this.plain(0xc1, { shl: 4, shr: 5, sar: 7 }[kind], destination, wide, 1).byte(count)
  }
  /** Shifts by a register's lowest five bits (BMI2). */
  shiftBy(kind: 'shl' | 'shr' | 'sar', destination: number, source: Operand, count: number): this {
    return this.vex(2, { shl: 1, shr: 3, sar: 2 }[kind], false, 0xf7, destination, count, source)
  }
  /** 0 or 1 into the lowest byte of a register. */
  set(condition: Condition, destination: number): this {
    return this.plain(0x0f90 | flags[condition], 0, destination, false, 0, true)
  }
  moveIf(condition: Condition, destination: number, source: Operand, wide = false): this {
    return this.plain(0x0f40 | flags[condition], destination, source, wide)
  }
  push(register: number): this {
    if (register >= 8) this.byte(0x41)
    return this.byte(0x50 | (register & 7))
  }
  pop(register: number): this {
    if (register >= 8) this.byte(0x41)
    return this.byte(0x58 | (register & 7))
  }
  /** Asks for a line of memory, to be in the cache of a level by the time it is read. */
  prefetch(place: Memory, level: 1 | 2 | 3): this {
    return this.plain(0x0f18, level, place, false)
  }
  /** Waits until all stores before it, those past the caches too, can be seen by others. */
  storeFence(): this {
    return this.byte(0x0f).byte(0xae).byte(0xf8)
  }
  pause(): this {
    return this.byte(0xf3).byte(0x90)
  }
  cpuid(): this {
    return this.byte(0x0f).byte(0xa2)
  }
  xgetbv(): this {
    return this.byte(0x0f).byte(0x01).byte(0xd0)
  }

  // ---- Atomic

  /** If rax equals memory, `source` goes there and the zero flag is set; else memory goes to rax. */
  compareExchange(place: Memory, source: number, wide = false): this {
    return this.byte(0xf0).plain(0x0fb1, source, place, wide)
  }
  /** Adds the register to memory; the register gets what was there. */
  exchangeAdd(place: Memory, source: number): this {
    return this.byte(0xf0).plain(0x0fc1, source, place, false)
  }
  exchange(place: Memory, source: number, wide = false): this {
    return this.plain(0x87, source, place, wide)
  }

  // ---- Jumps

  jump(to: Label): this {
    return this.byte(0xe9).distance(to)
  }
  jumpIf(condition: Condition, to: Label): this {
    return this.byte(0x0f)
      .byte(0x80 | flags[condition])
      .distance(to)
  }
  call(to: Label): this {
    return this.byte(0xe8).distance(to)
  }
  jumpRegister(register: number): this {
    return this.plain(0xff, 4, register, false)
  }
  callRegister(register: number): this {
    return this.plain(0xff, 2, register, false)
  }
  ret(): this {
    return this.byte(0xc3)
  }

  // ---- Encoding

  private vex(
    map: number,
    prefix: number,
    long: boolean,
    opcode: number,
    reg: number,
    other: number,
    rm: Operand,
    tail = 0,
    wide = false,
  ): this {
    const third = (wide ? 0x80 : 0) | ((~other & 15) << 3) | (long ? 4 : 0) | prefix
    this.four(0xc4, (bit(~reg, 3) << 7) | upperBits(rm) | map, third, opcode)
    return this.place(reg & 7, rm, 1, tail)
  }

  /** An instruction of the old encoding, of one byte or of two; `tail` is the number of bytes of a constant that follows. */
  private plain(opcode: number, reg: number, rm: Operand, wide: boolean, tail = 0, byteRegister = false): this {
    const upper = ~upperBits(rm)
    const rex = (wide ? 8 : 0) | ((reg >> 3) << 2) | (bit(upper, 6) << 1) | bit(upper, 5)
    // Without a prefix the bytes of rsp, rbp, rsi and rdi are those of older registers.
    if (rex !== 0 || byteRegister) this.byte(0x40 | rex)
    if (opcode > 255) this.byte(opcode >> 8)
    return this.byte(opcode & 255).place(reg & 7, rm, 1, tail)
  }

  /** The register or memory operand; a displacement that is a small multiple of `unit` takes one byte. */
  private place(reg: number, rm: Operand, unit: number, tail: number): this {
    if (typeof rm === 'number') return this.byte(0xc0 | (reg << 3) | (rm & 7))
    if ('pool' in rm) {
      this.byte((reg << 3) | 5).int32(0)
      this.fixups.push({ at: this.length - 4, label: rm.pool, from: this.length + tail })
      return this
    }
    const { base, index, scale = 1, displacement = 0 } = rm
    const short = displacement % unit === 0 && displacement / unit >= -128 && displacement / unit < 128
    // A base of rbp or r13 always has a displacement.
    const none = displacement === 0 && (base & 7) !== 5
    const mode = none ? 0 : short ? 1 : 2
    if (index === undefined && (base & 7) !== 4) this.byte((mode << 6) | (reg << 3) | (base & 7))
    else {
      const scaled = 31 - Math.clz32(scale)
      this.byte((mode << 6) | (reg << 3) | 4).byte((scaled << 6) | (((index ?? 4) & 7) << 3) | (base & 7))
    }
    if (none) return this
    return short ? this.byte((displacement / unit) & 255) : this.int32(displacement)
  }

  private distance(label: Label): this {
    this.int32(0)
    this.fixups.push({ at: this.length - 4, label, from: this.length })
    return this
  }

  private int32(value: number): this {
    return this.four(value, value >> 8, value >> 16, value >> 24)
  }

  private four(a: number, b: number, c: number, d: number): this {
    this.makeRoom()
    const { bytes, length } = this
    bytes[length] = a
    bytes[length + 1] = b
    bytes[length + 2] = c
    bytes[length + 3] = d
    this.length = length + 4
    return this
  }

  /** Code is emitted once, by functions that the host has not compiled well yet: the fewer steps a byte takes, the better. */
  private byte(value: number): this {
    this.makeRoom()
    this.bytes[this.length++] = value
    return this
  }

  /** For four bytes at least. */
  private makeRoom(): void {
    if (this.length + 4 <= this.bytes.length) return
    const longer = new Uint8Array(2 * this.bytes.length)
    longer.set(this.bytes)
    this.bytes = longer
  }
}

/** Of how many parts of a vector an operand in memory is one. */
const parts = { full: 1, half: 2, quarter: 4 } as const

const bit = (value: number, n: number): number => (value >> n) & 1

/** The inverted upper bits of the operand's registers, where a prefix has them: in bit 6 of the index or bit 4 of a vector, in bit 5 of the base or register. */
function upperBits(rm: Operand): number {
  if (typeof rm === 'number') return (bit(~rm, 4) << 6) | (bit(~rm, 3) << 5)
  if ('pool' in rm) return 0x60
  return (bit(~(rm.index ?? 0), 3) << 6) | (bit(~rm.base, 3) << 5)
}

/** Bit 4 of the vector that is an operand's index, inverted. */
const indexHigh = (rm: Operand): number => (typeof rm === 'object' && 'index' in rm ? bit(~(rm.index ?? 0), 4) : 1)
