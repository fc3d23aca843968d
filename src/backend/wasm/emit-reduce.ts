// Accumulators of reductions: their start, one step, and the combination of lanes and vectors in a fixed order.

import type { ReduceOp } from '../../kernel/loop.ts'
import type { Expr, ScalarType } from '../../scalar/expr.ts'
import type { Plain } from './assembler.ts'
import type { Code } from './code.ts'
import type { ExprCode } from './emit-expr.ts'
import { pushConstant, valueType, type Width } from './emit-instructions.ts'

/** One accumulator: the local of its value and, for argmax and argmin, that of the index. */
export interface Accumulator {
  readonly op: ReduceOp
  readonly type: ScalarType
  readonly width: Width
  readonly value: number
  readonly index: number | undefined
}

/** Whether the result is an index. */
export const seeksIndex = (op: ReduceOp): boolean => op === 'argmax' || op === 'argmin'

type PlainOp = Exclude<ReduceOp, 'argmax' | 'argmin'>

const lowest = { f32: -Infinity, f64: -Infinity, i32: -0x80000000, bool: 0 }
const highest = { f32: Infinity, f64: Infinity, i32: 0x7fffffff, bool: 1 }
const zeros = { f32: 0, f64: 0, i32: 0, bool: 0 }
const ones = { f32: 1, f64: 1, i32: 1, bool: 1 }
const neutrals: { readonly [O in ReduceOp]: { readonly [T in ScalarType]: number } } = {
  sum: zeros,
  prod: ones,
  max: lowest,
  min: highest,
  argmax: lowest,
  argmin: highest,
}

const scalarSteps: { readonly [T in ScalarType]: { readonly [O in PlainOp]?: Plain } } = {
  f32: { sum: 'f32.add', prod: 'f32.mul', max: 'f32.max', min: 'f32.min' },
  f64: { sum: 'f64.add', prod: 'f64.mul', max: 'f64.max', min: 'f64.min' },
  i32: { sum: 'i32.add', prod: 'i32.mul' },
  bool: { max: 'i32.or', min: 'i32.and' },
}
const vectorSteps: { readonly [T in ScalarType]?: { readonly [O in PlainOp]?: Plain } } = {
  f32: { sum: 'f32x4.add', prod: 'f32x4.mul', max: 'f32x4.max', min: 'f32x4.min' },
  f64: { sum: 'f64x2.add', prod: 'f64x2.mul', max: 'f64x2.max', min: 'f64x2.min' },
  i32: { sum: 'i32x4.add', prod: 'i32x4.mul', max: 'i32x4.max_s', min: 'i32x4.min_s' },
  bool: { max: 'v128.or', min: 'v128.and' },
}

/** Comparisons by which a value beats the best so far, and by which it equals it. */
const beats: { readonly [T in ScalarType]?: { readonly [W in Width]?: { readonly [O in ReduceOp]?: Plain } } } = {
  f32: { 1: { argmax: 'f32.gt', argmin: 'f32.lt' }, 4: { argmax: 'f32x4.gt', argmin: 'f32x4.lt' } },
  f64: { 1: { argmax: 'f64.gt', argmin: 'f64.lt' }, 4: { argmax: 'f64x2.gt', argmin: 'f64x2.lt' } },
  i32: { 1: { argmax: 'i32.gt_s', argmin: 'i32.lt_s' }, 4: { argmax: 'i32x4.gt_s', argmin: 'i32x4.lt_s' } },
  bool: { 1: { argmax: 'i32.gt_u', argmin: 'i32.lt_u' }, 4: { argmax: 'i32x4.lt_s', argmin: 'i32x4.gt_s' } },
}
const laneNames = {
  f32: 'f32x4.extract_lane',
  f64: 'f64x2.extract_lane',
  i32: 'i32x4.extract_lane',
  bool: 'i32x4.extract_lane',
} as const
const isFloat = (type: ScalarType): type is 'f32' | 'f64' => type === 'f32' || type === 'f64'

/** What changes nothing in a reduction. */
export const neutralOf = (op: ReduceOp, type: ScalarType): Expr => ({
  op: 'const',
  type,
  args: [],
  value: neutrals[op][type],
})

/** Replaces the two vectors on the stack by their sums, products, maxima or minima. */
export function combineVectors(f: Code, op: ReduceOp, type: ScalarType): void {
  const instruction = seeksIndex(op) ? undefined : vectorSteps[type]?.[op as PlainOp]
  if (!instruction) throw new TypeError(`wasm: no ${op} reduction of ${type} in lanes`)
  f.op(instruction)
}

export class ReduceCode {
  private readonly code: ExprCode<Code>

  constructor(code: ExprCode<Code>) {
    this.code = code
  }

  /** A new accumulator with nothing in it. */
  start(op: ReduceOp, type: ScalarType, width: Width): Accumulator {
    const { f, locals } = this.code
    const value = locals.take(valueType(type, width))
    this.pushNeutral(op, type, width)
    f.set(value)
    if (!seeksIndex(op)) return { op, type, width, value, index: undefined }
    const index = locals.take(valueType('i32', width))
    this.pushNeutral('sum', 'i32', width)
    f.set(index)
    return { op, type, width, value, index }
  }

  release(a: Accumulator): void {
    this.code.locals.give(a.value)
    if (a.index !== undefined) this.code.locals.give(a.index)
  }

  /**
   * Takes the value on the stack into the accumulator; lanes where `mask` has no bits are left out. `pushIndex` pushes
   * the element's number.
   */
  step(a: Accumulator, mask: number | undefined, pushIndex: () => void): void {
    const { f } = this.code
    if (a.index !== undefined) this.stepIndexed(a, a.index, mask, pushIndex)
    else {
      if (mask !== undefined) {
        this.pushNeutral(a.op, a.type, a.width)
        f.get(mask).op('v128.bitselect')
      }
      f.get(a.value)
      this.combine(a)
      f.set(a.value)
    }
  }

  /** Folds vectors and then their lanes into one, whose result is left in a scalar local; gives the accumulators back. */
  finish(parts: readonly Accumulator[]): number {
    const { f, locals } = this.code
    for (let stride = 1; stride < parts.length; stride *= 2) {
      for (let i = 0; i + stride < parts.length; i += 2 * stride) this.merge(parts[i], parts[i + stride])
    }
    const [first] = parts
    if (first.width === 4) {
      for (let distance = f.lanes / 2; distance >= 1; distance /= 2) {
        const other: Accumulator = {
          ...first,
          value: this.rotated(first.value, distance),
          index: first.index === undefined ? undefined : this.rotated(first.index, distance),
        }
        this.merge(first, other)
        this.release(other)
      }
    }
    const local = first.index ?? first.value
    const type = first.index === undefined ? first.type : 'i32'
    const result = locals.take(valueType(type, 1))
    f.get(local)
    if (first.width === 4) f.lane(laneNames[type], 0)
    if (first.width === 4 && type === 'bool') f.i32(1).op('i32.and')
    f.set(result)
    for (const part of parts) this.release(part)
    return result
  }

  private pushNeutral(op: ReduceOp, type: ScalarType, width: Width): void {
    const value = neutrals[op][type]
    if (width === 1) pushConstant(this.code.f, type, value)
    else this.code.f.get(this.code.vectorConstant({ op: 'const', type, args: [], value }))
  }

  /** Replaces the two values on the stack by their sum, product, maximum or minimum. */
  private combine({ op, type, width }: Accumulator): void {
    const { f, locals } = this.code
    if (op === 'argmax' || op === 'argmin') return
    const instruction = (width === 4 ? vectorSteps : scalarSteps)[type]?.[op]
    if (instruction) f.op(instruction)
    else if (type === 'i32' && width === 1) {
      const [x, y] = [locals.take('i32'), locals.take('i32')]
      f.set(x).set(y).get(x).get(y).get(x).get(y)
      f.op(op === 'max' ? 'i32.gt_s' : 'i32.lt_s').op('select')
      locals.give(x)
      locals.give(y)
    } else throw new TypeError(`wasm: no ${op} reduction of ${type}`)
  }

  /** The first of the best wins, and the first NaN wins over all, as in NumPy. */
  private stepIndexed(a: Accumulator, index: number, mask: number | undefined, pushIndex: () => void): void {
    const { f, locals } = this.code
    const value = locals.take(valueType(a.type, a.width))
    f.set(value)
    this.pushBetter(a, value)
    if (mask !== undefined) f.get(mask).op('v128.and')
    this.takeOver(a, index, value, pushIndex)
    locals.give(value)
  }

  /** With a condition on the stack: where it holds, the value and index become the best. */
  private takeOver(a: Accumulator, index: number, value: number, pushIndex: () => void): void {
    const { f, locals } = this.code
    if (a.width === 1) {
      f.if(() => {
        f.get(value).set(a.value)
        pushIndex()
        f.set(index)
      })
      return
    }
    const better = locals.take('v128')
    f.set(better)
    f.get(value).get(a.value).get(better).op('v128.bitselect').set(a.value)
    pushIndex()
    f.get(index).get(better).op('v128.bitselect').set(index)
    locals.give(better)
  }

  private pushBetter(a: Accumulator, value: number): void {
    const { f } = this.code
    const comparison = beats[a.type]?.[a.width]?.[a.op]
    if (!comparison) throw new TypeError(`wasm: no ${a.op} reduction of ${a.type}`)
    f.get(value).get(a.value).op(comparison)
    if (!isFloat(a.type)) return
    const shape = a.width === 4 ? (a.type === 'f64' ? 'f64x2' : 'f32x4') : a.type
    f.get(value).get(value).op(`${shape}.ne`).get(a.value).get(a.value).op(`${shape}.eq`)
    f.op(a.width === 4 ? 'v128.and' : 'i32.and').op(a.width === 4 ? 'v128.or' : 'i32.or')
  }

  /** Takes what another accumulator holds into the first. */
  private merge(a: Accumulator, b: Accumulator): void {
    const { f } = this.code
    if (a.index === undefined || b.index === undefined) {
      f.get(a.value).get(b.value)
      this.combine(a)
      f.set(a.value)
      return
    }
    const otherIndex = b.index
    this.pushBetter(a, b.value)
    // Equally good, or both NaN: the smaller index
    this.pushBetter(b, a.value)
    f.op('v128.or').op('v128.not')
    f.get(otherIndex).get(a.index).op('i32x4.lt_s').op('v128.and')
    this.pushBetter(a, b.value)
    f.op('v128.or')
    this.takeOver(a, a.index, b.value, () => f.get(otherIndex))
  }

  /** A new local with the lanes moved by a distance. */
  private rotated(local: number, distance: number): number {
    const { f, locals } = this.code
    const result = locals.take('v128')
    f.get(local).rotate(distance).set(result)
    return result
  }
}
