// What is known of a loop kernel before code is made: which axes each value depends on, and in which loop it is computed.

import type { Access, LoopKernel, Stage } from '../../kernel/loop.ts'
import type { Expr } from '../../scalar/expr.ts'
import * as x from '../../scalar/expr.ts'
import { expand } from '../../scalar/functions.ts'
import { sharer } from '../../scalar/share.ts'
import { type Demand, hasVectorForm, type Width } from './emit-instructions.ts'
import type { LoopLayout } from './layout.ts'

/**
 * Where a value is computed: once per call, once per point of the outer parallel loops, at the start of a stage, before
 * the innermost reduce loop, or inside it.
 */
export const levels = { call: 0, outer: 1, stage: 2, middle: 3, inner: 4 } as const

export interface PlannedStore {
  readonly access: number
  readonly mode: 'set' | 'add'
  readonly value: Expr
}

export interface PlannedStage {
  readonly loop: boolean
  readonly reductions: Stage['reductions']
  readonly stores: readonly PlannedStore[]
}

interface StageFacts {
  readonly demands: readonly Demand[]
  readonly reachable: ReadonlySet<Expr>
}

export class LoopPlan {
  readonly kernel: LoopKernel
  readonly stages: readonly PlannedStage[]
  /** Byte offset of the row that an indirect access picks. */
  readonly offsets: readonly (Expr | undefined)[]
  readonly width: Width
  /** The axis that runs in lanes, or one element at a time where lanes are not possible; −1 without one. */
  readonly lane: number
  readonly laneIsParallel: boolean
  /** The parallel axes outside the lane axis. */
  readonly outer: readonly number[]
  readonly reduce: readonly number[]
  private readonly stored: ReadonlySet<number>
  private readonly axesOf = new Map<Expr, number>()
  private readonly levelOf = new Map<Expr, number>()
  private readonly factsOf = new Map<PlannedStage, StageFacts>()

  constructor(kernel: LoopKernel, layout: LoopLayout, float64Lanes = false) {
    const share = sharer()
    const expanded = new Map<Expr, Expr>()
    const prepare = (e: Expr): Expr => share(expand(e, expanded))
    this.kernel = kernel
    this.stages = kernel.stages.map((stage) => ({
      loop: stage.loop && kernel.reduce > 0,
      reductions: stage.reductions.map((r) => ({ ...r, value: prepare(r.value) })),
      stores: stage.stores.map((s) => ({ ...s, value: prepare(s.value) })),
    }))
    this.offsets = kernel.accesses.map((access, a) => {
      if (!access.indirect) return undefined
      const { indirectExtent, indirectStride } = layout.accesses[a]
      return prepare(rowOffset(access.indirect, indirectExtent, indirectStride))
    })
    this.stored = new Set(kernel.stages.flatMap((s) => s.stores.map((t) => t.access)))
    this.laneIsParallel = kernel.vector >= 0 && kernel.vector < kernel.parallel
    this.outer = range(0, kernel.parallel - (this.laneIsParallel ? 1 : 0))
    this.reduce = range(kernel.parallel, kernel.parallel + kernel.reduce)
    this.width = this.canUseLanes(float64Lanes) ? 4 : 1
    this.lane = this.width === 4 || this.laneIsParallel ? kernel.vector : -1
  }

  /** Whether the value differs between lanes. */
  readonly varies = (e: Expr): boolean => this.width === 4 && this.dependsOn(e, this.lane)

  dependsOn(e: Expr, axis: number): boolean {
    return axis >= 0 && (this.axes(e) & (1 << axis)) !== 0
  }

  /** Whether the address or the validity of an access changes along an axis, its indirect part left aside. */
  moves(a: number, axis: number): boolean {
    const access = this.kernel.accesses[a]
    return axis >= 0 && (access.strides[axis] !== 'zero' || access.bounded[axis])
  }

  level(e: Expr): number {
    const known = this.levelOf.get(e)
    if (known !== undefined) return known
    const fromAxes = this.levelOfAxes(this.axes(e))
    const waits = e.op === 'accumulator' || (e.op === 'load' && this.stored.has(e.value))
    const own = waits ? Math.max(fromAxes, levels.stage) : fromAxes
    const level = this.operands(e).reduce((most, o) => Math.max(most, this.level(o)), own)
    this.levelOf.set(e, level)
    return level
  }

  /** What the value of a stage is demanded as. */
  stageWidth(stage: PlannedStage): Width {
    return this.width === 4 && (stage.loop || this.laneIsParallel) ? 4 : 1
  }

  /** The offset an indirect access needs: in lanes where it differs between them. */
  offset(a: number, width: Width): Demand[] {
    const e = this.offsets[a]
    return e ? [{ e, width: width === 4 && this.varies(e) ? 4 : 1 }] : []
  }

  /** Everything a stage computes for its own sake. */
  demands(stage: PlannedStage): readonly Demand[] {
    return this.facts(stage).demands
  }

  /** All values that a stage computes, those of its row offsets included. */
  reachable(stage: PlannedStage): ReadonlySet<Expr> {
    return this.facts(stage).reachable
  }

  private facts(stage: PlannedStage): StageFacts {
    const known = this.factsOf.get(stage)
    if (known) return known
    const width = this.stageWidth(stage)
    const demands = [
      ...stage.reductions.map((r) => ({ e: r.value, width })),
      ...stage.stores.flatMap((s) => [{ e: s.value, width }, ...this.offset(s.access, width)]),
    ]
    const reachable = new Set<Expr>()
    const visit = (e: Expr): void => {
      if (reachable.has(e)) return
      reachable.add(e)
      for (const operand of this.operands(e)) visit(operand)
    }
    for (const d of demands) visit(d.e)
    const facts = { demands, reachable }
    this.factsOf.set(stage, facts)
    return facts
  }

  private canUseLanes(float64Lanes: boolean): boolean {
    if (this.kernel.vector < 0) return false
    if (!float64Lanes && this.kernel.accesses.some((a) => a.dtype === 'float64')) return false
    const uniform = (e: Expr): boolean => !this.dependsOn(e, this.kernel.vector)
    const roots = this.stages.flatMap((s) => [...s.reductions.map((r) => r.value), ...s.stores.map((t) => t.value)])
    const indices = this.offsets.flatMap((e) => (e ? [e] : []))
    return x.topological([...roots, ...indices]).every((e) => hasVectorForm(e, uniform, float64Lanes))
  }

  private operands(e: Expr): readonly Expr[] {
    const offset = e.op === 'load' ? this.offsets[e.value] : undefined
    return offset ? [offset] : e.args
  }

  private axes(e: Expr): number {
    const known = this.axesOf.get(e)
    if (known !== undefined) return known
    const axes = this.operands(e).reduce((set, o) => set | this.axes(o), this.ownAxes(e))
    this.axesOf.set(e, axes)
    return axes
  }

  private ownAxes(e: Expr): number {
    if (e.op === 'index') return 1 << e.value
    if (e.op === 'accumulator') return (1 << this.kernel.parallel) - 1
    if (e.op !== 'load') return 0
    return accessAxes(this.kernel.accesses[e.value])
  }

  private levelOfAxes(axes: number): number {
    const has = (axis: number): boolean => (axes & (1 << axis)) !== 0
    const last = this.reduce.at(-1)
    if (last !== undefined && has(last)) return levels.inner
    if (this.reduce.some(has)) return levels.middle
    if (this.laneIsParallel && has(this.kernel.vector)) return levels.stage
    return this.outer.some(has) ? levels.outer : levels.call
  }
}

const range = (from: number, to: number): number[] => Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i)

const accessAxes = (access: Access): number =>
  access.strides.reduce((set, s, axis) => (s !== 'zero' || access.bounded[axis] ? set | (1 << axis) : set), 0)

/** Byte offset of row i, counted from the end if negative and then clamped; both numbers are words of the args block. */
function rowOffset(i: Expr, extentWord: number, strideWord: number): Expr {
  const [zero, one] = [x.constant('i32', 0), x.constant('i32', 1)]
  const extent = x.argument('i32', extentWord)
  const fromStart = x.select(x.lt(i, zero), x.add(i, extent), i)
  const clamped = x.max(x.min(fromStart, x.sub(extent, one)), zero)
  return x.mul(clamped, x.argument('i32', strideWord))
}
