// Element types: their names, sizes, storage arrays, and the promotion rules of the array API standard.

import type { ScalarType } from '../scalar/expr.ts'
import { misfit } from './refuse.ts'

export type DType = 'float32' | 'float64' | 'int32' | 'bool' | 'uint8'
export type DataArray = Float32Array | Float64Array | Int32Array | Uint8Array

interface DTypeInfo {
  readonly bytes: number
  /** How a value travels in registers. */
  readonly scalar: ScalarType
  /** Rank in promotion: the higher of two kinds wins. */
  readonly rank: number
  readonly array: {
    new (length: number): DataArray
    new (buffer: ArrayBufferLike, offset: number, length: number): DataArray
  }
}

export const dtypes: { readonly [D in DType]: DTypeInfo } = {
  bool: { bytes: 1, scalar: 'bool', rank: 0, array: Uint8Array },
  uint8: { bytes: 1, scalar: 'i32', rank: 1, array: Uint8Array },
  int32: { bytes: 4, scalar: 'i32', rank: 2, array: Int32Array },
  float32: { bytes: 4, scalar: 'f32', rank: 3, array: Float32Array },
  float64: { bytes: 8, scalar: 'f64', rank: 4, array: Float64Array },
}

export const isFloat = (d: DType): d is 'float32' | 'float64' => d === 'float32' || d === 'float64'

/** The dtype of an operation on both: float64 > float32 > int32 > uint8 > bool. */
export const promote = (a: DType, b: DType): DType => (dtypes[a].rank >= dtypes[b].rank ? a : b)

/**
 * The value of this dtype that a cast of a number gives: floats are rounded, integers truncated; int32 saturates, uint8
 * keeps the low byte, NaN becomes 0, and bool is "not 0".
 */
export function representable(value: number, dtype: DType): number {
  if (dtype === 'float64') return value
  if (dtype === 'float32') return Math.fround(value)
  if (dtype === 'bool') return value === 0 ? 0 : 1
  const int32 = value >= 0x7fffffff ? 0x7fffffff : value <= -0x80000000 ? -0x80000000 : value | 0
  return dtype === 'uint8' ? int32 & 255 : int32
}

/** Throws unless it is the name of an element type. */
export function checkDType(where: string, dtype: DType): void {
  if (!Object.hasOwn(dtypes, dtype))
    throw misfit(`${where}: unknown dtype '${String(dtype)}': use one of ${Object.keys(dtypes).join(', ')}`)
}

/** A zeroed storage array for `length` elements; bool is stored as one byte, 0 or 1. */
export const allocate = (dtype: DType, length: number): DataArray => new dtypes[dtype].array(length)
