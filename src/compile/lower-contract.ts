// Lowering contractions: operands as table gathers over (batch, outer, inner), and the epilogue over the finished tile.

import { isOp, type Node } from '../graph/node.ts'
import { contiguousStrides, type Dims, sizeOf } from '../graph/shape.ts'
import type { ContractKernel, ContractLaunch, Operand, TableArguments } from '../kernel/contract.ts'
import type { Store } from '../kernel/loop.ts'
import { type Table, tableOf } from '../kernel/table.ts'
import * as s from '../scalar/expr.ts'
import { type Expr, rewrite } from '../scalar/expr.ts'
import type { Layout } from './alike.ts'
import { domainOf } from './classify.ts'
import { GroupExpressions, type Load } from './expression.ts'
import type { Group } from './group.ts'
import { operandViews } from './operand.ts'
import { paddingOf } from './see-padding.ts'
import { readsSamePoint } from './space.ts'
import type { Unit } from './unit.ts'
import { matchShapes, type View, wholeView } from './view.ts'

/** What an axis of the output counts. */
type Role = 'batch' | 'm' | 'n'

/** Gives equal tables one number. */
export class Tables {
  readonly list: Table[] = []
  private readonly known = new Map<string, number>()

  of(extents: Dims, strides: Dims): number {
    const table = tableOf(extents, strides)
    const key = `${table.extents.join()}*${table.strides.join()}`
    const found = this.known.get(key)
    if (found !== undefined) return found
    this.known.set(key, this.list.length)
    return this.list.push(table) - 1
  }
}

export function lowerContract(group: Group, { grouping, stored, parts }: Layout, tables: Tables): Unit {
  const node = group.nodes.find((n) => grouping.classOf(n) === 'contract') as Node<'matmul'> | Node<'conv'>
  const views = operandViews(node, group)
  if (!views) throw new Error(`compile: the operands of ${node.op} do not fit their kernel`)
  const roles = rolesOf(node, group.domain)
  const pick = (role: Role): number[] => roles.flatMap((r, axis) => (r === role ? [axis] : []))
  const axes = { batch: pick('batch'), m: pick('m'), n: pick('n') }
  const inner = views.left.shape.map((_, a) => a).slice(group.domain.length)
  const extents = (list: Dims): number[] => list.map((a) => views.left.shape[a] as number)
  const buffers: Node[] = []
  const bufferOf = (value: Node): number => {
    const known = buffers.indexOf(value)
    return known >= 0 ? known : buffers.push(value) - 1
  }
  const reads = new Set<Node>()
  const table = (view: View, outer: Dims, within: Dims): TableArguments => {
    const of = (list: Dims): number =>
      tables.of(
        extents(list),
        list.map((a) => view.strides[a] as number),
      )
    return {
      buffer: bufferOf(view.base),
      offset: view.offset,
      batch: of(axes.batch),
      outer: of(outer),
      inner: of(within),
    }
  }

  // A correlation multiplies from the left by its weight, so that the output's contiguous axes are columns.
  const [mSide, nSide] = isOp(node, 'conv') ? [views.right, views.left] : [views.left, views.right]
  const operand = (view: View, outer: Dims): Operand => {
    reads.add(view.base)
    const lane = neighbours(view, inner) > neighbours(view, outer) ? 'inner' : 'outer'
    return { accesses: [{ dtype: view.base.dtype }], value: s.load('f32', 0), lane }
  }
  const left = operand(mSide, axes.m)
  const right = operand(nSide, axes.n)
  const leftTables = [table(mSide, axes.m, inner)]
  const rightTables = [table(nSide, axes.n, inner)]

  const expressions = new GroupExpressions(group, grouping, stored)
  const targets = group.nodes.filter((n) => stored.has(n))
  const values = targets.map((n) => expressions.value(n).expr)
  const accesses: { dtype: Node['dtype'] }[] = []
  const epilogueTables: TableArguments[] = []
  const numbers = new Map<number, number>()
  const scattered = new Set<Node>([mSide.base, nSide.base])
  const addLoad = (number: number): number => {
    const known = numbers.get(number)
    if (known !== undefined) return known
    const { base, view } = expressions.loads[number] as Load
    reads.add(base)
    if (!readsSamePoint(group, 'element', view)) scattered.add(base)
    accesses.push({ dtype: base.dtype })
    epilogueTables.push(table(view, axes.m, axes.n))
    numbers.set(number, accesses.length - 1)
    return accesses.length - 1
  }
  for (const base of expressions.waits) reads.add(base)
  const memo = new Map<Expr, Expr>()
  const final = (e: Expr): Expr => rewrite(e, (x) => (x.op === 'load' ? s.load(x.type, addLoad(x.value)) : x), memo)
  const placeOf = (target: Node): View =>
    parts.get(target) ?? { ...wholeView(target), shape: group.domain, strides: contiguousStrides(group.domain) }
  const stores = targets.map((target, i): Store => {
    const value = final(values[i] as Expr)
    accesses.push({ dtype: target.dtype })
    epilogueTables.push(table(placeOf(target), axes.m, axes.n))
    return { access: accesses.length - 1, value, mode: 'set' }
  })

  const kernel: ContractKernel = { kind: 'contract', left, right, epilogue: { accesses, stores } }
  const launch: ContractLaunch = {
    kind: 'contract',
    kernel: 0,
    batch: sizeOf(extents(axes.batch)),
    m: sizeOf(extents(axes.m)),
    n: sizeOf(extents(axes.n)),
    k: sizeOf(extents(inner)),
    left: leftTables,
    right: rightTables,
    epilogue: epilogueTables,
    ...(isOp(node, 'conv') && node.attributes.seesPadding ? { padding: paddingOf(node) } : {}),
  }
  return {
    launches: [{ kernel, launch }],
    buffers,
    reads,
    writes: new Set(targets.map((t) => placeOf(t).base)),
    order: 1,
    scattered,
  }
}

/** How many elements along these axes, row-major, lie next to each other in memory. */
function neighbours(view: View, axes: Dims): number {
  let run = 1
  for (const axis of [...axes].reverse()) {
    if (view.shape[axis] === 1) continue
    if (view.strides[axis] !== run) break
    run *= view.shape[axis]
  }
  return run
}

/** The role of each axis of the (possibly refined) output domain. */
function rolesOf(node: Node<'matmul'> | Node<'conv'>, domain: Dims): Role[] {
  const { domain: plain } = domainOf(node, 'contract')
  const original: Role[] = isOp(node, 'conv')
    ? plain.map((_, a) => (a === 1 ? 'batch' : a === 2 ? 'm' : 'n'))
    : plain.map((_, a) => (a === plain.length - 1 ? 'n' : a === plain.length - 2 ? 'm' : 'batch'))
  const roles = domain.map((): Role => 'batch')
  for (const { from, to } of matchShapes(plain, domain) ?? []) {
    const real = from.filter((a) => plain[a] !== 1)
    const source = real[0] ?? from[0]
    if (source !== undefined) for (const a of to) roles[a] = original[source] as Role
  }
  return roles
}
