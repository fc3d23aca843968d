// What loads and stores of loop kernels have in common, however many lanes there are: addresses, bounds, single elements.

import { dtypes } from '../../graph/dtype.ts'
import type { Code } from './code.ts'
import type { ExprCode } from './emit-expr.ts'
import { pushConstant, type Selection, type Width } from './emit-instructions.ts'
import { loadElement, storeOne } from './emit-memory.ts'
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

/** The part of `Accesses` that does not depend on what a vector can do; a target adds the loads and stores of vectors. */
export abstract class ScalarAccesses<F extends Code> implements Accesses {
  protected readonly f: F
  protected readonly plan: LoopPlan
  protected readonly layout: LoopLayout
  protected readonly code: ExprCode<Code>
  protected readonly cursor: Cursor

  constructor(f: F, plan: LoopPlan, layout: LoopLayout, code: ExprCode<Code>, cursor: Cursor) {
    this.f = f
    this.plan = plan
    this.layout = layout
    this.code = code
    this.cursor = cursor
  }

  abstract storeVector(
    store: PlannedStore,
    value: number,
    offset: number | undefined,
    offsetWidth: Width | undefined,
  ): void

  /** Pushes the lanes of an access; with `offsetWidth`, a row offset is on the stack. */
  protected abstract vectorLoad(a: number, offsetWidth: Width | undefined): void

  load(a: number, width: Width): Selection {
    const operands = this.plan.offset(a, width)
    const offsetWidth = operands.at(0)?.width
    return { operands, code: () => (width === 1 ? this.scalarLoad(a, offsetWidth) : this.vectorLoad(a, offsetWidth)) }
  }

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

  // ---- Addresses and bounds

  pushStride(a: number, axis: number, times = 1): void {
    const { dtype, strides } = this.plan.kernel.accesses[a]
    const kind = strides[axis]
    if (kind === 'unit') this.f.i32(times * dtypes[dtype].bytes)
    else if (kind === 'zero' || times === 0) this.f.i32(0)
    else if (times === 1) this.f.get(this.code.prologue.word(this.layout.accesses[a].strides[axis]))
    else this.f.get(this.scaledStride(this.layout.accesses[a].strides[axis], times))
  }

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

  protected low(a: number, axis: number): number {
    return this.code.prologue.word(this.layout.accesses[a].low[axis])
  }

  /** high − low, or 0. */
  protected span(a: number, axis: number): number {
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

  protected pushAddress(a: number, offset: number | undefined): void {
    this.f.get(this.cursor.pointers[a])
    if (offset !== undefined) this.f.get(offset).op('i32.add')
  }

  protected whenValid(a: number, body: () => void): void {
    const valid = this.cursor.valid[a]
    if (valid === undefined) body()
    else this.f.get(valid).if(body)
  }

  pushLaneIndex(): void {
    const { f, plan, cursor, code } = this
    f.get(cursor.indices[plan.lane])
      .op('i32x4.splat')
      .get(this.iota(f.lanes * code.copy))
      .op('i32x4.add')
  }

  iota(from: number): number {
    return this.code.prologue.define(`iota ${from}`, 'v128', () => this.f.iota(from))
  }

  /** Pushes the mask of the lanes in bounds along the lane axis. */
  protected pushInsideLanes(a: number): void {
    const { f, plan } = this
    this.pushLaneIndex()
    f.get(this.splatted(`low ${a}`, this.low(a, plan.lane))).op('i32x4.sub')
    f.get(this.splatted(`span ${a}`, this.span(a, plan.lane))).op('i32x4.lt_u')
  }

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
}
