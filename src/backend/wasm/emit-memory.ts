// Single elements and runs of four in memory: loads and stores by element type.

import { type DType, dtypes } from '../../graph/dtype.ts'
import type { Store } from '../../kernel/loop.ts'
import type { FunctionBuilder, MemoryOp, Plain } from './assembler.ts'
import type { Code } from './code.ts'
import type { ExprCode } from './emit-expr.ts'

const loadOps: { readonly [D in DType]: MemoryOp } = {
  float32: 'f32.load',
  float64: 'f64.load',
  int32: 'i32.load',
  uint8: 'i32.load8_u',
  bool: 'i32.load8_u',
}
const storeOps: { readonly [D in DType]: MemoryOp } = {
  float32: 'f32.store',
  float64: 'f64.store',
  int32: 'i32.store',
  uint8: 'i32.store8',
  bool: 'i32.store8',
}

const scalarAdd: { readonly [D in DType]: Plain } = {
  float32: 'f32.add',
  float64: 'f64.add',
  int32: 'i32.add',
  uint8: 'i32.add',
  bool: 'i32.or',
}

/** Loads the element at the address on the stack. */
export function loadElement(f: Code, dtype: DType, offset = 0): void {
  f.memory(loadOps[dtype], offset)
  if (dtype === 'bool') f.i32(0).op('i32.ne')
}

/** Loads four neighbouring elements from the address on the stack; `zero` pushes four zeros. */
export function loadVector(f: FunctionBuilder, dtype: DType, offset: number, zero: () => void): void {
  if (dtypes[dtype].bytes === 4) {
    f.memory('v128.load', offset)
    return
  }
  f.memory('v128.load32_zero', offset).op('i16x8.extend_low_i8x16_u').op('i32x4.extend_low_i16x8_u')
  if (dtype === 'bool') {
    zero()
    f.op('i32x4.ne')
  }
}

/** Stores or adds one element at the address in the local; `push` puts it on the stack. */
export function storeOne(
  f: Code,
  mode: Store['mode'],
  dtype: DType,
  address: number,
  at: number,
  push: () => void,
): void {
  f.get(address)
  push()
  if (mode === 'add') {
    f.get(address)
    loadElement(f, dtype, at)
    f.op(scalarAdd[dtype])
  }
  f.memory(storeOps[dtype], at)
}

/** Stores or adds four neighbouring elements at the address in the local. */
export function storeNeighbours(
  f: FunctionBuilder,
  code: ExprCode<Code>,
  mode: Store['mode'],
  dtype: DType,
  address: number,
  at: number,
  value: number,
): void {
  const equal = (n: number): number => code.vectorConstant({ op: 'const', type: 'i32', args: [], value: n })
  f.get(address).get(value)
  if (mode === 'add') {
    f.get(address)
    loadVector(f, dtype, at, () => f.get(equal(0)))
    f.op(dtype === 'float32' ? 'f32x4.add' : dtype === 'bool' ? 'v128.or' : 'i32x4.add')
  }
  if (dtypes[dtype].bytes === 4) {
    f.memory('v128.store', at)
    return
  }
  // The lowest byte of each lane, side by side; a mask becomes 0 or 1
  if (dtype === 'bool') f.get(equal(1)).op('v128.and')
  f.get(equal(0)).shuffle(Array.from({ length: 16 }, (_, i) => 4 * (i % 4)))
  f.laneMemory('v128.store32_lane', 0, at)
}

/** Pushes one lane of a vector as the element to be stored. */
export function extractLane(f: FunctionBuilder, dtype: DType, value: number, lane: number): void {
  f.get(value).lane(dtype === 'float32' ? 'f32x4.extract_lane' : 'i32x4.extract_lane', lane)
  if (dtype === 'bool') f.i32(1).op('i32.and')
}
