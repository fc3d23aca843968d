// Stages of loop kernels: their reduce loops, what is computed at each level, the steps of accumulators and the stores.

import type { Expr } from '../../scalar/expr.ts'
import { Frontier } from './emit-frontier.ts'
import { valueType, type Width } from './emit-instructions.ts'
import { type LoopPlan, levels, type PlannedStage } from './emit-plan.ts'
import { type Accumulator, ReduceCode, seeksIndex } from './emit-reduce.ts'
import { type LoopTools, Walk } from './emit-walk.ts'

/** The accumulators of a stage's reductions, for each vector in flight. */
type Accumulators = readonly (readonly Accumulator[])[]

export class StageCode {
  private readonly tools: LoopTools
  private readonly walk: Walk
  private readonly reduce: ReduceCode
  private readonly frontier: Frontier
  /** The number of the element among all reduce iterations, kept for argmax and argmin over several axes. */
  private flat: number | undefined

  constructor(tools: LoopTools) {
    this.tools = tools
    this.walk = new Walk(tools)
    this.reduce = new ReduceCode(tools.code)
    this.frontier = new Frontier(tools.plan, tools.code)
  }

  /** All stages at one point, or for `copies` vectors of points. */
  emit(copies: number): void {
    const { plan, code } = this.tools
    code.scope(() => {
      for (const stage of plan.stages) {
        if (stage.loop) this.reduceStage(stage, copies)
        else this.evaluate(stage, new Array<readonly Accumulator[]>(copies).fill([]), undefined)
      }
    })
  }

  /** Computes what belongs to a level and is needed further in; without `lanes`, only values equal in all of them. */
  materialize(level: number, stages: readonly PlannedStage[], lanes = true): void {
    const { plan, code } = this.tools
    const demands = this.frontier.demands(level, stages)
    code.materialize(
      demands.filter((d) => !plan.varies(d.e)),
      -1,
    )
    if (!lanes) return
    code.materialize(
      demands.filter((d) => plan.varies(d.e)),
      code.copy,
    )
  }

  copies(stages: readonly PlannedStage[]): number {
    return copiesOf(this.tools.plan, stages)
  }

  // ---- Stages that loop

  private reduceStage(stage: PlannedStage, copies: number): void {
    const { plan, code, f } = this.tools
    const inRows = plan.width === 4 && !plan.laneIsParallel
    const vectors = inRows ? this.copies([stage]) : copies
    const width = plan.stageWidth(stage)
    const accumulators: Accumulators = Array.from({ length: vectors }, () =>
      stage.reductions.map((r) => this.reduce.start(r.op, r.value.type, width)),
    )
    if (plan.reduce.length > 1 && stage.reductions.some((r) => seeksIndex(r.op))) {
      this.flat = code.locals.take('i32')
      f.i32(0).set(this.flat)
    }
    code.scope(() => {
      this.eachLaneCopy(copies, () => this.materialize(levels.stage, [stage]))
      this.middleLoops(stage, plan.reduce, () => {
        this.eachLaneCopy(copies, () => this.materialize(levels.middle, [stage]))
        if (inRows) this.rowLoop(stage, accumulators)
        else this.columnLoop(stage, accumulators)
      })
    })
    if (this.flat !== undefined) code.locals.give(this.flat)
    this.flat = undefined
    this.bindResults(stage, accumulators, inRows || plan.width === 1)
  }

  /** Lets later stages read the accumulators, folded into one scalar or as they are, one for each column. */
  private bindResults(stage: PlannedStage, accumulators: Accumulators, folded: boolean): void {
    const { code } = this.tools
    stage.reductions.forEach((r, i) => {
      const nodes = this.readers(r.accumulator, seeksIndex(r.op) ? 'i32' : r.value.type)
      const bind = (width: Width, copy: number, local: number): void => {
        for (const e of nodes) code.bind(e, width, copy, local)
      }
      if (folded) bind(1, -1, this.reduce.finish(accumulators.map((list) => list[i])))
      else for (const [copy, list] of accumulators.entries()) bind(4, copy, list[i].index ?? list[i].value)
    })
  }

  /** The loops over all reduce axes but the last, around `body`. */
  private middleLoops(stage: PlannedStage, axes: readonly number[], body: () => void): void {
    const { cursor, code } = this.tools
    const [axis, ...inner] = axes
    const index = code.locals.take('i32')
    cursor.indices[axis] = index
    if (inner.length === 0) body()
    else {
      this.walk.along(axis, index, this.usedBy(stage), (step) => {
        this.walk.whileLess(index, this.walk.extent(axis), 0, () => {
          this.walk.withBounds([axis], () => this.middleLoops(stage, inner, body))
          step(1)
        })
      })
    }
    code.locals.give(index)
  }

  /** The innermost reduce loop, one element at a time; the lanes, if there are, hold neighbouring columns. */
  private columnLoop(stage: PlannedStage, accumulators: Accumulators): void {
    const { code } = this.tools
    this.innermost(stage, (axis, index, end, step) => {
      this.walk.whileLess(index, end, 0, () => {
        code.scope(() => {
          this.walk.withBounds([axis], () => {
            if (accumulators.length > 1) this.materialize(levels.inner, [stage], false)
            this.evaluate(stage, accumulators, undefined)
          })
        })
        step(1)
      })
    })
  }

  /** The innermost reduce loop in lanes: several vectors at a time, then one, of which the last may be partial. */
  private rowLoop(stage: PlannedStage, accumulators: Accumulators): void {
    const { f, code, accesses } = this.tools
    const count = f.lanes * accumulators.length
    this.innermost(stage, (_axis, index, end, step) => {
      this.walk.whileLess(index, end, count - 1, () => {
        this.evaluate(stage, accumulators, undefined)
        step(count)
      })
      this.walk.whileLess(index, end, 0, () => {
        this.walk.withRemaining(index, end, (remaining) => {
          const mask = code.locals.take('v128')
          f.get(accesses.iota(0)).get(remaining).op('i32x4.splat').op('i32x4.lt_s').set(mask)
          this.evaluate(stage, [accumulators[0]], mask)
          code.locals.give(mask)
        })
        step(f.lanes)
      })
    })
    // What the last, partial vector counted too much
    if (this.flat === undefined) return
    const extent = this.walk.extent(this.lastAxis())
    f.get(this.flat)
      .i32(0)
      .get(extent)
      .op('i32.sub')
      .i32(f.lanes - 1)
      .op('i32.and')
      .op('i32.sub')
      .set(this.flat)
  }

  /** Sets up index, end and running pointers of the last reduce axis; `step` moves them. */
  private innermost(
    stage: PlannedStage,
    body: (axis: number, index: number, end: number, step: (count: number) => void) => void,
  ): void {
    const { f, cursor } = this.tools
    const axis = this.lastAxis()
    const index = cursor.indices[axis]
    this.walk.along(axis, index, this.usedBy(stage), (step) => {
      body(axis, index, this.walk.extent(axis), (count) => {
        step(count)
        if (this.flat !== undefined) f.get(this.flat).i32(count).op('i32.add').set(this.flat)
      })
    })
  }

  // ---- One element or vector

  /**
   * The reductions and stores of a stage for one element, or for as many vectors as there are lists of accumulators. All
   * values come before the first store.
   */
  private evaluate(stage: PlannedStage, accumulators: Accumulators, mask: number | undefined): void {
    const { f, code, plan } = this.tools
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
    const { code, plan, accesses } = this.tools
    const width = plan.stageWidth(stage)
    const values = [...locals]
    for (const store of stage.stores) {
      const value = values.shift() ?? 0
      const [offset] = plan.offset(store.access, width)
      const offsetLocal = offset ? values.shift() : undefined
      if (width === 4) accesses.storeVector(store, value, offsetLocal, offset?.width)
      else accesses.storeScalar(store, value, offsetLocal)
    }
    for (const local of locals) code.locals.give(local)
  }

  /** The number of the current element in a reduction, for argmax and argmin. */
  private pushElementNumber(width: Width): void {
    const { f, plan, cursor, code, accesses } = this.tools
    f.get(this.flat ?? cursor.indices[this.lastAxis()])
    if (width === 1) return
    f.op('i32x4.splat')
    if (!plan.laneIsParallel) f.get(accesses.iota(f.lanes * code.copy)).op('i32x4.add')
  }

  // ---- Small parts

  private lastAxis(): number {
    const { parallel, reduce } = this.tools.plan.kernel
    return parallel + reduce - 1
  }

  /** Expression nodes that read an accumulator. */
  private readers(id: number, type: Expr['type']): Set<Expr> {
    const { plan } = this.tools
    const nodes = plan.stages.flatMap((s) => [...plan.reachable(s)])
    return new Set(nodes.filter((e) => e.op === 'accumulator' && e.value === id && e.type === type))
  }

  private usedBy(stage: PlannedStage): number[] {
    const loads = [...this.tools.plan.reachable(stage)].flatMap((e) => (e.op === 'load' ? [e.value] : []))
    return [...new Set([...stage.stores.map((s) => s.access), ...loads])]
  }

  private eachCopy(copies: number, body: (copy: number) => void): void {
    const { code } = this.tools
    for (let copy = 0; copy < copies; copy++) {
      code.copy = copy
      body(copy)
    }
    code.copy = 0
  }

  /** As `eachCopy`, but once where no value differs between vectors yet: in rows, outside the innermost loop. */
  private eachLaneCopy(copies: number, body: () => void): void {
    this.eachCopy(this.tools.plan.laneIsParallel ? copies : 1, body)
  }
}

/**
 * Vectors per turn of a loop. Interleaving four hides the latency of arithmetic, which is worth a fifth of the time of
 * exp or tanh; large bodies would only spill registers.
 */
export function copiesOf(plan: LoopPlan, stages: readonly PlannedStage[]): number {
  const size = new Set(stages.flatMap((s) => [...plan.reachable(s)])).size
  return size <= 100 ? 4 : size <= 200 ? 2 : 1
}
