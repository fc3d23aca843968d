// Lowering groups to loop kernels: maps, reductions, row kernels, assembly of parts, and scatters.

import { dtypes } from '../graph/dtype.ts'
import { isOp, type Node } from '../graph/node.ts'
import { contiguousStrides, type Dims, sizeOf } from '../graph/shape.ts'
import * as s from '../scalar/expr.ts'
import type { Layout } from './alike.ts'
import { GroupExpressions, type Load } from './expression.ts'
import { levelOf } from './fit.ts'
import type { Group } from './group.ts'
import { type Built, launchOf, type Target } from './launch.ts'
import { rowStrides } from './space.ts'
import type { Unit, UnitLaunch } from './unit.ts'
import { resolve, wholeView } from './view.ts'

export function lowerLoop(group: Group, { grouping, stored, parts }: Layout): Unit {
  const expressions = new GroupExpressions(group, grouping, stored)
  const sweeps = group.reduced.includes(true)
  const targets = group.nodes
    .filter((n) => stored.has(n))
    .map((node): Target => {
      const { expr, ...found } = expressions.value(node)
      const level = levelOf(node, group, grouping.classOf(node))
      const row = level === 'row' || !sweeps
      const stage = row ? -1 : found.stage
      const part = parts.get(node)
      if (part) {
        const { base, strides, offset } = part
        return { node: base, dtype: node.dtype, strides, offset, value: expr, stage, mode: 'set' }
      }
      const strides = level === 'row' ? rowStrides(group.domain, group.reduced) : contiguousStrides(group.domain)
      return { node, dtype: node.dtype, strides, offset: 0, value: expr, stage, mode: 'set' }
    })
  return unitOf([launchOf(group.domain, group.reduced, expressions, targets)])
}

/** concat and dilation: each part that is not there already is read through its view and written to its place. */
export function lowerAssemble(group: Group, { grouping, stored, parts }: Layout): Unit[] {
  const node = group.nodes[0] as Node
  const { base: whole, strides, offset: first } = parts.get(node) ?? wholeView(node)
  const units: Unit[] = []
  if (isOp(node, 'pad')) units.push(fill(node, node.attributes.value))
  let start = 0
  const made = node.inputs.flatMap((part): Built[] => {
    if (sizeOf(part.shape) === 0) return []
    if (parts.has(resolve(part).base) && isOp(node, 'concat')) {
      start += part.shape[node.attributes.axis] as number
      return []
    }
    const space = { ...group, domain: part.shape, reduced: part.shape.map(() => false) }
    const expressions = new GroupExpressions(space, grouping, stored)
    const value = expressions.operand(resolve(part), 'element').expr
    let offset = first
    let steps: Dims = strides
    if (isOp(node, 'concat')) {
      offset += start * (strides[node.attributes.axis] as number)
      start += part.shape[node.attributes.axis] as number
    } else if (isOp(node, 'pad')) {
      const { low, interior } = node.attributes
      steps = strides.map((stride, a) => stride * ((interior[a] as number) + 1))
      offset += strides.reduce((sum, stride, a) => sum + stride * (low[a] as number), 0)
    }
    const target: Target = { node: whole, dtype: node.dtype, strides: steps, offset, value, stage: -1, mode: 'set' }
    return [launchOf(part.shape, space.reduced, expressions, [target])]
  })
  if (made.length > 0) units.push(unitOf(made))
  return units
}

/** scatterAdd: zeros, then every update is added at its place, in order; columns in parallel. */
export function lowerScatter(group: Group, { grouping, stored }: Layout): Unit[] {
  const node = group.nodes[0] as Node
  const [indices, updates] = node.inputs as [Node, Node]
  const { axis, length } = node.attributes as { axis: number; length: number }
  const own = node.op === 'scatterAdd' ? indices.shape.length : 1
  if (sizeOf(updates.shape) === 0) return [fill(node, 0)]
  const domain = updates.shape
  const reduced = domain.map((_, a) => a >= axis && a < axis + own)
  const strides = contiguousStrides(node.shape)
  const space = { ...group, domain, reduced }
  const expressions = new GroupExpressions(space, grouping, stored)
  const at = resolve(indices)
  const seenIndices =
    node.op === 'scatterAdd'
      ? {
          ...at,
          shape: domain,
          strides: domain.map((_, a) => (reduced[a] ? (at.strides[a - axis] as number) : 0)),
          bounds: domain.map((_, a) => (reduced[a] ? at.bounds[a - axis] : undefined)),
        }
      : at
  const rows = expressions.operand(seenIndices, 'element').expr
  const value = expressions.operand(resolve(updates), 'element').expr
  const outside = [...strides.slice(0, axis), ...new Array<number>(own).fill(0), ...strides.slice(axis + 1)]
  const target: Target = {
    node,
    dtype: node.dtype,
    strides: outside,
    offset: 0,
    value,
    stage: 0,
    mode: 'add',
    indirect: { rows, stride: strides[axis] as number, extent: length },
  }
  return [fill(node, 0), unitOf([launchOf(domain, reduced, expressions, [target])])]
}

/** A copy of one buffer to another of the same size. */
export function lowerCopy(from: Node, to: Node): Unit {
  const size = sizeOf(from.shape)
  const expressions = { loads: [] as Load[], waits: [], reductions: [], positions: [] }
  expressions.loads.push({
    base: from,
    view: { base: from, shape: [size], strides: [1], offset: 0, bounds: [undefined], fill: 0 },
  })
  const value = s.load(dtypes[from.dtype].scalar, 0)
  const built = launchOf([size], [false], expressions, [
    { node: to, dtype: to.dtype, strides: [1], offset: 0, value, stage: -1, mode: 'set' },
  ])
  return { ...collect([built]), order: 1, scattered: new Set() }
}

function fill(node: Node, number: number): Unit {
  const size = sizeOf(node.shape)
  const value = s.constant(dtypes[node.dtype].scalar, number)
  const built = launchOf([size], [false], { loads: [], waits: [], reductions: [], positions: [] }, [
    { node, dtype: node.dtype, strides: [1], offset: 0, value, stage: -1, mode: 'set' },
  ])
  return { ...collect([built]), order: 0, scattered: new Set() }
}

function unitOf(launches: readonly Built[]): Unit {
  return { ...collect(launches), order: 1, scattered: new Set(launches.flatMap((l) => [...l.scattered])) }
}

/** Joins launches; each keeps its own buffer numbers, shifted to the joint list. */
function collect(launches: readonly Built[]): Omit<Unit, 'order' | 'scattered'> {
  const buffers: Node[] = []
  const shifted = launches.map(({ kernel, launch, buffers: own }): UnitLaunch => {
    const base = buffers.length
    buffers.push(...own)
    if (launch.kind !== 'loop') return { kernel, launch }
    return { kernel, launch: { ...launch, accesses: launch.accesses.map((a) => ({ ...a, buffer: a.buffer + base })) } }
  })
  return {
    launches: shifted,
    buffers,
    reads: new Set(launches.flatMap((l) => [...l.reads])),
    writes: new Set(launches.flatMap((l) => [...l.writes])),
  }
}
