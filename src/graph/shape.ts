// Shapes: sizes, strides, broadcasting and axis arithmetic, with the sentences that users read when they don't fit.

import { type Names, namesOf, renamed, withNames } from './names.ts'
import { misfit, mistake } from './refuse.ts'

export type Dims = readonly number[]

// These two are asked of every node, and in a first step they are interpreted: no closures.
export function sizeOf(shape: Dims): number {
  let size = 1
  for (let axis = 0; axis < shape.length; axis++) size *= shape[axis] as number
  return size
}

export function sameShape(a: Dims, b: Dims): boolean {
  if (a === b) return true
  if (a.length !== b.length) return false
  for (let axis = 0; axis < a.length; axis++) if (a[axis] !== b[axis]) return false
  return true
}

/** A shape as errors print it: [batch=64, 784], or [64, 784] where the axes have no names. */
export function show(shape: Dims): string {
  const names = namesOf(shape)
  return `[${shape.map((extent, axis) => (names?.[axis] === undefined ? extent : `${names[axis]}=${extent}`)).join(', ')}]`
}

/** Refuses what is no shape. */
export function checkShape(shape: Dims): void {
  if (!Array.isArray(shape))
    throw mistake(`shape ${String(shape)}: it must be a list of extents, as [${String(shape)}]`)
  for (const extent of shape) {
    if (!(Number.isInteger(extent) && extent >= 0)) throw misfit(`shape ${show(shape)}: extents must be integers ≥ 0`)
  }
}

/** Row-major strides in elements. */
export function contiguousStrides(shape: Dims): number[] {
  const strides = new Array<number>(shape.length)
  let stride = 1
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride
    stride *= shape[axis] as number
  }
  return strides
}

/** The shape that both broadcast to, right aligned, as NumPy does. */
export function broadcastShapes(a: Dims, b: Dims, what = 'broadcast'): Dims {
  const rank = Math.max(a.length, b.length)
  const out = new Array<number>(rank)
  for (let i = 1; i <= rank; i++) {
    const x = a[a.length - i] ?? 1
    const y = b[b.length - i] ?? 1
    if (x !== y && x !== 1 && y !== 1) {
      throw misfit(`${what}: cannot broadcast ${show(a)} with ${show(b)}: ${x} is not ${y}, and neither is 1`)
    }
    out[rank - i] = x === 1 ? y : x
  }
  const [namesA, namesB] = [namesOf(a), namesOf(b)]
  if (!namesA && !namesB) return out
  const name = (names: Names | undefined, axis: number): string | undefined => names?.[names.length - rank + axis]
  return withNames(
    out,
    out.map((_, axis) => name(namesA, axis) ?? name(namesB, axis)),
  )
}

/** An axis counted from either end as one counted from the front. */
export function normalizeAxis(axis: number, rank: number, what: string): number {
  const a = axis < 0 ? axis + rank : axis
  if (!Number.isInteger(axis) || a < 0 || a >= rank) {
    const remedy = rank === 0 ? 'a scalar has no axes' : `use an integer from ${-rank} to ${rank - 1}`
    throw misfit(`${what}: axis ${axis} is out of range for rank ${rank}: ${remedy}`)
  }
  return a
}

/** Sorted, distinct axes counted from the front; all of them when none are given. */
export function normalizeAxes(axes: number | Dims | undefined, rank: number, what: string): number[] {
  if (axes === undefined) return Array.from({ length: rank }, (_, i) => i)
  const list = (typeof axes === 'number' ? [axes] : axes).map((a) => normalizeAxis(a, rank, what))
  const distinct = [...new Set(list)].sort((a, b) => a - b)
  if (distinct.length !== list.length) throw misfit(`${what}: axes ${show(list)} name an axis twice`)
  return distinct
}

/** start, stop and step of one axis, as Python's slices; null leaves an end open. */
export type Range = readonly [start?: number | null, stop?: number | null, step?: number]

/** The elements that a range takes from an axis; ends outside of it are moved to its ends. */
export function resolveRange(range: Range, extent: number): { start: number; size: number; step: number } {
  const [from, to, step = 1] = range
  if ([from ?? 0, to ?? 0, step].some((n) => !Number.isInteger(n)) || step === 0) {
    throw misfit(`slice: [${range.join(', ')}] must be integers, with a step other than 0`)
  }
  const [low, high] = step > 0 ? [0, extent] : [-1, extent - 1]
  const clip = (v: number): number => Math.max(low, Math.min(high, v < 0 ? v + extent : v))
  const start = from === null || from === undefined ? (step > 0 ? low : high) : clip(from)
  const stop = to === null || to === undefined ? (step > 0 ? high : low) : clip(to)
  const size = Math.max(0, Math.ceil((stop - start) / step))
  return { start: size === 0 ? 0 : start, size, step }
}

/** A shape in which one extent may be −1, to be worked out from the number of elements. */
export function resolveShape(shape: Dims, from: Dims): Dims {
  const open = shape.indexOf(-1)
  const size = sizeOf(from)
  const rest = sizeOf(shape.filter((_, i) => i !== open))
  const extent = rest === 0 ? 0 : size / rest
  const fits = shape.every((d, i) => i === open || (Number.isInteger(d) && d >= 0))
  if (!fits || (open < 0 ? rest !== size : !Number.isInteger(extent) || (rest === 0 && size > 0))) {
    throw misfit(`reshape: ${show(from)} with ${size} elements does not fit ${show(shape)}`)
  }
  return renamed(
    shape.map((d, i) => (i === open ? extent : d)),
    shape,
    [...shape.keys()],
  )
}

export function without(shape: Dims, axes: Dims): Dims {
  const rest = [...shape.keys()].filter((axis) => !axes.includes(axis))
  return renamed(
    rest.map((axis) => shape[axis] as number),
    shape,
    rest,
  )
}

/** The shape with the given axes kept as 1. */
export const keepAxes = (shape: Dims, axes: Dims): Dims =>
  renamed(
    shape.map((d, axis) => (axes.includes(axis) ? 1 : d)),
    shape,
    shape.map((_, axis) => (axes.includes(axis) ? undefined : axis)),
  )

/** Visits every index of a shape in row-major order; the array is reused. */
export function forEachIndex(shape: Dims, visit: (index: readonly number[], position: number) => void): void {
  const total = sizeOf(shape)
  const index = new Array<number>(shape.length).fill(0)
  for (let position = 0; position < total; position++) {
    visit(index, position)
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis] = (index[axis] as number) + 1
      if ((index[axis] as number) < (shape[axis] as number)) break
      index[axis] = 0
    }
  }
}

/** Σ index·stride. */
export function dotIndex(index: Dims, strides: Dims): number {
  let sum = 0
  for (let i = 0; i < index.length; i++) sum += (index[i] as number) * (strides[i] as number)
  return sum
}
