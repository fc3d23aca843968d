// Loads and stores of loop kernels in the machine's lanes: what lies outside, or past the end, is left out by masks.

import { dtypes } from '../../graph/dtype.ts'
import type { Width } from '../wasm/emit-instructions.ts'
import { ScalarAccesses } from '../wasm/emit-places.ts'
import type { PlannedStore } from '../wasm/emit-plan.ts'
import type { NativeFunction } from './builder.ts'
import {
  gather,
  loadAlternate,
  loadAlternateBytes,
  loadNeighbours,
  scatter,
  storeAlternate,
  storeNeighbours,
} from './memory.ts'

export class MaskedAccesses extends ScalarAccesses<NativeFunction> {
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
        storeNeighbours(f, store.mode, dtype, address, f.lanes * this.code.copy * dtypes[dtype].bytes, value, mask)
        return
      }
      const apart = (): void => {
        this.pushAddress(a, offsetWidth === 4 ? undefined : offset)
        this.pushLaneOffsets(a, offsetWidth === 4 ? offset : undefined)
        scatter(f, store.mode, dtype, value, mask)
      }
      const { alternate } = f.target
      const may = this.mayAlternate(a, offsetWidth) && dtypes[dtype].bytes === 4
      if (!alternate || !may || bounded[plan.lane] || store.mode !== 'set') {
        apart()
        return
      }
      this.ifAlternate(
        a,
        () => {
          const address = f.local('i32')
          this.pushAddress(a, offset)
          f.set(address)
          storeAlternate(f, alternate, address, 2 * f.target.bytes * this.code.copy, value, this.halves())
        },
        apart,
      )
    })
  }

  /** Whether an access may be to every second element, which the stride says when the kernel runs. */
  private mayAlternate(a: number, offsetWidth: Width | undefined): boolean {
    const { dtype, strides } = this.plan.kernel.accesses[a]
    return strides[this.plan.lane] === 'any' && offsetWidth !== 4 && dtypes[dtype].bytes <= 4
  }

  private ifAlternate(a: number, then: () => void, otherwise: () => void): void {
    const { f, plan } = this
    this.pushStride(a, plan.lane)
    f.i32(2 * dtypes[plan.kernel.accesses[a].dtype].bytes)
      .op('i32.eq')
      .if(then, otherwise)
  }

  /** For either half of the lanes, each of them twice: their numbers, and the mask of the first of two for lanes that remain. */
  private halves(): { twice: number; mask: number }[] {
    const { f, code, cursor } = this
    const even = code.prologue.define('even lanes', 'v128', () =>
      f
        .numbers((lane) => lane % 2)
        .splat('i32', 0)
        .op('i32x4.eq'),
    )
    return [0, f.lanes / 2].map((from) => {
      const twice = code.prologue.define(`twice ${from}`, 'v128', () =>
        f.numbers((lane) => from + Math.floor(lane / 2)),
      )
      const { remaining } = cursor
      if (remaining === undefined) return { twice, mask: even }
      const mask = f.local('v128')
      f.get(twice).get(remaining).op('i32x4.splat').op('i32x4.lt_s').get(even).op('v128.and').set(mask)
      return { twice, mask }
    })
  }

  /** Pushes the distance of each lane from the address of lane 0 of vector 0, row offsets included. */
  private pushLaneOffsets(a: number, offsets: number | undefined): void {
    const { f, plan, code } = this
    const { dtype, strides } = plan.kernel.accesses[a]
    const kind = strides[plan.lane]
    const from = f.lanes * code.copy
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
        this.f.machine('general', 'mask', (asm, to, v) => this.f.target.maskOf(asm, to, v))
      },
    ]
  }

  // ---- Loads

  protected vectorLoad(a: number, offsetWidth: Width | undefined): void {
    const { f, plan, code } = this
    const { strides, bounded, dtype, fill } = plan.kernel.accesses[a]
    const offset = offsetWidth ? f.local(offsetWidth === 4 ? 'v128' : 'i32') : undefined
    if (offset !== undefined) f.set(offset)
    const tests = [...(bounded[plan.lane] ? [() => this.pushInsideLanes(a)] : []), ...this.validTest(a)]
    const fills = tests.length > 0 ? fill : 0
    if (strides[plan.lane] === 'unit' && offsetWidth !== 4) {
      const mask = this.mask(tests)
      this.pushAddress(a, offset)
      loadNeighbours(f, dtype, f.lanes * code.copy * dtypes[dtype].bytes, mask, fills)
      return
    }
    const apart = (): void => {
      // Lanes past the end may be anywhere
      const mask = this.mask([...tests, ...this.remainingTest()])
      this.pushAddress(a, offsetWidth === 4 ? undefined : offset)
      this.pushLaneOffsets(a, offsetWidth === 4 ? offset : undefined)
      gather(f, dtype, mask, fills)
    }
    const { alternate } = f.target
    if (!alternate || !this.mayAlternate(a, offsetWidth) || tests.length > 0) {
      apart()
      return
    }
    const loaded = f.local('v128')
    // The second vector begins with the last element of the first
    const evens = (): number =>
      code.prologue.define('evens', 'v128', () => f.numbers((lane) => 2 * lane + (2 * lane < f.lanes ? 0 : 1)))
    this.ifAlternate(
      a,
      () => {
        this.pushAddress(a, offset)
        if (dtypes[dtype].bytes === 1) loadAlternateBytes(f, alternate, dtype, 2 * f.lanes * code.copy)
        else loadAlternate(f, alternate, 2 * f.target.bytes * code.copy, evens())
        f.set(loaded)
      },
      () => {
        apart()
        f.set(loaded)
      },
    )
    f.get(loaded)
  }
}
