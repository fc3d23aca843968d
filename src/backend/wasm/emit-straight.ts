// Small loop kernels without loops: everything known at a launch is a constant, and lanes hold any four points.

import { type DType, dtypes } from '../../graph/dtype.ts'
import { loopExpressions } from '../../kernel/key.ts'
import type { LoopKernel, LoopLaunch } from '../../kernel/loop.ts'
import { type Expr, topological } from '../../scalar/expr.ts'
import type { FunctionBuilder } from './assembler.ts'
import { ExprCode } from './emit-expr.ts'
import { hasVectorForm } from './emit-instructions.ts'
import { LoopPlan, type PlannedStage } from './emit-plan.ts'
import { combineVectors, neutralOf, seeksIndex } from './emit-reduce.ts'
import { copiesOf } from './emit-stage.ts'
import { type EmitEnvironment, loopLayout } from './layout.ts'

/** Where a buffer lies: so many bytes behind the address in a local, or behind 0. */
export interface Base {
  readonly local: number | undefined
  readonly bytes: number
}

/** Operations that a launch takes without loops; infinite where it needs them. */
export function straightCost(kernel: LoopKernel, { extents }: LoopLaunch): number {
  const roots = loopExpressions(kernel)
  const isPlain =
    kernel.accesses.every((a) => a.dtype !== 'float64' && a.indirect === undefined) &&
    kernel.stages.every(
      (s) => s.stores.every((t) => t.mode === 'set') && !s.reductions.some((r) => seeksIndex(r.op)),
    ) &&
    topological(roots).every((e) => e.op !== 'argument' && hasVectorForm(e, (by) => by.op === 'const'))
  if (!isPlain) return Number.POSITIVE_INFINITY
  const size = (axes: readonly number[]): number => axes.reduce((product, extent) => product * extent, 1)
  // The kernel's lanes along a long row are better than elements gathered from four rows.
  if (size(extents.slice(kernel.parallel)) > longestRow) return Number.POSITIVE_INFINITY
  const vectors = Math.ceil(size(extents.slice(0, kernel.parallel)) / lanes)
  const functions = topological(roots).filter((e) => e.op === 'call').length
  return vectors * size(extents.slice(kernel.parallel)) * (topological(roots).length + 30 * functions)
}

/**
 * Emits a launch whose `straightCost` is finite. Every element is computed as the kernel's loops would: the same operations in the same
 * order, so that it makes no difference which of the two ran.
 */
export function emitStraight(
  f: FunctionBuilder,
  kernel: LoopKernel,
  launch: LoopLaunch,
  bases: readonly Base[],
  env: EmitEnvironment,
): void {
  new StraightCode(f, kernel, launch, bases, env).emit()
}

const lanes = 4
const longestRow = 32

class StraightCode {
  private readonly f: FunctionBuilder
  private readonly kernel: LoopKernel
  private readonly launch: LoopLaunch
  private readonly bases: readonly Base[]
  private readonly plan: LoopPlan
  private readonly code: ExprCode
  /** The indices along all axes of the points in work, at most four. */
  private points: readonly (readonly number[])[] = []

  constructor(
    f: FunctionBuilder,
    kernel: LoopKernel,
    launch: LoopLaunch,
    bases: readonly Base[],
    env: EmitEnvironment,
  ) {
    this.f = f
    this.kernel = kernel
    this.launch = launch
    this.bases = bases
    this.plan = new LoopPlan(kernel, loopLayout(kernel))
    const once = { ...env, relaxedMadd: false }
    this.code = new ExprCode(f, env, {
      varies: (e) => e.op !== 'const',
      leaf: (e) => ({ operands: [], code: () => this.leaf(e) }),
      // What is equal in a kernel's lanes is computed there by scalar instructions.
      environment: (e) => (this.plan.varies(e) ? env : once),
    })
  }

  emit(): void {
    const { extents } = this.launch
    const parallel = indices(extents.slice(0, this.kernel.parallel))
    for (let p = 0; p < parallel.length; p += lanes) {
      this.code.scope(() => {
        for (const stage of this.plan.stages) this.stage(stage, parallel.slice(p, p + lanes))
      })
    }
    this.code.prologue.finish()
  }

  private stage(stage: PlannedStage, points: readonly (readonly number[])[]): void {
    const { f, code, kernel } = this
    if (!stage.loop) {
      this.points = points
      this.evaluate(stage, () => {})
      return
    }
    const partials = stage.reductions.map(() => new Map<number, number>())
    for (const [element, inner] of indices(this.launch.extents.slice(kernel.parallel)).entries()) {
      this.points = points.map((point) => [...point, ...inner])
      this.evaluate(stage, (i) => {
        const { op, value } = stage.reductions[i]
        const place = this.partialOf(stage, element)
        let partial = partials[i].get(place)
        if (partial === undefined) {
          partial = code.locals.take('v128')
          partials[i].set(place, partial)
          f.get(code.vectorConstant(neutralOf(op, value.type)))
        } else f.get(partial)
        combineVectors(f, op, value.type)
        f.set(partial)
      })
    }
    stage.reductions.forEach(({ op, value, accumulator }, i) => {
      const result = this.fold(partials[i], () => combineVectors(f, op, value.type))
      if (result === undefined) f.get(code.vectorConstant(neutralOf(op, value.type)))
      else f.get(result)
      const local = result ?? code.locals.take('v128')
      f.set(local)
      for (const reader of this.readers(accumulator, value.type)) code.bind(reader, 4, -1, local)
    })
  }

  /** The number of the partial result, lane by lane of vector after vector, that the kernel's loops add this element to. */
  private partialOf(stage: PlannedStage, element: number): number {
    const { plan } = this
    if (plan.width === 1 || plan.laneIsParallel) return 0
    const extent = this.launch.extents[this.launch.extents.length - 1]
    const count = lanes * copiesOf(plan, [stage])
    const index = element % extent
    return index < extent - (extent % count) ? index % count : index % lanes
  }

  /** Joins partial results in the kernel's order: vectors first, then lanes. */
  private fold(partials: ReadonlyMap<number, number>, combine: () => void): number | undefined {
    const { f } = this
    const parts = new Map(partials)
    const join = (a: number, b: number): void => {
      const [first, second] = [parts.get(a), parts.get(b)]
      if (second === undefined) return
      if (first === undefined) parts.set(a, second)
      else {
        f.get(first).get(second)
        combine()
        f.set(first)
      }
    }
    const vectors = Math.ceil((Math.max(-1, ...parts.keys()) + 1) / lanes)
    for (let stride = 1; stride < vectors; stride *= 2) {
      for (let i = 0; i + stride < vectors; i += 2 * stride) {
        for (let lane = 0; lane < lanes; lane++) join(lanes * i + lane, lanes * (i + stride) + lane)
      }
    }
    for (let distance = lanes / 2; distance >= 1; distance /= 2) {
      for (let lane = 0; lane < distance; lane++) join(lane, lane + distance)
    }
    return parts.get(0)
  }

  /** Reductions and stores at the points in work; `reduce` takes the value of reduction i from the stack. All values come before the first store. */
  private evaluate(stage: PlannedStage, reduce: (i: number) => void): void {
    const { f, code } = this
    const roots = [...stage.reductions.map((r) => r.value), ...stage.stores.map((s) => s.value)]
    const values: number[] = []
    code.emit(
      roots.map((e) => ({ e, width: 4 })),
      (i) => {
        if (i < stage.reductions.length) {
          reduce(i)
          return
        }
        const local = code.locals.take('v128')
        f.set(local)
        values.push(local)
      },
    )
    stage.stores.forEach(({ access }, i) => {
      this.store(access, values[i])
      code.locals.give(values[i])
    })
  }

  private leaf(e: Expr): void {
    if (e.op === 'load') this.load(e.value)
    else if (e.op === 'index') this.f.v128(Int32Array.from(this.inLanes((point) => point[e.value])))
    else throw new Error(`wasm: ${e.op} ${e.value} is not available here`)
  }

  /** Something of each lane's point; lanes without one have that of the last. */
  private inLanes<T>(of: (point: readonly number[]) => T): T[] {
    const { points } = this
    return Array.from({ length: lanes }, (_, lane) => of(points[Math.min(lane, points.length - 1)]))
  }

  /** The byte offset of an access at a point, or nothing out of bounds. */
  private place(a: number, point: readonly number[]): number | undefined {
    const { dtype, bounded } = this.kernel.accesses[a]
    const { offset, strides, low, high } = this.launch.accesses[a]
    const isInside = bounded.every(
      (b, axis) => !b || axis >= point.length || (point[axis] >= low[axis] && point[axis] < high[axis]),
    )
    if (!isInside) return undefined
    return dtypes[dtype].bytes * point.reduce((sum, index, axis) => sum + index * strides[axis], offset)
  }

  private load(a: number): void {
    const { f, code } = this
    const { dtype, fill } = this.kernel.accesses[a]
    const { bytes, scalar } = dtypes[dtype]
    const places = this.inLanes((point) => this.place(a, point))
    const [first] = places
    const isWhole = first !== undefined
    if (bytes === 4 && isWhole && places.every((place) => place === first))
      f.get(this.address(a)).memory('v128.load32_splat', this.at(a, first))
    else if (bytes === 4 && isWhole && places.every((place, lane) => place === first + 4 * lane)) {
      f.get(this.address(a)).memory('v128.load', this.at(a, first))
    } else {
      const result = code.locals.take('v128')
      const type = scalar === 'bool' ? 'i32' : scalar
      const outside = scalar === 'bool' ? Number(fill !== 0) : fill
      f.get(code.vectorConstant({ op: 'const', type, args: [], value: outside })).set(result)
      places.forEach((place, lane) => {
        if (place === undefined) return
        if (bytes === 4) f.get(this.address(a)).get(result).laneMemory('v128.load32_lane', lane, this.at(a, place))
        else
          f.get(result).get(this.address(a)).memory('i32.load8_u', this.at(a, place)).lane('i32x4.replace_lane', lane)
        f.set(result)
      })
      f.get(result)
      code.locals.give(result)
    }
    if (dtype === 'bool') f.get(code.vectorConstant({ op: 'const', type: 'i32', args: [], value: 0 })).op('i32x4.ne')
  }

  private store(a: number, value: number): void {
    const { f } = this
    const { dtype } = this.kernel.accesses[a]
    const places = this.points.map((point) => this.place(a, point))
    const [first] = places
    const isRun =
      places.length === lanes && first !== undefined && places.every((place, lane) => place === first + 4 * lane)
    if (isRun && dtypes[dtype].bytes === 4) {
      f.get(this.address(a)).get(value).memory('v128.store', this.at(a, first))
      return
    }
    places.forEach((place, lane) => {
      if (place !== undefined) this.storeLane(a, dtype, value, lane, this.at(a, place))
    })
  }

  private storeLane(a: number, dtype: DType, value: number, lane: number, at: number): void {
    const { f } = this
    f.get(this.address(a)).get(value)
    if (dtypes[dtype].bytes === 4) f.laneMemory('v128.store32_lane', lane, at)
    else {
      f.lane('i32x4.extract_lane', lane)
      if (dtype === 'bool') f.i32(1).op('i32.and')
      f.memory('i32.store8', at)
    }
  }

  /** The local of the address that an access counts from. */
  private address(a: number): number {
    const { local } = this.bases[this.launch.accesses[a].buffer]
    return local ?? this.code.prologue.define('zero', 'i32', () => this.f.i32(0))
  }
  private at(a: number, place: number): number {
    return this.bases[this.launch.accesses[a].buffer].bytes + place
  }

  private readers(id: number, type: Expr['type']): Set<Expr> {
    const nodes = this.plan.stages.flatMap((s) => [...this.plan.reachable(s)])
    return new Set(nodes.filter((e) => e.op === 'accumulator' && e.value === id && e.type === type))
  }
}

/** All indices of a space, the last axis fastest. */
function indices(extents: readonly number[]): number[][] {
  return extents.reduce<number[][]>(
    (before, extent) => before.flatMap((index) => Array.from({ length: extent }, (_, i) => [...index, i])),
    [[]],
  )
}
