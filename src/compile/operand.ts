// Operands: what a node reads, as views; for lookups, windows and products over axes of their own.

import { isMovement } from '../graph/movements.ts'
import { isOp, type Node } from '../graph/node.ts'
import { type Dims, forEachIndex, sizeOf } from '../graph/shape.ts'
import { groupedConvShape, type NodeClass } from './classify.ts'
import { rowShape, type Space } from './space.ts'
import { movedFrom, reshapeView, resolve, type View, viewOn, wholeView } from './view.ts'

/** What a node reads, as views. Products and contractions take no views with bounds: a padded operand is made first. */
export function operandsOf(node: Node, kind: NodeClass): View[] {
  if (kind === 'movement') return [movedFrom(node)]
  if (kind === 'lookup') return [lookedUp(node), resolve(node.inputs[1])]
  if (kind === 'control') return node.inputs.map((x) => wholeView(contents(x)))
  if (kind === 'part') return []
  return kind === 'product' || kind === 'contract' ? factors(node) : node.inputs.map(resolve)
}

/** A value with the same elements in memory: control flow reads these in order, whatever their shape. */
export function contents(x: Node): Node {
  let at = x
  while (at.op === 'reshape') at = at.inputs[0] as Node
  return isMovement(at) ? x : at
}

/** What take and takeAlong choose from: padding along the axis is made, since a row read from memory knows no bounds. */
function lookedUp(node: Node): View {
  const [x] = node.inputs
  const { axis } = node.attributes as { axis: number }
  const view = resolve(x)
  return view.bounds[axis] ? wholeView(x) : view
}

function unbounded(x: Node): View {
  const view = resolve(x)
  return view.bounds.some((b) => b) ? (onPadded(x) ?? wholeView(x)) : view
}

/** A view on what was padded, which a forward pass and its gradient can share, unless much of it would be padded in vain. */
function onPadded(x: Node): View | undefined {
  let at = x
  while (isMovement(at) && at.op !== 'pad') at = at.inputs[0] as Node
  if (at.op !== 'pad' || sizeOf(at.shape) > 1.25 * sizeOf(x.shape)) return undefined
  const view = viewOn(at, x)
  return view?.bounds.some((b) => b) ? undefined : view
}

/** The two factors of a product or correlation as they lie; the filters of the latter as [groups, outputs, channels, ...kernel]. */
function factors(node: Node): View[] {
  const [x, y] = node.inputs as [Node, Node]
  if (!isOp(node, 'conv')) return [unbounded(x), unbounded(y)]
  const { groups, seesPadding } = node.attributes
  const images = seesPadding ? resolve(x) : unbounded(x)
  const shape = [groups, (y.shape[0] as number) / groups, ...y.shape.slice(1)]
  // Groups and outputs that a reshape has joined may lie apart
  const apart = y.op === 'reshape' ? reshapeView(unbounded(y.inputs[0] as Node), shape) : undefined
  if (apart) return [images, apart]
  const joined = unbounded(y)
  const [output, ...rest] = joined.strides as [number, ...number[]]
  const strides = [output * (shape[1] as number), output, ...rest]
  return [images, { ...joined, shape, strides, bounds: [undefined, ...joined.bounds] }]
}

/** The operands of take and takeAlong over the result's axes: the array with the looked-up axis left out, and the indices. */
export function lookupViews(node: Node): [View, View] {
  const indices = node.inputs[1]
  const { axis } = node.attributes as { axis: number }
  const [source, at] = [lookedUp(node), resolve(indices)]
  if (node.op === 'takeAlong') {
    const cut = source.strides.map((s, a) => (a === axis ? 0 : s))
    return [{ ...source, shape: node.shape, strides: cut }, at]
  }
  const own = indices.shape.length
  const before = source.strides.slice(0, axis)
  const after = source.strides.slice(axis + 1)
  const none = (n: number): undefined[] => new Array<undefined>(n).fill(undefined)
  const zero = (n: number): number[] => new Array<number>(n).fill(0)
  return [
    {
      ...source,
      shape: node.shape,
      strides: [...before, ...zero(own), ...after],
      bounds: [...source.bounds.slice(0, axis), ...none(own), ...source.bounds.slice(axis + 1)],
    },
    {
      ...at,
      shape: node.shape,
      strides: [...zero(before.length), ...at.strides, ...zero(after.length)],
      bounds: [...none(before.length), ...at.bounds, ...none(after.length)],
    },
  ]
}

/** The operand of a small reduction at each of the reduced positions, as views of the result's shape. */
export function windowViews(node: Node): View[] {
  const view = resolve(node.inputs[0] as Node)
  const { axes } = node.attributes as { axes: Dims }
  const kept = view.shape.map((_, a) => a).filter((a) => !axes.includes(a))
  const views: View[] = []
  forEachIndex(
    axes.map((a) => view.shape[a] as number),
    (index) => {
      views.push({
        ...view,
        shape: node.shape,
        strides: kept.map((a) => view.strides[a] as number),
        bounds: kept.map((a) => view.bounds[a]),
        offset: view.offset + axes.reduce((sum, a, i) => sum + (index[i] as number) * (view.strides[a] as number), 0),
      })
    },
  )
  return views
}

/**
 * The operands of a product over [...outer axes, ...inner axes]. For a matrix product the outer axes are
 * [...batch, m, n] and the inner one k; for a correlation [n, group, o, ...spatial] and [c, ...kernel].
 */
export function productViews(node: Node<'matmul'> | Node<'conv'>): {
  left: View
  right: View
  outer: number
  inner: number
} {
  const [a, b] = factors(node) as [View, View]
  if (isOp(node, 'matmul')) {
    const batch = node.shape.length - 2
    const [m, n, k] = [node.shape[batch] as number, node.shape[batch + 1] as number, a.shape[batch + 1] as number]
    const shape = [...node.shape.slice(0, batch), m, n, k]
    const pick = <T>(list: readonly T[], axes: readonly (number | undefined)[], none: T): T[] =>
      axes.map((x) => (x === undefined ? none : (list[x] as T)))
    const lead = [...Array(batch).keys()]
    const left = [...lead, batch, undefined, batch + 1]
    const right = [...lead, undefined, batch + 1, batch]
    return {
      left: { ...a, shape, strides: pick(a.strides, left, 0), bounds: pick(a.bounds, left, undefined) },
      right: { ...b, shape, strides: pick(b.strides, right, 0), bounds: pick(b.bounds, right, undefined) },
      outer: batch + 2,
      inner: 1,
    }
  }
  const { strides, dilation } = (node as Node<'conv'>).attributes
  const outShape = groupedConvShape(node as Node<'conv'>)
  const kernel = (node.inputs[1] as Node).shape.slice(1)
  const [channels] = kernel as [number, ...number[]]
  const spatial = strides.length
  const none = new Array<undefined>(spatial).fill(undefined)
  const zero = new Array<number>(spatial).fill(0)
  const [sn, sc, ...sx] = a.strides as [number, number, ...number[]]
  const [wg, wo, ...wk] = b.strides as [number, number, ...number[]]
  const shape = [...outShape, ...kernel]
  const noneAll = shape.map(() => undefined)
  return {
    left: {
      ...a,
      shape,
      strides: [
        sn,
        sc * channels,
        0,
        ...sx.map((s, i) => s * (strides[i] as number)),
        sc,
        ...sx.map((s, i) => s * (dilation[i] as number)),
      ],
      bounds: noneAll,
    },
    right: {
      ...b,
      shape,
      strides: [0, wg, wo, ...zero, ...wk],
      bounds: [...none, ...noneAll].slice(0, shape.length),
    },
    outer: outShape.length,
    inner: kernel.length,
  }
}

/** The operands of a product or contraction over a group's domain, whose outer axes may be refined, followed by the inner axes. */
export function operandViews(node: Node, group: Space): { left: View; right: View } | undefined {
  const { left, right, inner } = productViews(node as Node<'matmul'> | Node<'conv'>)
  const innerShape = left.shape.slice(left.shape.length - inner)
  if (!group.reduced.includes(true)) {
    const target = [...group.domain, ...innerShape]
    const [l, r] = [reshapeView(left, target), reshapeView(right, target)]
    return l && r && { left: l, right: r }
  }
  // Over the rows and then the reduced axes; from there to the order of the domain.
  const rows = rowShape(group.domain, group.reduced)
  const target = [...rows, ...group.domain.filter((_, axis) => group.reduced[axis])]
  const [l, r] = [reshapeView(left, target), reshapeView(right, target)]
  if (!l || !r) return undefined
  let [row, sum] = [0, rows.length]
  const place = group.reduced.map((reduced) => (reduced ? sum++ : row++))
  const inOrder = (view: View): View => ({
    ...view,
    shape: group.domain,
    strides: place.map((p) => view.strides[p]),
    bounds: place.map((p) => view.bounds[p]),
  })
  return { left: inOrder(l), right: inOrder(r) }
}
