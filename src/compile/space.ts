// Iteration spaces: how shapes refine them, and how views look from their axes.

import { contiguousStrides, type Dims, sameShape, sizeOf } from '../graph/shape.ts'
import { matchShapes, reshapeView, type View } from './view.ts'

export type Level = 'element' | 'row'

/** An iteration space; `reduced` marks the axes that reductions run over. */
export interface Space {
  readonly domain: Dims
  readonly reduced: readonly boolean[]
}

/** The parallel part of a domain. */
export function rowShape(domain: Dims, reduced: readonly boolean[]): number[] {
  const rows: number[] = []
  for (let axis = 0; axis < domain.length; axis++) if (!reduced[axis]) rows.push(domain[axis])
  return rows
}

/** Strides of a contiguous array of rows, 0 along reduced axes. */
export function rowStrides(domain: Dims, reduced: readonly boolean[]): number[] {
  const strides = contiguousStrides(rowShape(domain, reduced))
  let next = 0
  return domain.map((_, axis) => (reduced[axis] ? 0 : (strides[next++] as number)))
}

/** The space with its axes split so that they match the finer shape, or undefined when that shape does not refine it. */
export function refine(space: Space, finer: Dims): Space | undefined {
  if (sameShape(space.domain, finer)) return space
  const pieces = matchShapes(space.domain, finer)
  if (!pieces) return undefined
  const reduced = finer.map(() => false)
  for (const { from, to } of pieces) {
    const real = from.filter((a) => space.domain[a] !== 1)
    if (real.length > 1) return undefined
    if (real.length === 1)
      for (const a of to) reduced[a] = (space.reduced[real[0] as number] as boolean) && finer[a] !== 1
  }
  return { domain: finer, reduced }
}

/**
 * How the view of an operand looks from a group's loop axes: strides over the whole domain (element level) or over its
 * rows, spread over the domain with 0 along reduced axes. Undefined when no strides express it.
 */
export function seenFrom(group: Space, level: Level, view: View): View | undefined {
  if (level === 'element') return reshapeView(view, group.domain)
  const rows = reshapeView(view, rowShape(group.domain, group.reduced))
  if (!rows) return undefined
  let next = 0
  const place = group.reduced.map((r) => (r ? -1 : next++))
  return {
    ...rows,
    shape: group.domain,
    strides: place.map((p) => (p < 0 ? 0 : (rows.strides[p] as number))),
    bounds: place.map((p) => (p < 0 ? undefined : rows.bounds[p])),
  }
}

/** True when a view, seen from the loop axes, reads exactly the value that the group computes at the same point. */
export function readsSamePoint(group: Space, level: Level, seen: View): boolean {
  const { domain, reduced } = group
  if (seen.offset !== 0) return false
  let points = 1
  for (let axis = domain.length - 1; axis >= 0; axis--) {
    if (seen.bounds[axis]) return false
    const isInside = level === 'element' || !reduced[axis]
    if (domain[axis] !== 1 && seen.strides[axis] !== (isInside ? points : 0)) return false
    if (isInside) points *= domain[axis]
  }
  return sizeOf(seen.base.shape) === points
}
