// Code for loop kernels: maps, reductions and row kernels, in lanes where the machine can.

import type { LoopKernel } from '../../kernel/loop.ts'
import type { Expr } from '../../scalar/expr.ts'
import type { FunctionBuilder, ModuleBuilder } from './assembler.ts'
import { AccessCode, type Cursor } from './emit-access.ts'
import { ExprCode } from './emit-expr.ts'
import { Frontier } from './emit-frontier.ts'
import { type Selection, valueType, type Width } from './emit-instructions.ts'
import { LoopPlan, levels, type PlannedStage } from './emit-plan.ts'
import { type Accumulator, ReduceCode } from './emit-reduce.ts'
import { type EmitEnvironment, kernelParams, type LoopLayout, loopLayout } from './layout.ts'

/**
 * Adds the function of a loop kernel to the module, with the parameters of `kernelParams`.
 *
 * Every element is computed by the same instructions wherever the iterations are cut and whether it lies in a full
 * vector or in the last, partial one: rests are computed in lanes, too, and only their stores are narrow.
 */
export function emitLoop(module: ModuleBuilder, kernel: LoopKernel, env: EmitEnvironment): FunctionBuilder {
  const f = module.function(undefined, kernelParams)
  new LoopCode(f, kernel, env).emit()
  return f
}

const beginParam = 1
const endParam = 2

class LoopCode {
  private readonly f: FunctionBuilder
  private readonly plan: LoopPlan
  private readonly layout: LoopLayout
  private readonly code: ExprCode
  private readonly accesses: AccessCode
  private readonly reduce: ReduceCode
  private readonly frontier: Frontier
  private readonly cursor: Cursor
  /** The number of the element among all reduce iterations, kept for argmax and argmin over several axes. */
  private flat = -1

  constructor(f: FunctionBuilder, kernel: LoopKernel, env: EmitEnvironment) {
    this.f = f
    this.layout = loopLayout(kernel)
    this.plan = new LoopPlan(kernel, this.layout)
    this.code = new ExprCode(f, env, { varies: this.plan.varies, leaf: (e, width) => this.leaf(e, width) })
    this.cursor = { pointers: [], valid: kernel.accesses.map(() => undefined), indices: [], remaining: undefined }
    this.accesses = new AccessCode(this.plan, this.layout, this.code, this.cursor)
    this.reduce = new ReduceCode(this.code)
    this.frontier = new Frontier(this.plan, this.code)
  }

  emit(): void {
    const { f, code, plan } = this
    this.outerStart()
    code.scope(() => {
      this.materialize(levels.call, plan.stages)
      f.get(beginParam).get(endParam).op('i32.lt_s')
      f.if(() => {
        if (plan.outer.length === 0) this.point()
        else {
          f.loop(() => {
            this.point()
            this.outerStep()
          })
        }
      })
    })
    code.prologue.finish()
  }

  // ---- Parallel loops

  /** Points every access at the first iteration. */
  private outerStart(): void {
    const { f, plan, cursor, code, layout } = this
    const { outer } = plan
    const splits = outer.length > 1
    outer.forEach((axis) => {
      cursor.indices[axis] = splits ? f.local('i32') : beginParam
    })
    const begins = outer.length === 1 ? outer : outer.length === 0 && plan.laneIsParallel ? [plan.lane] : []
    plan.kernel.accesses.forEach((access, a) => {
      const base = code.prologue.word(layout.accesses[a].address)
      const moving = [...outer, ...begins].some((axis) => access.strides[axis] !== 'zero')
      cursor.pointers[a] = moving ? f.local('i32') : base
      if (!moving) return
      f.get(base)
      for (const axis of begins) {
        if (access.strides[axis] === 'zero') continue
        f.get(beginParam)
        this.accesses.pushStride(a, axis)
        f.op('i32.mul').op('i32.add')
      }
      f.set(cursor.pointers[a])
    })
    if (splits) f.get(beginParam).if(() => this.splitBegin())
  }

  /** Turns the number of the first iteration into indices. */
  private splitBegin(): void {
    const { f, plan, cursor, code, layout } = this
    const rest = code.locals.take('i32')
    f.get(beginParam).set(rest)
    plan.outer.toReversed().forEach((axis, i) => {
      const index = cursor.indices[axis]
      if (i === plan.outer.length - 1) f.get(rest).set(index)
      else {
        const extent = code.prologue.word(layout.extents[axis])
        f.get(rest).get(extent).op('i32.rem_u').set(index).get(rest).get(extent).op('i32.div_u').set(rest)
      }
    })
    code.locals.give(rest)
    this.eachMoving(plan.outer, (a, axis) => {
      f.get(cursor.pointers[a]).get(cursor.indices[axis])
      this.accesses.pushStride(a, axis)
      f.op('i32.mul').op('i32.add').set(cursor.pointers[a])
    })
  }

  /** Goes to the next point and branches back, unless this was the last one. */
  private outerStep(): void {
    const { f, plan, cursor, layout, code } = this
    f.get(beginParam).i32(1).op('i32.add').set(beginParam)
    const next = (k: number): void => {
      const axis = plan.outer[k]
      const index = cursor.indices[axis]
      if (plan.outer.length > 1) f.get(index).i32(1).op('i32.add').set(index)
      this.eachMoving([axis], (a) => {
        f.get(cursor.pointers[a])
        this.accesses.pushStride(a, axis)
        f.op('i32.add').set(cursor.pointers[a])
      })
      if (k === 0) return
      const extent = code.prologue.word(layout.extents[axis])
      f.get(index).get(extent).op('i32.ge_s')
      f.if(() => {
        f.i32(0).set(index)
        this.eachMoving([axis], (a) => {
          f.get(cursor.pointers[a]).get(extent)
          this.accesses.pushStride(a, axis)
          f.op('i32.mul').op('i32.sub').set(cursor.pointers[a])
        })
        next(k - 1)
      })
    }
    next(plan.outer.length - 1)
    f.get(beginParam).get(endParam).op('i32.lt_s').brIf(0)
  }

  private eachMoving(axes: readonly number[], body: (a: number, axis: number) => void): void {
    this.plan.kernel.accesses.forEach((access, a) => {
      for (const axis of axes) if (access.strides[axis] !== 'zero') body(a, axis)
    })
  }

  /** All work at one point of the outer loops. */
  private point(): void {
    const { plan, code } = this
    code.scope(() => {
      this.withBounds(plan.outer, () => {
        this.materialize(levels.outer, plan.stages)
        if (plan.laneIsParallel) this.laneLoop()
        else this.stages(1)
      })
    })
  }

  /** The loop over the last parallel axis, in vectors. */
  private laneLoop(): void {
    const { f, plan, cursor, code, layout } = this
    const single = plan.outer.length === 0
    const index = single ? beginParam : code.locals.take('i32')
    const end = single ? endParam : code.prologue.word(layout.extents[plan.lane])
    const outerPointers = cursor.pointers
    cursor.indices[plan.lane] = index
    if (!single) f.i32(0).set(index)
    const moving = plan.kernel.accesses.flatMap((access, a) => (access.strides[plan.lane] === 'zero' ? [] : [a]))
    if (!single) cursor.pointers = this.copiedPointers(moving)
    const step = (count: number): void => {
      for (const a of moving) this.advance(cursor.pointers[a], a, plan.lane, count)
      f.get(index).i32(count).op('i32.add').set(index)
    }

    if (plan.width === 1) {
      this.whileLess(index, end, 0, () => {
        this.withBounds([plan.lane], () => this.stages(1))
        step(1)
      })
    } else {
      const copies = this.copies(plan.stages)
      this.whileLess(index, end, 4 * copies - 1, () => {
        this.stages(copies)
        step(4 * copies)
      })
      this.whileLess(index, end, 0, () => {
        this.withRemaining(index, end, () => this.stages(1))
        step(4)
      })
    }
    if (!single) {
      this.giveCopies(cursor.pointers, outerPointers)
      code.locals.give(index)
    }
    cursor.pointers = outerPointers
  }

  // ---- Stages

  private stages(copies: number): void {
    this.code.scope(() => {
      for (const stage of this.plan.stages) {
        if (stage.loop) this.reduceStage(stage, copies)
        else
          this.evaluate(
            stage,
            Array.from({ length: copies }, () => []),
            undefined,
          )
      }
    })
  }

  private reduceStage(stage: PlannedStage, copies: number): void {
    const { plan, code, cursor, reduce, f } = this
    const inLanes = plan.width === 4 && !plan.laneIsParallel
    const vectors = inLanes ? this.copies([stage]) : copies
    const width = plan.stageWidth(stage)
    const stagePointers = cursor.pointers
    const accumulators = Array.from({ length: vectors }, () =>
      stage.reductions.map((r) => reduce.start(r.op, r.value.type, width)),
    )
    const keepsFlat = plan.reduce.length > 1 && stage.reductions.some((r) => r.op === 'argmax' || r.op === 'argmin')
    if (keepsFlat) {
      this.flat = code.locals.take('i32')
      f.i32(0).set(this.flat)
    }
    code.scope(() => {
      this.eachVaryingCopy(copies, () => this.materialize(levels.stage, [stage]))
      this.middleLoops(stage, plan.reduce, () => {
        this.eachVaryingCopy(copies, () => this.materialize(levels.middle, [stage]))
        if (inLanes) this.rowLoop(stage, accumulators)
        else this.columnLoop(stage, accumulators)
      })
    })
    if (keepsFlat) {
      code.locals.give(this.flat)
      this.flat = -1
    }
    cursor.pointers = stagePointers
    stage.reductions.forEach((r, i) => {
      const type = r.op === 'argmax' || r.op === 'argmin' ? 'i32' : r.value.type
      const bind = (w: Width, copy: number, local: number): void => {
        for (const e of this.accumulatorNodes(r.accumulator, type)) code.bind(e, w, copy, local)
      }
      if (inLanes || plan.width === 1) bind(1, -1, reduce.finish(accumulators.map((list) => list[i])))
      else {
        accumulators.forEach((list, copy) => {
          bind(4, copy, list[i].index ?? list[i].value)
        })
      }
    })
  }

  /** The loops over all reduce axes but the last, around `body`. */
  private middleLoops(stage: PlannedStage, axes: readonly number[], body: () => void): void {
    const { f, plan, cursor, code, layout } = this
    const [axis, ...inner] = axes
    const index = code.locals.take('i32')
    cursor.indices[axis] = index
    if (inner.length === 0) {
      body()
      code.locals.give(index)
      return
    }
    const outerPointers = cursor.pointers
    const used = this.usedBy(stage)
    const moving = used.filter((a) => plan.kernel.accesses[a].strides[axis] !== 'zero')
    cursor.pointers = this.copiedPointers(moving)
    f.i32(0).set(index)
    this.whileLess(index, code.prologue.word(layout.extents[axis]), 0, () => {
      this.withBounds([axis], () => this.middleLoops(stage, inner, body))
      for (const a of moving) this.advance(cursor.pointers[a], a, axis, 1)
      f.get(index).i32(1).op('i32.add').set(index)
    })
    this.giveCopies(cursor.pointers, outerPointers)
    cursor.pointers = outerPointers
    code.locals.give(index)
  }

  /** The innermost reduce loop, one element at a time; the lanes, if there are, hold neighbouring columns. */
  private columnLoop(stage: PlannedStage, accumulators: readonly (readonly Accumulator[])[]): void {
    const { f, code } = this
    this.innermost(stage, (axis, index, end, step) => {
      this.whileLess(index, end, 0, () => {
        code.scope(() => {
          this.withBounds([axis], () => {
            if (accumulators.length > 1) this.materialize(levels.inner, [stage], false)
            this.evaluate(stage, accumulators, undefined)
          })
        })
        step(1)
        if (this.flat >= 0) f.get(this.flat).i32(1).op('i32.add').set(this.flat)
      })
    })
  }

  /** The innermost reduce loop in lanes, with several vectors in flight. */
  private rowLoop(stage: PlannedStage, accumulators: readonly (readonly Accumulator[])[]): void {
    const { f, code } = this
    const copies = accumulators.length
    this.innermost(stage, (_axis, index, end, step) => {
      this.whileLess(index, end, 4 * copies - 1, () => {
        this.evaluate(stage, accumulators, undefined)
        step(4 * copies)
        if (this.flat >= 0)
          f.get(this.flat)
            .i32(4 * copies)
            .op('i32.add')
            .set(this.flat)
      })
      this.whileLess(index, end, 0, () => {
        this.withRemaining(index, end, (remaining) => {
          const mask = code.locals.take('v128')
          const iota = code.prologue.define('iota 0', 'v128', () => f.v128(new Int32Array([0, 1, 2, 3])))
          f.get(iota).get(remaining).op('i32x4.splat').op('i32x4.lt_s').set(mask)
          this.evaluate(stage, [accumulators[0]], mask)
          if (this.flat >= 0) {
            f.get(this.flat).i32(4).get(remaining).i32(4).get(remaining).op('i32.lt_s').op('select')
            f.op('i32.add').set(this.flat)
          }
          code.locals.give(mask)
        })
        step(4)
      })
    })
  }

  /** Sets up index, end and running pointers of the last reduce axis; `step` moves them. */
  private innermost(
    stage: PlannedStage,
    body: (axis: number, index: number, end: number, step: (count: number) => void) => void,
  ): void {
    const { f, plan, cursor, code, layout } = this
    const axis = plan.kernel.parallel + plan.kernel.reduce - 1
    const index = cursor.indices[axis]
    const outerPointers = cursor.pointers
    const moving = this.usedBy(stage).filter((a) => plan.kernel.accesses[a].strides[axis] !== 'zero')
    cursor.pointers = this.copiedPointers(moving)
    f.i32(0).set(index)
    body(axis, index, code.prologue.word(layout.extents[axis]), (count) => {
      for (const a of moving) this.advance(cursor.pointers[a], a, axis, count)
      f.get(index).i32(count).op('i32.add').set(index)
    })
    this.giveCopies(cursor.pointers, outerPointers)
    cursor.pointers = outerPointers
  }

  /**
   * The reductions and stores of a stage for one element, or for as many vectors as there are lists of accumulators. All
   * values come before the first store.
   */
  private evaluate(
    stage: PlannedStage,
    accumulators: readonly (readonly Accumulator[])[],
    mask: number | undefined,
  ): void {
    const { f, code, plan } = this
    const copies = accumulators.length
    const demands = plan.demands(stage)
    const stored: number[][] = accumulators.map(() => [])
    const consume = (i: number): void => {
      if (i < stage.reductions.length) {
        const accumulator = accumulators[code.copy][i]
        this.reduce.step(accumulator, mask, () => this.pushElementNumber(accumulator.width))
        return
      }
      const local = code.locals.take(valueType(demands[i].e.type, demands[i].width))
      f.set(local)
      stored[code.copy].push(local)
    }
    if (copies === 1) code.emit(demands, consume)
    else code.emitCopies(demands, copies, consume)
    this.eachCopy(copies, (copy) => this.store(stage, stored[copy]))
  }

  /** The stores of a stage, from locals with values and row offsets in the order of its demands. */
  private store(stage: PlannedStage, locals: readonly number[]): void {
    const { code, plan } = this
    const width = plan.stageWidth(stage)
    const values = [...locals]
    for (const store of stage.stores) {
      const value = values.shift() ?? 0
      const [offset] = plan.offset(store.access, width)
      const offsetLocal = offset ? values.shift() : undefined
      if (width === 4) this.accesses.storeVector(store, value, offsetLocal, offset?.width)
      else this.accesses.storeScalar(store, value, offsetLocal)
    }
    for (const local of locals) code.locals.give(local)
  }

  /** The number of the current element in a reduction, for argmax. */
  private pushElementNumber(width: Width): void {
    const { f, plan, cursor } = this
    const last = plan.kernel.parallel + plan.kernel.reduce - 1
    const counter = this.flat >= 0 ? this.flat : cursor.indices[last]
    if (width === 1) f.get(counter)
    else if (plan.laneIsParallel) f.get(counter).op('i32x4.splat')
    else {
      const from = 4 * this.code.copy
      const iota = this.code.prologue.define(`iota ${from}`, 'v128', () =>
        f.v128(new Int32Array([from, from + 1, from + 2, from + 3])),
      )
      f.get(counter).op('i32x4.splat').get(iota).op('i32x4.add')
    }
  }

  // ---- Leaves and hoisting

  private leaf(e: Expr, width: Width): Selection {
    const { f } = this
    if (e.op === 'load') return this.accesses.load(e.value, width)
    if (e.op === 'argument') return { operands: [], code: () => f.get(this.code.prologue.word(e.value)) }
    if (e.op === 'index') {
      const code = (): void => {
        if (width === 4) this.accesses.pushLaneIndex()
        else f.get(this.cursor.indices[e.value])
      }
      return { operands: [], code }
    }
    return {
      operands: [],
      code: () => {
        throw new Error(`wasm: ${e.op} ${e.value} is not available here`)
      },
    }
  }

  /** Computes what belongs to a level and is needed further in; `varying` chooses values that differ between lanes, or the others, or both. */
  private materialize(level: number, stages: readonly PlannedStage[], varying?: boolean): void {
    const demands = this.frontier.demands(level, stages)
    const [uniform, perLane] = [
      demands.filter((d) => !this.plan.varies(d.e)),
      demands.filter((d) => this.plan.varies(d.e)),
    ]
    if (varying !== true) this.code.materialize(uniform, -1)
    if (varying !== false) this.code.materialize(perLane, this.code.copy)
  }

  /** Expression nodes that read an accumulator. */
  private accumulatorNodes(id: number, type: Expr['type']): Set<Expr> {
    const nodes = this.plan.stages.flatMap((s) => [...this.plan.reachable(s)])
    return new Set(nodes.filter((e) => e.op === 'accumulator' && e.value === id && e.type === type))
  }

  private usedBy(stage: PlannedStage): number[] {
    const loads = [...this.plan.reachable(stage)].flatMap((e) => (e.op === 'load' ? [e.value] : []))
    return [...new Set([...stage.stores.map((s) => s.access), ...loads])]
  }

  // ---- Small parts of loops

  private eachCopy(copies: number, body: (copy: number) => void): void {
    for (let copy = 0; copy < copies; copy++) {
      this.code.copy = copy
      body(copy)
    }
    this.code.copy = 0
  }

  /** As `eachCopy`, but once where copies do not differ: in kernels without lanes over a parallel axis. */
  private eachVaryingCopy(copies: number, body: () => void): void {
    this.eachCopy(this.plan.laneIsParallel ? copies : 1, body)
  }

  /** `while (index < end − margin) body`. */
  private whileLess(index: number, end: number, margin: number, body: () => void): void {
    const { f, code } = this
    const limit = margin === 0 ? end : code.locals.take('i32')
    if (margin !== 0) f.get(end).i32(margin).op('i32.sub').set(limit)
    f.get(index).get(limit).op('i32.lt_s')
    f.if(() => {
      f.loop(() => {
        body()
        f.get(index).get(limit).op('i32.lt_s').brIf(0)
      })
    })
    if (margin !== 0) code.locals.give(limit)
  }

  private withRemaining(index: number, end: number, body: (remaining: number) => void): void {
    const remaining = this.code.locals.take('i32')
    this.f.get(end).get(index).op('i32.sub').set(remaining)
    this.cursor.remaining = remaining
    body(remaining)
    this.cursor.remaining = undefined
    this.code.locals.give(remaining)
  }

  /** Tests the bounds of all accesses along the axes, which do not run in lanes, for the code of `body`. */
  private withBounds(axes: readonly number[], body: () => void): void {
    const { f, plan, cursor, code } = this
    const outer = cursor.valid
    const taken: number[] = []
    cursor.valid = outer.map((valid, a) => {
      const tested = axes.filter(
        (axis) => plan.kernel.accesses[a].bounded[axis] && !(plan.width === 4 && axis === plan.lane),
      )
      if (tested.length === 0) return valid
      tested.forEach((axis, i) => {
        this.accesses.pushInside(a, axis, cursor.indices[axis])
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

  private copiedPointers(which: readonly number[]): number[] {
    const copies = [...this.cursor.pointers]
    for (const a of which) {
      copies[a] = this.code.locals.take('i32')
      this.f.get(this.cursor.pointers[a]).set(copies[a])
    }
    return copies
  }

  private giveCopies(copies: readonly number[], originals: readonly number[]): void {
    copies.forEach((local, a) => {
      if (local !== originals[a]) this.code.locals.give(local)
    })
  }

  private advance(pointer: number, a: number, axis: number, count: number): void {
    this.f.get(pointer)
    this.accesses.pushStride(a, axis, count)
    this.f.op('i32.add').set(pointer)
  }

  /**
   * Vectors per turn of a loop. Interleaving four hides the latency of arithmetic, which is worth a fifth of the time of
   * exp or tanh; large bodies would only spill registers.
   */
  private copies(stages: readonly PlannedStage[]): number {
    const size = this.bodySize(stages)
    return size <= 100 ? 4 : size <= 200 ? 2 : 1
  }

  private bodySize(stages: readonly PlannedStage[]): number {
    return new Set(stages.flatMap((s) => [...this.plan.reachable(s)])).size
  }
}
