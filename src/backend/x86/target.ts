// What kernels need to know of the processor's vectors: how long they are, and how parts of them are left out.

import type { Assembler, Memory, Operand, VectorOptions, Vectors } from './assembler.ts'
import type { Kind, Source } from './instruction.ts'

/** How whole numbers in lanes are compared. */
export type Comparison = 'eq' | 'ne' | 'lt_s' | 'le_s' | 'gt_s' | 'ge_s' | 'lt_u'

/** A scalar, or a whole vector. */
export type Extent = 'scalar' | 'lanes'

/** The type of floats in lanes; what only moves 32 bits says float32. */
export type Float = 'f32' | 'f64'

/** How the names of instructions on packed floats end. */
export const packed = { f32: 'ps', f64: 'pd' } as const satisfies { readonly [F in Float]: string }

/**
 * One set of vector instructions. Its functions emit code that gets operands in registers, `m` being a mask, and may use the scratch
 * register of `scratch`; unless it is said, the destination is written after all operands were read.
 */
export interface VectorTarget extends Vectors {
  readonly name: 'avx512' | 'avx2'
  /** As it is called in messages. */
  readonly title: string
  /** Bytes of a register, which a vector of 32 bits in each lane may fill by half. */
  readonly registerBytes: 32 | 64
  /** The same with half as many lanes, so that float64 fits; masks count lanes of 32 bits there too. */
  readonly doubles?: VectorTarget
  /** The registers that masks lie in: their own, or vectors that have all bits in lanes that count. */
  readonly maskKind: Kind & ('mask' | 'vector')
  /** Registers that values lie in, those for operands that lie in memory, and one that is never given to a value. */
  readonly registers: { readonly vector: readonly number[]; readonly mask: readonly number[] }
  readonly spares: { readonly vector: readonly number[]; readonly mask: readonly number[] }
  readonly scratch: number
  /** The largest tile of a product: its rows and columns, which are those of so many vectors. */
  readonly tile: { readonly rows: number; readonly vectors: number; readonly columns: number }
  /** Nanoseconds of a multiply-add on one thread, and of other work in relation to WebAssembly. */
  readonly price: { readonly multiplyAdd: number; readonly relative: number }

  /** Minimum and maximum of which a NaN wins, and −0 is less than 0; `to` is written early. */
  extreme(a: Assembler, which: 'min' | 'max', float: Float, extent: Extent, to: number, x: number, y: number): void
  /** Truncates, NaN to 0, and beyond the integers to the last of them; `to` is written early. */
  truncate(a: Assembler, float: Float, extent: Extent, to: number, x: number): void
  /** Compares lanes: a mask. */
  compare(a: Assembler, comparison: Comparison, to: number, x: number, y: Source): void
  /** Compares floats in lanes by a predicate of vcmpps: a mask. */
  compareFloats(a: Assembler, float: Float, predicate: number, to: number, x: number, y: Source): void
  /** Compares scalars by a predicate of vcmpps: 0 or 1 in a general register. */
  compareScalar(a: Assembler, float: Float, predicate: number, to: number, x: number, y: Source): void
  /** The scalar x where the general register holds 1, y where it holds 0. */
  selectScalar(a: Assembler, float: Float, to: number, x: number, y: number, condition: number): void
  /** Lanes of x in the mask, of y out of it. */
  select(a: Assembler, float: Float, to: number, x: number, y: number, m: number): void
  /** The mask of lanes that are not 0, none of which is negative. */
  nonzero(a: Assembler, to: number, x: number): void
  /** The mask as bits of a general register, and all or no lanes of one by −1 or 0 in a general register. */
  bitsOfMask(a: Assembler, to: number, m: number): void
  maskOf(a: Assembler, to: number, bits: number): void
  /** A general register in all lanes. */
  spread(a: Assembler, to: number, from: number): void
  /** Moves lane i + distance to lane i, around the end. */
  rotate(a: Assembler, float: Float, to: number, x: number, distance: number): void
  /** Loads and stores the lanes in the mask; those out of it become 0, or stay as they are in memory. */
  loadMasked(a: Assembler, float: Float, to: number, place: Memory, m: number): void
  storeMasked(a: Assembler, float: Float, x: number, place: Memory, m: number): void
  /** Bytes of memory as whole numbers in lanes, and back. Without a mask all of them; where there is no other way, none can be given. */
  readonly masksBytes: boolean
  loadBytes(a: Assembler, to: number, place: Memory, m: number | undefined): void
  storeBytes(a: Assembler, x: number, place: Memory, m: number | undefined): void
  /** Loads from base + index of each lane; lanes out of the mask become 0. `to` is written early. */
  gather(a: Assembler, float: Float, to: number, base: number, index: number, m: number | undefined): void
  /** Stores to base + index of each lane, if there is an instruction for it. */
  readonly scatter:
    | ((a: Assembler, float: Float, x: number, base: number, index: number, m: number | undefined) => void)
    | undefined
  /** Float64 whose upper half is the whole number in the lane, the rest 0; and the upper half of float64. */
  toUpper(a: Assembler, to: number, x: number): void
  fromUpper(a: Assembler, to: number, x: number): void
  /** Every second element of memory, if there is a fast way. */
  readonly alternate: Alternate | undefined
}

/** Loads and stores of every second element, as vectors of neighbours. */
export interface Alternate {
  /** Loads the elements at `place` and at `last`, which is one element less than a vector further; `evens` has their numbers. `to` is written early. */
  load(a: Assembler, to: number, place: Memory, last: Memory, evens: number): void
  /** Loads elements of two bytes of which the first counts, as whole numbers whose second byte is what it was. */
  loadBytes(a: Assembler, to: number, place: Memory): void
  /** Each lane of one half of x twice, as `twice` has their numbers. */
  double(a: Assembler, to: number, x: number, twice: number): void
  /** The lanes of x and then of y that `numbers` has; `to` is written early. */
  join(a: Assembler, to: number, x: number, y: number, numbers: number): void
}

export const count = (n: number, from = 0): number[] => Array.from({ length: n }, (_, i) => from + i)

/** The last operand of a vector instruction and its options: a register, or memory that may have one element for all lanes. */
export function operand(source: Source, options: VectorOptions): [Operand, VectorOptions] {
  if (typeof source === 'number') return [source, options]
  return [source.memory, { ...options, broadcast: source.broadcast }]
}
