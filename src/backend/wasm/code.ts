// What emitters of kernels write into: a stack machine whose vectors have as many lanes as the target likes.

import type { BlockType, MemoryOp, Plain, ValueType } from './opcodes.ts'

export type LaneName = 'f32x4.extract_lane' | 'f64x2.extract_lane' | 'i32x4.extract_lane'

/**
 * A function under construction. The instructions are WebAssembly's by name, but a `v128` stands for `lanes` elements of
 * 32 bits, or where the target has float64 in lanes as many of 64. Every emitter returns the function, so that instructions can be chained.
 */
export interface Code {
  /** Elements in a vector. */
  readonly lanes: number
  /** Whether temporaries are better not used again: the target finds places for them itself. */
  readonly freshLocals: boolean
  /** What was emitted so far; pieces of it may be moved to places before. */
  readonly code: unknown[]
  /** A new local; returns its index. */
  local(type: ValueType): number
  get(local: number): this
  set(local: number): this
  tee(local: number): this
  i32(value: number): this
  f32(value: number): this
  f64(value: number): this
  /** The number in all lanes. */
  splat(type: 'f32' | 'f64' | 'i32', value: number): this
  /** 0, 1, 2 … plus a number. */
  iota(from: number): this
  /** Moves lane i + distance to lane i, around the end. */
  rotate(distance: number): this
  op(name: Plain): this
  memory(name: MemoryOp, offset?: number): this
  lane(name: LaneName, lane: number): this
  /** Float64 as its upper 32 bits, a whole number; or of a whole number float64 whose upper bits it is, the others 0. */
  upperHalf(to: 'f64' | 'i32', lanes: boolean): this
  call(functionIndex: number): this
  block(body: () => void, type?: BlockType): this
  /** `br(0)` inside the body continues the loop. */
  loop(body: () => void, type?: BlockType): this
  if(then: () => void, otherwise?: () => void, type?: BlockType): this
  br(depth: number): this
  brIf(depth: number): this
}
