// Code for loop kernels: the parallel loops around their stages, in lanes where the machine can.

import type { LoopKernel } from '../../kernel/loop.ts'
import type { Expr } from '../../scalar/expr.ts'
import type { FunctionBuilder, ModuleBuilder } from './assembler.ts'
import type { Code } from './code.ts'
import { AccessCode } from './emit-access.ts'
import { ExprCode } from './emit-expr.ts'
import type { Selection, Width } from './emit-instructions.ts'
import type { Accesses, Cursor } from './emit-places.ts'
import { LoopPlan, levels } from './emit-plan.ts'
import { StageCode } from './emit-stage.ts'
import { type LoopTools, Walk } from './emit-walk.ts'
import { type EmitEnvironment, kernelParams, type LoopLayout, loopLayout } from './layout.ts'

/**
 * Adds the function of a loop kernel to the module, with the parameters of `kernelParams`.
 *
 * Every element is computed by the same instructions wherever the iterations are cut and whether it lies in a full
 * vector or in the last, partial one: rests are computed in lanes, too, and only their stores are narrow.
 */
export function emitLoop(module: ModuleBuilder, kernel: LoopKernel, env: EmitEnvironment): FunctionBuilder {
  const f = module.function(undefined, kernelParams)
  fillLoop(f, kernel, env, (plan, layout, code, cursor) => new AccessCode(f, plan, layout, code, cursor))
  return f
}

/** Makes what loads and stores for a target. */
export type MakeAccesses = (plan: LoopPlan, layout: LoopLayout, code: ExprCode<Code>, cursor: Cursor) => Accesses

/** Emits the code of a loop kernel into a function with the parameters of `kernelParams`. */
export function fillLoop(f: Code, kernel: LoopKernel, env: EmitEnvironment, makeAccesses: MakeAccesses): void {
  new LoopCode(f, kernel, env, makeAccesses).emit()
}

const beginParam = 1
const endParam = 2

class LoopCode {
  private readonly tools: LoopTools
  private readonly walk: Walk
  private readonly stages: StageCode

  constructor(f: Code, kernel: LoopKernel, env: EmitEnvironment, makeAccesses: MakeAccesses) {
    const layout = loopLayout(kernel)
    const plan = new LoopPlan(kernel, layout, env.float64Lanes)
    const code = new ExprCode(f, env, { varies: plan.varies, leaf: (e, width) => this.leaf(e, width) })
    const valid = kernel.accesses.map(() => undefined)
    const cursor: Cursor = { pointers: [], valid, indices: [], remaining: undefined }
    const accesses = makeAccesses(plan, layout, code, cursor)
    this.tools = { f, plan, layout, code, cursor, accesses }
    this.walk = new Walk(this.tools)
    this.stages = new StageCode(this.tools)
  }

  emit(): void {
    const { f, code, plan } = this.tools
    f.get(beginParam).get(endParam).op('i32.lt_s')
    f.if(() => {
      this.start()
      code.scope(() => {
        this.stages.materialize(levels.call, plan.stages)
        if (plan.outer.length === 0) this.point()
        else {
          f.loop(() => {
            this.point()
            this.next()
          })
        }
      })
    })
    code.prologue.finish()
  }

  /** Points every access at the first iteration. */
  private start(): void {
    const { f, plan, cursor, code, layout, accesses } = this.tools
    const { outer } = plan
    const splits = outer.length > 1
    for (const axis of outer) cursor.indices[axis] = splits ? f.local('i32') : beginParam
    // With one axis to cut, `begin` is the index itself
    const cut = outer.length === 0 && plan.laneIsParallel ? [plan.lane] : outer
    plan.kernel.accesses.forEach((access, a) => {
      const base = code.prologue.word(layout.accesses[a].address)
      const moving = cut.filter((axis) => access.strides[axis] !== 'zero')
      cursor.pointers[a] = moving.length > 0 ? f.local('i32') : base
      if (moving.length === 0) return
      f.get(base)
      if (!splits) {
        f.get(beginParam)
        accesses.pushStride(a, moving[0])
        f.op('i32.mul').op('i32.add')
      }
      f.set(cursor.pointers[a])
    })
    if (splits) f.get(beginParam).if(() => this.splitBegin())
  }

  /** Turns the number of the first iteration into indices. */
  private splitBegin(): void {
    const { f, plan, cursor, code, accesses } = this.tools
    const rest = code.locals.take('i32')
    f.get(beginParam).set(rest)
    plan.outer.toReversed().forEach((axis, i) => {
      const index = cursor.indices[axis]
      if (i === plan.outer.length - 1) f.get(rest).set(index)
      else {
        const extent = this.walk.extent(axis)
        f.get(rest).get(extent).op('i32.rem_u').set(index).get(rest).get(extent).op('i32.div_u').set(rest)
      }
    })
    code.locals.give(rest)
    for (const axis of plan.outer) {
      for (const a of this.moving(axis)) {
        f.get(cursor.pointers[a]).get(cursor.indices[axis])
        accesses.pushStride(a, axis)
        f.op('i32.mul').op('i32.add').set(cursor.pointers[a])
      }
    }
  }

  /** Goes to the next point and branches back, unless this was the last one. */
  private next(): void {
    const { f, plan } = this.tools
    f.get(beginParam).i32(1).op('i32.add').set(beginParam)
    this.increment(plan.outer.length - 1)
    f.get(beginParam).get(endParam).op('i32.lt_s').brIf(0)
  }

  /** Moves outer axis number k on by one; at its end, back to 0 with a carry to the axis before. */
  private increment(k: number): void {
    const { f, plan, cursor, accesses } = this.tools
    const axis = plan.outer[k]
    const index = cursor.indices[axis]
    // A single axis has `begin` as its index
    if (plan.outer.length > 1) f.get(index).i32(1).op('i32.add').set(index)
    const moving = this.moving(axis)
    for (const a of moving) this.walk.movePointer(cursor.pointers[a], a, axis, 1)
    if (k === 0) return
    const extent = this.walk.extent(axis)
    f.get(index).get(extent).op('i32.ge_s')
    f.if(() => {
      f.i32(0).set(index)
      for (const a of moving) {
        f.get(cursor.pointers[a]).get(extent)
        accesses.pushStride(a, axis)
        f.op('i32.mul').op('i32.sub').set(cursor.pointers[a])
      }
      this.increment(k - 1)
    })
  }

  /** The accesses that move along an axis. */
  private moving(axis: number): number[] {
    return this.tools.plan.kernel.accesses.flatMap((access, a) => (access.strides[axis] === 'zero' ? [] : [a]))
  }

  /** All work at one point of the outer loops. */
  private point(): void {
    const { plan, code } = this.tools
    code.scope(() => {
      this.walk.withBounds(plan.outer, () => {
        this.stages.materialize(levels.outer, plan.stages)
        if (plan.laneIsParallel) this.laneLoop()
        else this.stages.emit(1)
      })
    })
  }

  /** The loop over the last parallel axis: from begin to end where it is the only one, else over all of it. */
  private laneLoop(): void {
    const { plan, cursor, code } = this.tools
    const { lane } = plan
    const moving = this.moving(lane)
    if (plan.outer.length === 0) {
      cursor.indices[lane] = beginParam
      this.vectors(beginParam, endParam, (count) => this.walk.step(lane, beginParam, moving, count))
      return
    }
    const index = code.locals.take('i32')
    cursor.indices[lane] = index
    this.walk.along(lane, index, moving, (step) => this.vectors(index, this.walk.extent(lane), step))
    code.locals.give(index)
  }

  /** Several vectors at a time, then one, of which the last may be partial; or one element at a time. */
  private vectors(index: number, end: number, step: (count: number) => void): void {
    const { f, plan } = this.tools
    if (plan.width === 1) {
      this.walk.whileLess(index, end, 0, () => {
        this.walk.withBounds([plan.lane], () => this.stages.emit(1))
        step(1)
      })
      return
    }
    const copies = this.stages.copies(plan.stages)
    this.walk.whileLess(index, end, f.lanes * copies - 1, () => {
      this.stages.emit(copies)
      step(f.lanes * copies)
    })
    this.walk.whileLess(index, end, 0, () => {
      this.walk.withRemaining(index, end, () => this.stages.emit(1))
      step(f.lanes)
    })
  }

  /** How a leaf is computed that no one bound. */
  private leaf(e: Expr, width: Width): Selection {
    const { f, code, cursor, accesses } = this.tools
    if (e.op === 'load') return accesses.load(e.value, width)
    const push = (): void => {
      if (e.op === 'argument') f.get(code.prologue.word(e.value))
      else if (e.op !== 'index') throw new Error(`wasm: ${e.op} ${e.value} is not available here`)
      else if (width === 4) accesses.pushLaneIndex()
      else f.get(cursor.indices[e.value])
    }
    return { operands: [], code: push }
  }
}
