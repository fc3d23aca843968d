// Launches: one loop kernel and its run-time numbers from expressions over an iteration space and the places they are written to.

import type { DType } from '../graph/dtype.ts'
import type { Node } from '../graph/node.ts'
import { type Dims, sizeOf } from '../graph/shape.ts'
import type {
  Access,
  AccessArguments,
  LoopKernel,
  LoopLaunch,
  Reduction,
  Stage,
  Store,
  StrideClass,
} from '../kernel/loop.ts'
import * as s from '../scalar/expr.ts'
import { type Expr, rewrite } from '../scalar/expr.ts'
import type { Load } from './expression.ts'
import { readsSamePoint } from './space.ts'
import type { UnitLaunch } from './unit.ts'

/** Where a value is written: strides over the domain. */
export interface Target {
  readonly node: Node
  readonly dtype: DType
  readonly strides: Dims
  readonly offset: number
  readonly value: Expr
  /** The sweep after which, or in which, it is written; −1: once per row, at the end. */
  readonly stage: number
  readonly mode: 'set' | 'add'
  readonly indirect?: Load['indirect']
}

/** A launch whose buffer numbers index `buffers`. */
export interface Built extends UnitLaunch {
  readonly buffers: readonly Node[]
  readonly reads: ReadonlySet<Node>
  readonly writes: ReadonlySet<Node>
  readonly scattered: ReadonlySet<Node>
}

/** What the expressions of a launch refer to by number, and what it waits for. */
export interface Parts {
  readonly loads: readonly Load[]
  readonly waits: Iterable<Node>
  readonly reductions: readonly { readonly op: Reduction['op']; readonly value: Expr; readonly stage: number }[]
  readonly positions: readonly Dims[]
}

/** One kernel and its launch from expressions over a domain. */
export function launchOf(domain: Dims, reduced: readonly boolean[], parts: Parts, targets: readonly Target[]): Built {
  const { loads, positions } = parts
  // Only reductions whose results are used; later ones may use earlier ones, and so may the rows that a load picks.
  const used = new Set<number>()
  const picking = new Set<number>()
  const mark = (e: Expr): void => {
    for (const x of s.topological([e])) {
      const rows = x.op === 'load' && !picking.has(x.value) ? loads[x.value]?.indirect?.rows : undefined
      if (rows) {
        picking.add(x.value)
        mark(rows)
      }
      if (x.op !== 'accumulator' || used.has(x.value)) continue
      used.add(x.value)
      mark((parts.reductions[x.value] as { value: Expr }).value)
    }
  }
  for (const t of targets) {
    mark(t.value)
    if (t.indirect) mark(t.indirect.rows)
  }
  const reductions = [...used].sort((a, b) => a - b)

  const usedPositions = new Set<number>()
  /** Adds the loads that expressions make, and those that say where others read. */
  const addLoads = (roots: readonly Expr[], found: Set<number>): void => {
    for (const x of s.topological(roots)) {
      if (x.op === 'index') usedPositions.add(x.value)
      if (x.op !== 'load' || found.has(x.value)) continue
      found.add(x.value)
      const { indirect } = loads[x.value] as Load
      if (indirect) addLoads([indirect.rows], found)
    }
  }
  const usedLoads = new Set<number>()
  const roots = [
    ...targets.flatMap(({ value, indirect, stage }) => [
      { value, stage },
      ...(indirect ? [{ value: indirect.rows, stage }] : []),
    ]),
    ...reductions.map((r) => parts.reductions[r] as { value: Expr; stage: number }),
  ]
  addLoads(
    roots.map(({ value }) => value),
    usedLoads,
  )

  // Axes: parallel ones first; neighbours that every access walks as one are merged.
  const walks: Walk[] = [
    ...[...usedLoads]
      .map((l) => (loads[l] as Load).view)
      .map((v) => ({ strides: v.strides, bounded: v.bounds.map((b) => b !== undefined) })),
    ...[...usedPositions].map((p) => ({ strides: positions[p] as Dims, bounded: domain.map(() => false) })),
    ...targets.map((t) => ({ strides: t.strides, bounded: domain.map(() => false) })),
  ]
  const axes = mergeAxes(domain, reduced, walks, reductions.length > 0)
  const parallelAxes = lanesLast(
    axes.filter((a) => !a.reduced),
    walks,
  )
  const reduceAxes = axes.filter((a) => a.reduced)
  const all = [...parallelAxes, ...reduceAxes]
  const vector = chooseVector(domain, reduced, parallelAxes.length, reduceAxes.length, all, targets, loads, usedLoads)

  // Expressions with final numbers.
  const loadNumber = new Map<number, number>()
  const accesses: Access[] = []
  const args: AccessArguments[] = []
  const buffers: Node[] = []
  const bufferOf = (node: Node): number => {
    const known = buffers.indexOf(node)
    return known >= 0 ? known : buffers.push(node) - 1
  }
  const memo = new Map<Expr, Expr>()
  const final = (e: Expr): Expr =>
    rewrite(
      e,
      (x) => {
        if (x.op === 'load') return s.load(x.type, addLoad(x.value))
        if (x.op === 'index') return positionOf(positions[x.value] as Dims)
        if (x.op === 'accumulator') return s.accumulator(x.type, reductions.indexOf(x.value))
        return x
      },
      memo,
    )
  const positionOf = (strides: Dims): Expr => {
    const terms = all.flatMap((axis, i) => {
      const stride = along(strides, axis)
      return stride === 0 ? [] : [stride === 1 ? s.index(i) : s.mul(s.index(i), s.constant('i32', stride))]
    })
    return terms.length === 0 ? s.constant('i32', 0) : terms.reduce((a, b) => s.add(a, b))
  }
  const addAccess = (
    base: Node,
    dtype: DType,
    strides: Dims,
    offset: number,
    bounds: readonly (readonly [number, number] | undefined)[],
    fillValue: number,
    indirect: Load['indirect'],
  ): number => {
    const steps = all.map((axis) => along(strides, axis))
    const edges = all.map((axis) => (axis.last < 0 ? undefined : bounds[axis.last]))
    const access: Access = {
      dtype,
      strides: steps.map((step): StrideClass => (step === 0 ? 'zero' : step === 1 ? 'unit' : 'any')),
      bounded: edges.map((b) => b !== undefined),
      fill: fillValue,
      ...(indirect ? { indirect: final(indirect.rows) } : {}),
    }
    accesses.push(access)
    args.push({
      buffer: bufferOf(base),
      offset,
      strides: steps,
      low: edges.map((b) => b?.[0] ?? 0),
      high: edges.map((b, i) => b?.[1] ?? (all[i] as MergedAxis).extent),
      indirectStride: indirect?.stride ?? 0,
      indirectExtent: indirect?.extent ?? 0,
    })
    return accesses.length - 1
  }
  const reads = new Set<Node>(parts.waits)
  const addLoad = (number: number): number => {
    const known = loadNumber.get(number)
    if (known !== undefined) return known
    const { base, view, indirect } = loads[number] as Load
    reads.add(base)
    const made = addAccess(base, base.dtype, view.strides, view.offset, view.bounds, view.fill, indirect)
    loadNumber.set(number, made)
    return made
  }

  const stages: Stage[] = []
  const depth = Math.max(
    -1,
    ...reductions.map((r) => (parts.reductions[r] as { stage: number }).stage),
    ...targets.map((t) => t.stage),
  )
  const storeOf = (t: Target): Store => {
    const value = final(t.value)
    const wrapped = t.dtype === 'bool' && value.type !== 'bool' ? s.convert('bool', value) : value
    return {
      access: addAccess(
        t.node,
        t.dtype,
        t.strides,
        t.offset,
        t.strides.map(() => undefined),
        0,
        t.indirect,
      ),
      value: wrapped,
      mode: t.mode,
    }
  }
  for (let stage = 0; stage <= depth; stage++) {
    const own = reductions.filter((r) => (parts.reductions[r] as { stage: number }).stage === stage)
    const stores = targets.filter((t) => t.stage === stage)
    if (own.length === 0 && stores.length === 0) continue
    stages.push({
      loop: true,
      reductions: own.map((r) => {
        const { op, value } = parts.reductions[r] as { op: Reduction['op']; value: Expr }
        return { op, value: final(value), accumulator: reductions.indexOf(r) }
      }),
      stores: stores.map(storeOf),
    })
  }
  const rowStores = targets.filter((t) => t.stage === -1)
  if (rowStores.length > 0) stages.push({ loop: false, reductions: [], stores: rowStores.map(storeOf) })

  const kernel: LoopKernel = {
    kind: 'loop',
    parallel: parallelAxes.length,
    reduce: reduceAxes.length,
    vector,
    accesses,
    stages,
  }
  const launch: LoopLaunch = {
    kind: 'loop',
    kernel: 0,
    extents: all.map((a) => a.extent),
    accesses: args,
    ...chunking(
      parallelAxes.map((a) => a.extent),
      sizeOf(reduceAxes.map((a) => a.extent)),
      vector,
    ),
  }
  const space = { domain, reduced }
  const scattered = new Set<Node>()
  for (const l of usedLoads) {
    const { base, view, indirect } = loads[l] as Load
    const point = !indirect && (readsSamePoint(space, 'element', view) || readsSamePoint(space, 'row', view))
    if (!point) scattered.add(base)
  }
  for (const base of readAfterStores()) scattered.add(base)
  return { kernel, launch, buffers, reads, writes: new Set(targets.map((t) => t.node)), scattered }

  /** What is read in a sweep after one that stores: its element has been overwritten by then, if it lies where that goes. */
  function readAfterStores(): Set<Node> {
    const sweep = (stage: number): number => (stage < 0 ? Number.POSITIVE_INFINITY : stage)
    const firstStore = Math.min(...targets.map((t) => sweep(t.stage)))
    const late = roots.filter(({ stage }) => sweep(stage) > firstStore)
    const read = new Set<number>()
    addLoads(
      late.map(({ value }) => value),
      read,
    )
    return new Set([...read].map((l) => (loads[l] as Load).base))
  }
}

/** Elements of work that are worth a chunk. */
const chunkElements = 16384

interface MergedAxis {
  readonly extent: number
  readonly reduced: boolean
  /** The innermost of the merged axes, whose stride is that of the merged one. */
  readonly last: number
  /** How many of its elements are one of this axis. */
  readonly step: number
}

/** How something in memory is walked along the axes of a domain. */
interface Walk {
  readonly strides: Dims
  readonly bounded: readonly boolean[]
}

/** The stride of a merged axis; an axis that was added for form's sake has none. */
const along = (strides: Dims, axis: MergedAxis): number =>
  axis.last < 0 ? 0 : axis.step * (strides[axis.last] as number)

function mergeAxes(domain: Dims, reduced: readonly boolean[], walks: readonly Walk[], reduces: boolean): MergedAxis[] {
  const merged: MergedAxis[] = []
  for (const kind of [false, true]) {
    let current: MergedAxis | undefined
    domain.forEach((extent, axis) => {
      if (reduced[axis] !== kind || (extent === 1 && !walks.some((w) => w.bounded[axis]))) return
      const outer = current
      const joins =
        outer !== undefined &&
        walks.every(
          (w) =>
            !w.bounded[axis] &&
            !w.bounded[outer.last] &&
            (w.strides[outer.last] as number) === (w.strides[axis] as number) * extent,
        )
      if (outer && joins) {
        current = { extent: outer.extent * extent, reduced: kind, last: axis, step: 1 }
        merged[merged.length - 1] = current
      } else {
        current = { extent, reduced: kind, last: axis, step: 1 }
        merged.push(current)
      }
    })
    // A kernel has at least one parallel axis, and reductions at least one to run over.
    const needed = !kind || reduces || reduced.includes(true)
    if (needed && !merged.some((a) => a.reduced === kind)) merged.push({ extent: 1, reduced: kind, last: -1, step: 1 })
  }
  return merged
}

/**
 * Parallel axes may run in any order: a last axis too short for vectors changes places with that of the last three along which
 * the accesses lie closest together, and with the longest of those: lanes far apart take a line of memory each. Where all three are
 * short, an axis before them gives its last block: what the block and the short axes span stays in the caches.
 */
function lanesLast(axes: MergedAxis[], walks: readonly Walk[]): MergedAxis[] {
  const last = axes.at(-1) as MergedAxis
  if (last.extent >= 4) return axes
  const spread = (axis: MergedAxis): number => walks.reduce((sum, w) => sum + Math.abs(along(w.strides, axis)), 0)
  const closest = (some: readonly MergedAxis[]): MergedAxis | undefined =>
    some.filter((a) => a.extent >= 8).sort((a, b) => spread(a) - spread(b) || b.extent - a.extent)[0]
  const near = closest(axes.slice(-3))
  if (near) return [...axes.filter((a) => a !== near), near]
  const isSplit = (a: MergedAxis): boolean =>
    spread(a) <= farthestLane * walks.length && !walks.some((w) => w.bounded[a.last])
  const far = closest(axes.slice(0, -3).filter(isSplit))
  if (!far) return axes
  const block = blockOf(far.extent)
  return [
    ...axes.map((a) => (a === far ? { ...a, extent: a.extent / block, step: a.step * block } : a)),
    { ...far, extent: block },
  ]
}

/** Elements of a block at most, and how far apart, on the average, its lanes may lie to be better than few. */
const [longestBlock, farthestLane] = [256, 16]

/** The longest block that divides an axis; where that would be too short for lanes, all of it, so that every extent has the same kernel. */
function blockOf(extent: number): number {
  let block = Math.min(extent, longestBlock)
  while (extent % block !== 0) block--
  return block < 16 ? extent : block
}

function chooseVector(
  domain: Dims,
  reduced: readonly boolean[],
  parallel: number,
  reduce: number,
  all: readonly MergedAxis[],
  targets: readonly Target[],
  loads: readonly Load[],
  used: ReadonlySet<number>,
): number {
  const scatter = targets.find((t) => t.mode === 'add')
  if (scatter) {
    const last = all[parallel - 1] as MergedAxis
    return last.extent > 1 && along(scatter.strides, last) === 1 ? parallel - 1 : -1
  }
  if (reduce === 0) return parallel - 1
  const lastParallel = all[parallel - 1] as MergedAxis
  const lastReduce = all[parallel + reduce - 1] as MergedAxis
  let lastReal = domain.length - 1
  while (lastReal > 0 && domain[lastReal] === 1) lastReal--
  if (!reduced[lastReal]) return parallel - 1
  // Row stores per element need the row loop; otherwise lanes go where the loads are contiguous.
  if (targets.some((t) => t.stage >= 0)) return parallel + reduce - 1
  const score = (axis: MergedAxis): number => {
    let good = 0
    for (const l of used) {
      const { strides } = (loads[l] as Load).view
      // What is read once per row does not matter.
      if (!all.slice(parallel).some((r) => along(strides, r) !== 0)) continue
      const stride = along(strides, axis)
      if (stride === 1) good += 1
      else if (stride !== 0) good -= 1
    }
    return Math.min(axis.extent, 4) >= 4 ? good : good - 2
  }
  return score(lastReduce) >= score(lastParallel) ? parallel + reduce - 1 : parallel - 1
}

/** How parallel iterations are numbered and cut (see LoopLaunch). */
function chunking(parallel: Dims, reduceElements: number, vector: number): { total: number; grain: number } {
  const vectorIsParallel = vector >= 0 && vector < parallel.length
  if (vectorIsParallel && parallel.length === 1) {
    const total = parallel[0] as number
    const grain = Math.ceil(chunkElements / Math.max(1, reduceElements) / 16) * 16
    return { total, grain: Math.min(grain, Math.max(16, Math.ceil(total / 16) * 16)) }
  }
  const counted = vectorIsParallel ? parallel.slice(0, -1) : parallel
  const inner = (vectorIsParallel ? (parallel.at(-1) as number) : 1) * reduceElements
  const total = sizeOf(counted)
  return { total, grain: Math.max(1, Math.min(total, Math.ceil(chunkElements / Math.max(1, inner)))) }
}
