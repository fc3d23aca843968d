// Loads and stores of loop kernels: one element, or four lanes that lie side by side, apart, or partly outside.

import { dtypes } from '../../graph/dtype.ts'
import type { FunctionBuilder } from './assembler.ts'
import type { Code } from './code.ts'
import type { ExprCode } from './emit-expr.ts'
import { pushConstant, type Selection, type Width } from './emit-instructions.ts'
import { extractLane, loadElement, loadVector, storeNeighbours, storeOne } from './emit-memory.ts'
import type { LoopPlan, PlannedStore } from './emit-plan.ts'
import type { LoopLayout } from './layout.ts'

/** The state of the loops at the place where code is being emitted. */
export interface Cursor {
  /** Per access: the local that holds the address of the element at the current indices (lane 0 of vector 0). */
  pointers: number[]
  /** Per access: a local that is 0 where the current indices are out of bounds, lanes left aside. */
  valid: (number | undefined)[]
  /** Per axis: the local of its index; for the axis in lanes, of lane 0 of vector 0. */
  indices: number[]
  /** Set in code that may see fewer than four elements: the local with their number. */
  remaining: number | undefined
}

/** How the elements of a kernel's accesses get into registers and back, and where they are. */
export interface Accesses {
  load(access: number, width: Width): Selection
  /** Stores a scalar from a local. */
  storeScalar(store: PlannedStore, value: number, offset: number | undefined): void
  /** Stores the lanes of a vector from a local; `offset` holds a row offset, one for each lane where it differs between them. */
  storeVector(store: PlannedStore, value: number, offset: number | undefined, offsetWidth: Width | undefined): void
  /** The byte stride of an access along an axis, times a constant; 0 where it does not move. */
  pushStride(access: number, axis: number, times?: number): void
  /** 1 where the index in the local is within the bounds of the access along the axis. */
  pushInside(access: number, axis: number, index: number): void
  /** The index along the lane axis, in all lanes. */
  pushLaneIndex(): void
  /** A local with consecutive integers. */
  iota(from: number): number
}

export class AccessCode implements Accesses {
  private readonly f: FunctionBuilder
  private readonly plan: LoopPlan
  private readonly layout: LoopLayout
  private readonly code: ExprCode<Code>
  private readonly cursor: Cursor

  constructor(f: FunctionBuilder, plan: LoopPlan, layout: LoopLayout, code: ExprCode<Code>, cursor: Cursor) {
    this.f = f
    this.plan = plan
    this.layout = layout
    this.code = code
    this.cursor = cursor
  }

  load(a: number, width: Width): Selection {
    const operands = this.plan.offset(a, width)
    const offsetWidth = operands.at(0)?.width
    return { operands, code: () => (width === 1 ? this.scalarLoad(a, offsetWidth) : this.vectorLoad(a, offsetWidth)) }
  }

  /** Stores a scalar from a local. */
  storeScalar(store: PlannedStore, value: number, offset: number | undefined): void {
    const { f } = this
    const { dtype } = this.plan.kernel.accesses[store.access]
    const address = this.code.locals.take('i32')
    this.whenValid(store.access, () => {
      this.pushAddress(store.access, offset)
      f.set(address)
      storeOne(f, store.mode, dtype, address, 0, () => f.get(value))
    })
    this.code.locals.give(address)
  }

  /** Stores the lanes of a vector from a local; `offset` holds a row offset, four of them where it differs between lanes. */
  storeVector(store: PlannedStore, value: number, offset: number | undefined, offsetWidth: Width | undefined): void {
    const { f, plan, cursor } = this
    const a = store.access
    const { dtype, strides, bounded } = plan.kernel.accesses[a]
    const sideBySide = strides[plan.lane] === 'unit' && !bounded[plan.lane] && offsetWidth !== 4
    const address = this.code.locals.take('i32')
    this.whenValid(a, () => {
      if (!sideBySide) {
        this.eachLane(a, offset, offsetWidth, address, (lane, at) =>
          storeOne(f, store.mode, dtype, address, at, () => extractLane(f, dtype, value, lane)),
        )
        return
      }
      this.pushAddress(a, offset)
      f.set(address)
      const at = 4 * this.code.copy * dtypes[dtype].bytes
      const whole = (): void => storeNeighbours(f, this.code, store.mode, dtype, address, at, value)
      const { remaining } = cursor
      if (remaining === undefined) whole()
      else {
        f.get(remaining).i32(4).op('i32.ge_s')
        f.if(whole, () => {
          for (const lane of [0, 1, 2]) {
            const one = (): void =>
              storeOne(f, store.mode, dtype, address, at + lane * dtypes[dtype].bytes, () =>
                extractLane(f, dtype, value, lane),
              )
            if (lane === 0) one()
            else f.get(remaining).i32(lane).op('i32.gt_s').if(one)
          }
        })
      }
    })
    this.code.locals.give(address)
  }

  // ---- Addresses and bounds

  /** The byte stride of an access along an axis, times a constant; 0 where it does not move. */
  pushStride(a: number, axis: number, times = 1): void {
    const { dtype, strides } = this.plan.kernel.accesses[a]
    const kind = strides[axis]
    if (kind === 'unit') this.f.i32(times * dtypes[dtype].bytes)
    else if (kind === 'zero' || times === 0) this.f.i32(0)
    else if (times === 1) this.f.get(this.code.prologue.word(this.layout.accesses[a].strides[axis]))
    else this.f.get(this.scaledStride(this.layout.accesses[a].strides[axis], times))
  }

  /** 1 where the index in the local is within the bounds of the access along the axis. */
  pushInside(a: number, axis: number, index: number, plus = 0): void {
    const { f } = this
    f.get(index)
    if (plus !== 0) f.i32(plus).op('i32.add')
    f.get(this.low(a, axis)).op('i32.sub').get(this.span(a, axis)).op('i32.lt_u')
  }

  private scaledStride(word: number, times: number): number {
    return this.code.prologue.define(`word ${word} * ${times}`, 'i32', () =>
      this.f.get(this.code.prologue.word(word)).i32(times).op('i32.mul'),
    )
  }

  private low(a: number, axis: number): number {
    return this.code.prologue.word(this.layout.accesses[a].low[axis])
  }

  /** high − low, or 0. */
  private span(a: number, axis: number): number {
    const { f, code } = this
    return code.prologue.define(`span ${a} ${axis}`, 'i32', () => {
      const low = this.low(a, axis)
      const high = code.prologue.word(this.layout.accesses[a].high[axis])
      f.get(high).get(low).op('i32.sub').i32(0).get(high).get(low).op('i32.gt_s').op('select')
    })
  }

  private splatted(key: string, of: number): number {
    return this.code.prologue.define(`splat ${key}`, 'v128', () => this.f.get(of).op('i32x4.splat'))
  }

  private pushAddress(a: number, offset: number | undefined): void {
    this.f.get(this.cursor.pointers[a])
    if (offset !== undefined) this.f.get(offset).op('i32.add')
  }

  private whenValid(a: number, body: () => void): void {
    const valid = this.cursor.valid[a]
    if (valid === undefined) body()
    else this.f.get(valid).if(body)
  }

  /** Runs `body(lane, byteOffset)` with the lane's address in the local, for every lane that exists and lies in bounds. */
  private eachLane(
    a: number,
    offset: number | undefined,
    offsetWidth: Width | undefined,
    address: number,
    body: (lane: number, at: number) => void,
  ): void {
    const { f, plan, cursor, code } = this
    const { bounded } = plan.kernel.accesses[a]
    for (const lane of [0, 1, 2, 3]) {
      const place = 4 * code.copy + lane
      const one = (): void => {
        this.pushAddress(a, offsetWidth === 4 ? undefined : offset)
        if (offsetWidth === 4 && offset !== undefined) {
          f.get(offset).lane('i32x4.extract_lane', lane).op('i32.add')
        }
        if (plan.kernel.accesses[a].strides[plan.lane] === 'any' && place > 0) {
          this.pushStride(a, plan.lane, place)
          f.op('i32.add')
        }
        f.set(address)
        body(lane, this.constantOffset(a, place))
      }
      const tests: (() => void)[] = []
      const { remaining } = cursor
      if (remaining !== undefined && lane > 0) tests.push(() => f.get(remaining).i32(lane).op('i32.gt_s'))
      if (bounded[plan.lane]) tests.push(() => this.pushInside(a, plan.lane, cursor.indices[plan.lane], place))
      tests.forEach((test, i) => {
        test()
        if (i > 0) f.op('i32.and')
      })
      if (tests.length > 0) f.if(one)
      else one()
    }
  }

  private constantOffset(a: number, place: number): number {
    const { dtype, strides } = this.plan.kernel.accesses[a]
    return strides[this.plan.lane] === 'unit' ? place * dtypes[dtype].bytes : 0
  }

  // ---- Loads

  /** With `offsetWidth`, the offset is on the stack. */
  private scalarLoad(a: number, offsetWidth: Width | undefined): void {
    const { f, cursor } = this
    const { dtype, fill } = this.plan.kernel.accesses[a]
    const valid = cursor.valid[a]
    if (valid === undefined) {
      f.get(cursor.pointers[a])
      if (offsetWidth) f.op('i32.add')
      loadElement(f, dtype)
      return
    }
    const offset = offsetWidth ? this.code.locals.take('i32') : undefined
    if (offset !== undefined) f.set(offset)
    const { scalar } = dtypes[dtype]
    f.get(valid).if(
      () => {
        this.pushAddress(a, offset)
        loadElement(f, dtype)
      },
      () => pushConstant(f, scalar, scalar === 'bool' ? Number(fill !== 0) : fill),
      scalar === 'bool' ? 'i32' : scalar,
    )
    if (offset !== undefined) this.code.locals.give(offset)
  }

  private vectorLoad(a: number, offsetWidth: Width | undefined): void {
    const { f, plan, cursor, code } = this
    const { strides, bounded, dtype } = plan.kernel.accesses[a]
    const valid = cursor.valid[a]
    const offset = offsetWidth ? code.locals.take(offsetWidth === 4 ? 'v128' : 'i32') : undefined
    if (offset !== undefined) f.set(offset)
    const laneBounded = bounded[plan.lane]
    if (strides[plan.lane] !== 'unit' || offsetWidth === 4) this.gather(a, offset, offsetWidth)
    else {
      const read = (): void => {
        this.pushAddress(a, offset)
        loadVector(f, dtype, 4 * code.copy * dtypes[dtype].bytes, () => this.pushZero())
        if (laneBounded) this.maskOutside(a)
      }
      if (valid === undefined && !laneBounded) read()
      else {
        if (valid !== undefined) f.get(valid)
        if (laneBounded) this.pushAnyInside(a)
        if (valid !== undefined && laneBounded) f.op('i32.and')
        f.if(read, () => this.pushFill(a), 'v128')
      }
    }
    if (offset !== undefined) code.locals.give(offset)
  }

  /** Four lanes loaded one by one. */
  private gather(a: number, offset: number | undefined, offsetWidth: Width | undefined): void {
    const { f, cursor, code } = this
    const { dtype } = this.plan.kernel.accesses[a]
    const result = code.locals.take('v128')
    const address = code.locals.take('i32')
    this.pushFill(a, true)
    f.set(result)
    const lanes = (): void =>
      this.eachLane(a, offset, offsetWidth, address, (lane, at) => {
        if (dtypes[dtype].bytes === 4) f.get(address).get(result).laneMemory('v128.load32_lane', lane, at)
        else f.get(result).get(address).memory('i32.load8_u', at).lane('i32x4.replace_lane', lane)
        f.set(result)
      })
    const valid = cursor.valid[a]
    if (valid === undefined) lanes()
    else f.get(valid).if(lanes)
    f.get(result)
    if (dtype === 'bool') {
      this.pushZero()
      f.op('i32x4.ne')
    }
    code.locals.give(result)
    code.locals.give(address)
  }

  /** What an access yields out of bounds, in four lanes; `raw` as bytes of memory are, before bool becomes a mask. */
  private pushFill(a: number, raw = false): void {
    const { dtype, fill } = this.plan.kernel.accesses[a]
    const { scalar } = dtypes[dtype]
    const type = scalar === 'bool' && raw ? 'i32' : scalar
    const value = scalar === 'bool' ? Number(fill !== 0) : fill
    this.f.get(this.code.vectorConstant({ op: 'const', type, args: [], value }))
  }

  private pushZero(): void {
    this.f.get(this.code.vectorConstant({ op: 'const', type: 'i32', args: [], value: 0 }))
  }

  /** Whether any of the four lanes is in bounds along the lane axis. */
  private pushAnyInside(a: number): void {
    const { f, plan, cursor, code } = this
    const span = this.span(a, plan.lane)
    const wide = code.prologue.define(`reach ${a}`, 'i32', () =>
      f.get(span).i32(3).op('i32.add').i32(0).get(span).op('select'),
    )
    f.get(cursor.indices[plan.lane])
      .i32(4 * code.copy + 3)
      .op('i32.add')
    f.get(this.low(a, plan.lane)).op('i32.sub').get(wide).op('i32.lt_u')
  }

  /** Replaces the lanes out of bounds by the fill. */
  private maskOutside(a: number): void {
    const { f, plan } = this
    this.pushFill(a)
    this.pushLaneIndex()
    f.get(this.splatted(`low ${a}`, this.low(a, plan.lane))).op('i32x4.sub')
    f.get(this.splatted(`span ${a}`, this.span(a, plan.lane))).op('i32x4.lt_u')
    f.op('v128.bitselect')
  }

  /** The index along the lane axis, in four lanes. */
  pushLaneIndex(): void {
    const { f, plan, cursor, code } = this
    f.get(cursor.indices[plan.lane])
      .op('i32x4.splat')
      .get(this.iota(4 * code.copy))
      .op('i32x4.add')
  }

  /** A local with four consecutive integers. */
  iota(from: number): number {
    return this.code.prologue.define(`iota ${from}`, 'v128', () => this.f.iota(from))
  }
}
