// Views: movement operations as strides over a base value, so that loads read through them and nothing is moved.

import { isMovement } from '../graph/movements.ts'
import { isOp, type Node } from '../graph/node.ts'
import { broadcastStrides } from '../graph/ops/movement.ts'
import { contiguousStrides, type Dims, sameShape, sizeOf } from '../graph/shape.ts'

/** The element at index i of the view is number offset + Σ i·stride of the base's row-major elements; outside [low, high) it is `fill`. */
export interface View {
  readonly base: Node
  readonly shape: Dims
  readonly strides: Dims
  readonly offset: number
  readonly bounds: readonly (readonly [low: number, high: number] | undefined)[]
  readonly fill: number
}

export function wholeView(base: Node): View {
  return {
    base,
    shape: base.shape,
    strides: contiguousStrides(base.shape),
    offset: 0,
    bounds: base.shape.map(() => undefined),
    fill: 0,
  }
}

/**
 * Follows movement operations down to the value they read. Where one is no view of what it reads, either it or its
 * input has to be moved for real, and becomes the base.
 */
export function resolve(node: Node): View {
  const known = resolved.get(node)
  if (known) return known
  const view = follow(node)
  resolved.set(node, view)
  return view
}

/** Views are pure functions of immutable nodes: remembered as long as the node lives. */
const resolved = new WeakMap<Node, View>()

function follow(node: Node): View {
  const chain: Node[] = []
  let at = node
  while (isMovement(at)) {
    chain.push(at)
    at = at.inputs[0] as Node
  }
  let view = wholeView(at)
  for (let i = chain.length - 1; i >= 0; i--) {
    const step = chain[i] as Node
    const next = apply(view, step)
    if (next) view = next
    else if (step.op === 'reshape' || isDilation(step)) view = wholeView(step)
    else view = apply(wholeView(step.inputs[0] as Node), step) ?? wholeView(step)
  }
  return view
}

/** The view of a node on one of the values that it moves, were that made; undefined when no strides express it. */
export function viewOn(base: Node, node: Node): View | undefined {
  if (node === base) return wholeView(base)
  const before = viewOn(base, node.inputs[0] as Node)
  return before && apply(before, node)
}

/** What a movement that has to be made real reads, in the shape in which it is read; row-major order is that of the result. */
export function movedFrom(node: Node): View {
  const input = node.inputs[0] as Node
  const view = resolve(node)
  return view.base === node ? resolve(input) : view
}

/** A pad between neighbours. */
export const isDilation = (node: Node): boolean => isOp(node, 'pad') && node.attributes.interior.some((n) => n > 0)

/** The view after one more movement, or undefined when no strides express it. */
function apply(v: View, node: Node): View | undefined {
  if (sizeOf(node.shape) === 0) return undefined
  if (isOp(node, 'reshape')) return reshapeView(v, node.shape)
  if (isOp(node, 'transpose')) {
    const { permutation } = node.attributes
    const pick = <T>(list: readonly T[]): T[] => permutation.map((p) => list[p] as T)
    return { ...v, shape: node.shape, strides: pick(v.strides), bounds: pick(v.bounds) }
  }
  if (isOp(node, 'broadcast')) {
    const lead = node.shape.length - v.shape.length
    // A bound on an axis of one element cannot be kept once the axis is repeated.
    if (v.bounds.some((b, axis) => b && node.shape[lead + axis] !== v.shape[axis])) return undefined
    const kept = broadcastStrides(v.shape, node.shape).map((s, axis) =>
      s === 0 ? 0 : (v.strides[axis - lead] as number),
    )
    return { ...v, shape: node.shape, strides: kept, bounds: node.shape.map((_, axis) => v.bounds[axis - lead]) }
  }
  if (isOp(node, 'slice')) return sliceView(v, node)
  if (isOp(node, 'windows')) {
    const { size, stride, dilation } = node.attributes
    const lead = v.shape.length - size.length
    if (v.bounds.slice(lead).some((b) => b)) return undefined
    const spatial = v.strides.slice(lead)
    return {
      ...v,
      shape: node.shape,
      strides: [
        ...v.strides.slice(0, lead),
        ...spatial.map((s, i) => s * (stride[i] as number)),
        ...spatial.map((s, i) => s * (dilation[i] as number)),
      ],
      bounds: [...v.bounds.slice(0, lead), ...size.map(() => undefined), ...size.map(() => undefined)],
    }
  }
  if (isOp(node, 'pad')) {
    const { low, interior, value } = node.attributes
    if (interior.some((n) => n > 0) || (v.bounds.some((b) => b) && v.fill !== value)) return undefined
    const padded = node.shape.map((extent, axis) => extent !== v.shape[axis])
    return {
      ...v,
      shape: node.shape,
      offset: v.offset - v.strides.reduce((sum, s, axis) => sum + s * (low[axis] as number), 0),
      fill: value,
      bounds: v.bounds.map((b, axis) => {
        const shift = low[axis] as number
        if (b) return [b[0] + shift, b[1] + shift] as const
        return padded[axis] ? ([shift, shift + (v.shape[axis] as number)] as const) : undefined
      }),
    }
  }
  return undefined
}

function sliceView(v: View, node: Node<'slice'>): View | undefined {
  const { starts, steps } = node.attributes
  const bounds = v.bounds.map((b, axis) => {
    if (!b) return undefined
    const [start, step] = [starts[axis] as number, steps[axis] as number]
    const first = (b[0] - start) / step
    const last = (b[1] - 1 - start) / step
    const [low, high] = step > 0 ? [Math.ceil(first), Math.floor(last) + 1] : [Math.ceil(last), Math.floor(first) + 1]
    return low <= 0 && high >= (node.shape[axis] as number)
      ? undefined
      : ([Math.max(low, 0), Math.max(Math.max(low, 0), high)] as const)
  })
  return {
    ...v,
    shape: node.shape,
    strides: v.strides.map((s, axis) => s * (steps[axis] as number)),
    offset: v.offset + v.strides.reduce((sum, s, axis) => sum + s * (starts[axis] as number), 0),
    bounds,
  }
}

/** The same elements under another shape, or undefined when the strides don't allow it. */
export function reshapeView(v: View, shape: Dims): View | undefined {
  if (sameShape(v.shape, shape)) return v
  const pieces = matchShapes(v.shape, shape)
  if (!pieces) return undefined
  const strides = new Array<number>(shape.length).fill(0)
  const bounds: (readonly [number, number] | undefined)[] = shape.map(() => undefined)
  for (const { from, to } of pieces) {
    // Axes of one element carry no information, neither before nor after.
    const real = from.filter((axis) => v.shape[axis] !== 1)
    const bounded = from.filter((axis) => v.bounds[axis])
    if (bounded.length > 0) {
      const target = to.filter((axis) => shape[axis] !== 1)
      const [source] = bounded
      const only = target.length > 0 ? target[0] : to[0]
      if (bounded.length > 1 || real.length > 1 || target.length > 1 || only === undefined) return undefined
      if (real.length === 1 && real[0] !== source) return undefined
      strides[only] = v.strides[source] as number
      bounds[only] = v.bounds[source]
      continue
    }
    for (let i = 0; i + 1 < real.length; i++) {
      const [outer, inner] = [real[i] as number, real[i + 1] as number]
      if (v.strides[outer] !== (v.strides[inner] as number) * (v.shape[inner] as number)) return undefined
    }
    let stride = real.length > 0 ? (v.strides[real[real.length - 1] as number] as number) : 0
    for (let i = to.length - 1; i >= 0; i--) {
      const axis = to[i] as number
      strides[axis] = stride
      stride *= shape[axis] as number
    }
  }
  return { ...v, shape, strides, bounds }
}

/** Splits two shapes of one size into the smallest runs of axes with equal products. */
export function matchShapes(a: Dims, b: Dims): { from: number[]; to: number[] }[] | undefined {
  if (sizeOf(a) !== sizeOf(b) || sizeOf(a) === 0) return undefined
  const pieces: { from: number[]; to: number[] }[] = []
  let [i, j] = [0, 0]
  while (i < a.length || j < b.length) {
    const from: number[] = []
    const to: number[] = []
    let [x, y] = [1, 1]
    do {
      if (x <= y && i < a.length && (x < y || from.length === 0 || j >= b.length)) {
        from.push(i)
        x *= a[i++] as number
      } else if (j < b.length) {
        to.push(j)
        y *= b[j++] as number
      } else {
        from.push(i)
        x *= a[i++] as number
      }
    } while (x !== y)
    pieces.push({ from, to })
  }
  return pieces
}
