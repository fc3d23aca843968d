// Loads and stores of loop kernels in four lanes, which lie side by side, apart, or partly outside.

import { dtypes } from '../../graph/dtype.ts'
import type { FunctionBuilder } from './assembler.ts'
import type { Width } from './emit-instructions.ts'
import { extractLane, loadVector, storeNeighbours, storeOne } from './emit-memory.ts'
import { ScalarAccesses } from './emit-places.ts'
import type { PlannedStore } from './emit-plan.ts'

/** The accesses of kernels of four lanes. */
export class AccessCode extends ScalarAccesses<FunctionBuilder> {
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

  protected vectorLoad(a: number, offsetWidth: Width | undefined): void {
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
    this.pushFill(a)
    this.pushInsideLanes(a)
    this.f.op('v128.bitselect')
  }
}
