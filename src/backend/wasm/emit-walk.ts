// Loops of a kernel under construction: counters, running pointers, bounds tests.

import type { Code } from './code.ts'
import type { ExprCode } from './emit-expr.ts'
import type { Accesses, Cursor } from './emit-places.ts'
import type { LoopPlan } from './emit-plan.ts'
import type { LoopLayout } from './layout.ts'

/** Everything that the code of one loop kernel is made with. */
export interface LoopTools {
  readonly f: Code
  readonly plan: LoopPlan
  readonly layout: LoopLayout
  readonly code: ExprCode<Code>
  readonly cursor: Cursor
  readonly accesses: Accesses
}

export class Walk {
  private readonly tools: LoopTools

  constructor(tools: LoopTools) {
    this.tools = tools
  }

  /** The local of an axis' extent. */
  extent(axis: number): number {
    return this.tools.code.prologue.word(this.tools.layout.extents[axis])
  }

  /** `while (index < end − margin) body`. */
  whileLess(index: number, end: number, margin: number, body: () => void): void {
    const { f, code } = this.tools
    const limit = margin === 0 ? end : code.locals.take('i32')
    if (margin !== 0) f.get(end).i32(margin).op('i32.sub').set(limit)
    whileLess(f, index, limit, body)
    if (margin !== 0) code.locals.give(limit)
  }

  /** For code that takes up to one vector of elements, fewer at the end: sets the number that is left. */
  withRemaining(index: number, end: number, body: (remaining: number) => void): void {
    const { f, code, cursor } = this.tools
    const remaining = code.locals.take('i32')
    f.get(end).get(index).op('i32.sub').set(remaining)
    cursor.remaining = remaining
    body(remaining)
    cursor.remaining = undefined
    code.locals.give(remaining)
  }

  /**
   * Prepares a loop along an axis, from index 0: those of the given accesses that move get pointers of their own for
   * `body`, which calls `step` to go on by so many elements.
   */
  along(axis: number, index: number, accesses: readonly number[], body: (step: (count: number) => void) => void): void {
    const { f, plan, cursor, code } = this.tools
    const outer = cursor.pointers
    const moving = accesses.filter((a) => plan.kernel.accesses[a].strides[axis] !== 'zero')
    cursor.pointers = [...outer]
    for (const a of moving) {
      cursor.pointers[a] = code.locals.take('i32')
      f.get(outer[a]).set(cursor.pointers[a])
    }
    f.i32(0).set(index)
    body((count) => this.step(axis, index, moving, count))
    for (const a of moving) code.locals.give(cursor.pointers[a])
    cursor.pointers = outer
  }

  /** Moves index and pointers on. */
  step(axis: number, index: number, moving: readonly number[], count: number): void {
    const { f, cursor } = this.tools
    for (const a of moving) this.movePointer(cursor.pointers[a], a, axis, count)
    f.get(index).i32(count).op('i32.add').set(index)
  }

  /** Adds a multiple of a stride to a pointer. */
  movePointer(pointer: number, a: number, axis: number, count: number): void {
    const { f, accesses } = this.tools
    f.get(pointer)
    accesses.pushStride(a, axis, count)
    f.op('i32.add').set(pointer)
  }

  /** Tests the bounds of all accesses along the axes, which do not run in lanes, for the code of `body`. */
  withBounds(axes: readonly number[], body: () => void): void {
    const { f, plan, cursor, code, accesses } = this.tools
    const outer = cursor.valid
    const taken: number[] = []
    cursor.valid = outer.map((valid, a) => {
      const { bounded } = plan.kernel.accesses[a]
      const tested = axes.filter((axis) => bounded[axis] && !(plan.width === 4 && axis === plan.lane))
      if (tested.length === 0) return valid
      tested.forEach((axis, i) => {
        accesses.pushInside(a, axis, cursor.indices[axis])
        if (i > 0) f.op('i32.and')
      })
      if (valid !== undefined) f.get(valid).op('i32.and')
      const local = code.locals.take('i32')
      taken.push(local)
      f.set(local)
      return local
    })
    body()
    cursor.valid = outer
    for (const local of taken) code.locals.give(local)
  }
}

/** `while (index < end) body`, with the test repeated at the end. */
export function whileLess(f: Code, index: number, end: number, body: () => void): void {
  f.get(index).get(end).op('i32.lt_s')
  f.if(() => {
    f.loop(() => {
      body()
      f.get(index).get(end).op('i32.lt_s').brIf(0)
    })
  })
}
