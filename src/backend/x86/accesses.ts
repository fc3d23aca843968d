// Loads and stores of loop kernels in sixteen lanes: what lies outside, or past the end, is left out by masks.

import { dtypes } from '../../graph/dtype.ts'
import type { Code } from '../wasm/code.ts'
import type { Accesses, Cursor } from '../wasm/emit-access.ts'
import type { ExprCode } from '../wasm/emit-expr.ts'
import { pushConstant, type Selection, type Width } from '../wasm/emit-instructions.ts'
import { loadElement, storeOne } from '../wasm/emit-memory.ts'
import type { LoopPlan, PlannedStore } from '../wasm/emit-plan.ts'
import type { LoopLayout } from '../wasm/layout.ts'
import { lanes, type NativeFunction } from './builder.ts'
import { gather, loadNeighbours, scatter, storeLanes, storeNeighbours } from './memory.ts'

export class MaskedAccesses implements Accesses {
  private readonly f: NativeFunction
  private readonly plan: LoopPlan
  private readonly layout: LoopLayout
  private readonly code: ExprCode<Code>
  private readonly cursor: Cursor

  constructor(f: NativeFunction, plan: LoopPlan, layout: LoopLayout, code: ExprCode<Code>, cursor: Cursor) {
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

  storeScalar(store: PlannedStore, value: number, offset: number | undefined): void {
    const { f } = this
    const { dtype } = this.plan.kernel.accesses[store.access]
    this.whenValid(store.access, () => {
      const address = f.local('i32')
      this.pushAddress(store.access, offset)
      f.set(address)
      storeOne(f, store.mode, dtype, address, 0, () => f.get(value))
    })
  }

  storeVector(store: PlannedStore, value: number, offset: number | undefined, offsetWidth: Width | undefined): void {
    const { f, plan } = this
    const a = store.access
    const { dtype, strides, bounded } = plan.kernel.accesses[a]
    this.whenValid(a, () => {
      const mask = this.mask([...this.remainingTest(), ...(bounded[plan.lane] ? [() => this.pushInsideLanes(a)] : [])])
      const sideBySide = strides[plan.lane] === 'unit' && offsetWidth !== 4
      if (sideBySide) {
        const address = f.local('i32')
        this.pushAddress(a, offset)
        f.set(address)
        storeNeighbours(f, store.mode, dtype, address, lanes * this.code.copy * dtypes[dtype].bytes, value, mask)
        return
      }
      this.pushAddress(a, offsetWidth === 4 ? undefined : offset)
      this.pushLaneOffsets(a, offsetWidth === 4 ? offset : undefined)
      if (store.mode === 'set' && dtypes[dtype].bytes === 4) scatter(f, value, mask)
      else storeLanes(f, store.mode, dtype, value, mask)
    })
  }

  // ---- Addresses and bounds

  pushStride(a: number, axis: number, times = 1): void {
    const { f } = this
    const { dtype, strides } = this.plan.kernel.accesses[a]
    const kind = strides[axis]
    if (kind === 'unit') f.i32(times * dtypes[dtype].bytes)
    else if (kind === 'zero' || times === 0) f.i32(0)
    else {
      const word = this.layout.accesses[a].strides[axis]
      const stride = this.code.prologue.word(word)
      if (times === 1) f.get(stride)
      else {
        f.get(this.code.prologue.define(`word ${word} * ${times}`, 'i32', () => f.get(stride).i32(times).op('i32.mul')))
      }
    }
  }

  pushInside(a: number, axis: number, index: number): void {
    this.f.get(index).get(this.low(a, axis)).op('i32.sub').get(this.span(a, axis)).op('i32.lt_u')
  }

  pushLaneIndex(): void {
    const { f, plan, cursor, code } = this
    f.get(cursor.indices[plan.lane])
      .op('i32x4.splat')
      .get(this.iota(lanes * code.copy))
      .op('i32x4.add')
  }

  iota(from: number): number {
    return this.code.prologue.define(`iota ${from}`, 'v128', () => this.f.iota(from))
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

  /** Pushes the distance of each lane from the address of lane 0 of vector 0, row offsets included. */
  private pushLaneOffsets(a: number, offsets: number | undefined): void {
    const { f, plan, code } = this
    const { dtype, strides } = plan.kernel.accesses[a]
    const kind = strides[plan.lane]
    const from = lanes * code.copy
    if (kind === 'zero') {
      if (offsets === undefined) f.splat('i32', 0)
      else f.get(offsets)
      return
    }
    f.get(
      code.prologue.define(`lanes ${a} ${from}`, 'v128', () => {
        const iota = this.iota(from)
        if (kind === 'unit') f.get(iota).splat('i32', dtypes[dtype].bytes)
        else f.get(iota).get(code.prologue.word(this.layout.accesses[a].strides[plan.lane])).op('i32x4.splat')
        f.op('i32x4.mul')
      }),
    )
    if (offsets !== undefined) f.get(offsets).op('i32x4.add')
  }

  // ---- Masks

  /** A local with the lanes that pass all tests, each of which pushes a mask; none without tests. */
  private mask(tests: readonly (() => void)[]): number | undefined {
    if (tests.length === 0) return undefined
    const { f } = this
    tests.forEach((test, i) => {
      test()
      if (i > 0) f.op('v128.and')
    })
    const mask = f.local('v128')
    f.set(mask)
    return mask
  }

  private remainingTest(): (() => void)[] {
    const { remaining } = this.cursor
    if (remaining === undefined) return []
    return [() => this.f.get(this.iota(0)).get(remaining).op('i32x4.splat').op('i32x4.lt_s')]
  }

  private validTest(a: number): (() => void)[] {
    const valid = this.cursor.valid[a]
    if (valid === undefined) return []
    return [
      () => {
        this.f.i32(0).get(valid).op('i32.sub')
        this.f.machine(['general'], 'mask', (asm, to, [v]) => asm.mask('kmovwFrom', to, 0, v))
      },
    ]
  }

  /** The lanes in bounds along the lane axis. */
  private pushInsideLanes(a: number): void {
    const { f, plan } = this
    this.pushLaneIndex()
    f.get(this.splatted(`low ${a}`, this.low(a, plan.lane))).op('i32x4.sub')
    f.get(this.splatted(`span ${a}`, this.span(a, plan.lane))).op('i32x4.lt_u')
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
    const offset = offsetWidth ? f.local('i32') : undefined
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
  }

  private vectorLoad(a: number, offsetWidth: Width | undefined): void {
    const { f, plan, code } = this
    const { strides, bounded, dtype, fill } = plan.kernel.accesses[a]
    const offset = offsetWidth ? f.local(offsetWidth === 4 ? 'v128' : 'i32') : undefined
    if (offset !== undefined) f.set(offset)
    const tests = [...(bounded[plan.lane] ? [() => this.pushInsideLanes(a)] : []), ...this.validTest(a)]
    const fills = tests.length > 0 ? fill : 0
    if (strides[plan.lane] === 'unit' && offsetWidth !== 4) {
      const mask = this.mask(tests)
      this.pushAddress(a, offset)
      loadNeighbours(f, dtype, lanes * code.copy * dtypes[dtype].bytes, mask, fills)
      return
    }
    // Lanes past the end may be anywhere
    const mask = this.mask([...tests, ...this.remainingTest()])
    this.pushAddress(a, offsetWidth === 4 ? undefined : offset)
    this.pushLaneOffsets(a, offsetWidth === 4 ? offset : undefined)
    gather(f, dtype, mask, fills)
  }
}
