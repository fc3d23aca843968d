// simplify: the same values from a smaller graph. Only such algebra as is exact in IEEE arithmetic, but for the order of long sums.

import { build, within } from '../graph/build.ts'
import { isFloat } from '../graph/dtype.ts'
import { attributesKey, changed, isControl, isOp, type Node, Numbering, type OpName } from '../graph/node.ts'
import { isPointwise } from '../graph/ops/pointwise.ts'
import { identityOf } from '../graph/ops/reduce.ts'
import { type Dims, sameShape, sizeOf, without } from '../graph/shape.ts'
import { mapGraph, wholeOrder } from '../graph/walk.ts'
import { shortenSums } from './shorten-sums.ts'
import { simplifyControl } from './simplify-control.ts'
import { splitProduct } from './split-product.ts'

/**
 * Removes what computes nothing (gradient stops, casts and moves to the same), shares equal nodes, folds constants
 * through moves, moves transposes and slices before pointwise work and slices before correlations, joins sums of disjoint pads into one concat, takes
 * sums over rows of a product over the shorter ones of another, and cuts large reductions and products of few long sums in two, so that they can
 * run in parallel in a fixed order.
 */
export function simplify(outputs: readonly Node[]): readonly Node[] {
  const equals = new Equals()
  const cleaned = pass(simplifyControl(outputs, simplify), rules, equals)
  const users = consumerCounts(cleaned)
  const pushed = shortenSums(pass(cleaned, pushMoves(users), equals, users))
  return pass(pushed, { ...rules, sum: split, prod: split, max: split, min: split, matmul: cut, conv: cut }, equals)
}

/** What takes the place of a node, whose inputs are simple already; `original` is the node before they were. */
type Rule<O extends OpName = OpName> = (node: Node<O>, original: Node) => Node
/** Rules by operation. Most nodes have none and only find their equals, so a pass costs little. */
type Rules = { readonly [O in OpName]?: Rule<O> }

/**
 * Rebuilds the graph through rules and gives equal nodes one identity. What an earlier pass found simple is passed by. In `users`,
 * what takes the place of a node gets the users that it had.
 */
function pass(outputs: readonly Node[], using: Rules, equals: Equals, users?: Map<Node, number>): readonly Node[] {
  return mapGraph(outputs, (node, inputs) => {
    const rule = using[node.op] as Rule | undefined
    const isOwn = rule !== undefined && rule !== rules[node.op]
    if (inputs === node.inputs && !isOwn && equals.simple.has(node)) return node
    const rebuilt = inputs === node.inputs ? node : changed(node, { inputs })
    const now = isEmpty(rebuilt) ? nothing : rule
    const made = equals.first(now ? within(node.scope, () => now(rebuilt, node)) : rebuilt)
    if (made === rebuilt && now === rules[node.op]) equals.simple.add(made)
    if (made !== node) users?.set(made, (users.get(made) ?? 0) + (users.get(node) ?? 0))
    return made
  }).outputs
}

/** Of equal nodes the one that came first; and those that the rules of all passes leave as they are. */
class Equals {
  readonly simple = new Set<Node>()
  private readonly known = new Map<string, Node>()
  private readonly objects = new Numbering()

  first(node: Node): Node {
    // What works element by element on others has their shape.
    const hasOwnShape = node.inputs.length === 0 || !isPointwise(node.op)
    let key = `${node.op}|${node.dtype}|${hasOwnShape ? node.shape.join() : ''}`
    for (let i = 0; i < node.inputs.length; i++) key += `|${this.objects.of(node.inputs[i] as Node)}`
    key += attributesKey(node, this.objects)
    const same = this.known.get(key)
    if (!same) this.known.set(key, node)
    return same ?? node
  }
}

const nothing: Rule = (node) => build.constant(0, node.shape, node.dtype)

/** Without elements all values are the same; kernels of others need not make room for it. The shape of loops and branches says nothing. */
const isEmpty = (node: Node): boolean =>
  sizeOf(node.shape) === 0 && !isControl(node) && !isOp(node, 'leaf') && !isOp(node, 'constant')

function consumerCounts(outputs: readonly Node[]): Map<Node, number> {
  const counts = new Map<Node, number>()
  const count = (x: Node): void => {
    counts.set(x, (counts.get(x) ?? 0) + 1)
  }
  outputs.forEach(count)
  for (const node of wholeOrder(outputs)) node.inputs.forEach(count)
  return counts
}

/** Folds arithmetic on constants, rounded as the dtype is; else what `otherwise` says. */
function folding<O extends 'add' | 'sub' | 'mul' | 'div' | 'neg'>(
  fold: (a: number, b: number) => number,
  otherwise: Rule<O> = (node) => node,
): Rule<O> {
  return (node, original) => {
    if (!isFloat(node.dtype)) return otherwise(node, original)
    const values: number[] = []
    for (const x of node.inputs) {
      if (!isOp(x, 'constant')) return otherwise(node, original)
      values.push(x.attributes.value)
    }
    const [a = 0, b = 0] = values
    const round = node.dtype === 'float32' ? Math.fround : (v: number): number => v
    return build.constant(round(fold(round(a), round(b))), node.shape, node.dtype)
  }
}

/** The input instead. */
const dropped = (node: Node): Node => node.inputs[0] as Node

/** Rules that look at one node and its inputs. */
const rules: Rules = {
  add: /* @__PURE__ */ folding((a, b) => a + b, joinPads),
  sub: /* @__PURE__ */ folding((a, b) => a - b),
  mul: /* @__PURE__ */ folding(
    (a, b) => a * b,
    (node) => {
      const [a, b] = node.inputs as [Node, Node]
      return isConstant(b, 1) ? a : isConstant(a, 1) ? b : node
    },
  ),
  div: /* @__PURE__ */ folding(
    (a, b) => a / b,
    (node) => (isConstant(node.inputs[1] as Node, 1) ? dropped(node) : node),
  ),
  neg: /* @__PURE__ */ folding(
    (a) => -a,
    (node) => (dropped(node).op === 'neg' ? dropped(dropped(node)) : node),
  ),
  stopGradient: dropped,
  custom: dropped,
  // What has not to be waited for.
  after: (node) => (isOp(node.inputs[1] as Node, 'constant') ? dropped(node) : node),
  cast: (node) => (dropped(node).dtype === node.dtype ? dropped(node) : node),
  reshape(node) {
    const x = dropped(node)
    let from = x
    while (isOp(from, 'reshape')) from = from.inputs[0] as Node
    if (sameShape(from.shape, node.shape)) return from
    return moved(from === x ? node : build.reshape(from, node.shape))
  },
  transpose(node) {
    const inner = dropped(node)
    if (!isOp(inner, 'transpose')) return moved(node)
    const order = node.attributes.permutation.map((p) => inner.attributes.permutation[p] as number)
    return build.transpose(inner.inputs[0] as Node, order)
  },
  broadcast: moved,
  slice: moved,
  sum: reduction,
  prod: reduction,
  max: reduction,
  min: reduction,
  argmax: firstOfOne,
  argmin: firstOfOne,
  matmul(node) {
    const [left, right] = node.inputs as [Node, Node]
    const inner = left.shape.at(-1)
    if (inner === 0) return build.constant(0, node.shape, node.dtype)
    if (inner !== 1) return node
    // One product per element: what squares or sums it need not store it. Only the sign of a zero may differ.
    return build.binary('mul', build.broadcast(left, node.shape), build.broadcast(right, node.shape))
  },
  conv: (node) => (dropped(node).shape[1] === 0 ? build.constant(0, node.shape, node.dtype) : node),
  concat(node) {
    const parts = node.inputs.filter((p) => sizeOf(p.shape) > 0)
    if (parts.length === 1) return parts[0] as Node
    return parts.length > 0 && parts.length < node.inputs.length ? build.node('concat', parts, node.attributes) : node
  },
}

/** The place of the only element. */
function firstOfOne(node: Node<'argmax'> | Node<'argmin'>): Node {
  const { shape } = dropped(node)
  return node.attributes.axes.every((a) => shape[a] === 1) ? build.constant(0, node.shape, 'int32') : node
}

const isConstant = (node: Node, value: number): boolean => isOp(node, 'constant') && node.attributes.value === value

/** Constants and index arrays absorb moves. */
function moved(node: Node): Node {
  const [x] = node.inputs
  if (!x) return node
  if (isOp(x, 'constant')) return build.constant(x.attributes.value, node.shape, node.dtype)
  if (!isOp(x, 'iota')) return node
  const { axis } = x.attributes
  if (isOp(node, 'broadcast') && x.shape[axis] === node.shape[axis + node.shape.length - x.shape.length]) {
    return build.iota(node.shape, axis + node.shape.length - x.shape.length)
  }
  if (isOp(node, 'transpose')) return build.iota(node.shape, node.attributes.permutation.indexOf(axis))
  if (isOp(node, 'reshape')) {
    const real = (shape: Dims): number[] => shape.flatMap((d, i) => (d === 1 ? [] : [i]))
    const [from, to] = [real(x.shape), real(node.shape)]
    const place = from.indexOf(axis)
    if (
      place >= 0 &&
      sameShape(
        from.map((i) => x.shape[i] as number),
        to.map((i) => node.shape[i] as number),
      )
    ) {
      return build.iota(node.shape, to[place] as number)
    }
  }
  return node
}

type Reduction = Node<'sum'> | Node<'prod'> | Node<'max'> | Node<'min'>

const isReduction = (node: Node): node is Reduction =>
  isOp(node, 'sum') || isOp(node, 'prod') || isOp(node, 'max') || isOp(node, 'min')

/** Axes of one element need no reduction; a reduction of nothing is a constant. */
function reduction(node: Reduction): Node {
  const x = node.inputs[0] as Node
  const { axes } = node.attributes
  if (sizeOf(x.shape) === 0) return build.constant(identityOf(node.op, node.dtype), node.shape, node.dtype)
  const real = axes.filter((a) => x.shape[a] !== 1)
  if (real.length === axes.length && real.length > 0) return node
  const kept = x.shape.map((_, a) => a).filter((a) => !axes.includes(a) || real.includes(a))
  const squeezed = build.reshape(
    x,
    kept.map((a) => x.shape[a] as number),
  )
  if (real.length === 0) return squeezed
  const attributes = { ...node.attributes, axes: real.map((a) => kept.indexOf(a)) }
  return changed<Reduction['op']>(node, { inputs: [squeezed], attributes })
}

interface PadPiece {
  readonly axis: number
  readonly low: number
  readonly part: Node
}

/** The single-axis zero pads whose sum a node is, where it is one; remembered, as graphs are walked from inputs to users. */
const piecesOf = new WeakMap<Node, readonly PadPiece[]>()

function padPiece(node: Node): readonly PadPiece[] | undefined {
  if (!isOp(node, 'pad')) return piecesOf.get(node)
  const { low, high, interior, value } = node.attributes
  const axes = node.shape.map((_, a) => a).filter((a) => low[a] + high[a] > 0)
  const [axis] = axes
  if (axis === undefined || axes.length !== 1 || value !== 0 || interior.some((n) => n > 0)) return undefined
  return [{ axis, low: low[axis], part: node.inputs[0] }]
}

/** A sum of zero pads that tile an axis is a concat (the gradient of a split). */
function joinPads(node: Node<'add'>): Node {
  const left = padPiece(node.inputs[0])
  const right = left && padPiece(node.inputs[1])
  const axis = left?.[0]?.axis
  if (!left || !right || axis === undefined || right[0]?.axis !== axis) return node
  const pieces = [...left, ...right].sort((a, b) => a.low - b.low)
  piecesOf.set(node, pieces)
  let end = 0
  for (const { low, part } of pieces) {
    if (low !== end) return node
    end += part.shape[axis]
  }
  return end === node.shape[axis]
    ? build.node(
        'concat',
        pieces.map((p) => p.part),
        { axis },
      )
    : node
}

/** Transposes and slices of a pointwise value, correlation or concat nobody else needs are done to its inputs, where they cost nothing. */
function pushMoves(users: Map<Node, number>): Rules {
  const push = (node: Node<'transpose'> | Node<'slice'>): Node => {
    const x = node.inputs[0]
    if (users.get(x) !== 1) return node
    if (isOp(node, 'transpose') && isOp(x, 'matmul') && swapsMatrices(node.attributes.permutation)) {
      // (A B)ᵀ = Bᵀ Aᵀ, with the same products in the same sums.
      return build.node('matmul', [build.swap(x.inputs[1]), build.swap(x.inputs[0])], {})
    }
    if (isOp(node, 'slice') && isOp(x, 'conv')) return sliceOfConv(node, x)
    if (isOp(node, 'transpose') && isOp(x, 'concat') && keepsLast(node.attributes.permutation)) {
      // What computes the parts can write them where they belong.
      const { permutation } = node.attributes
      const parts = x.inputs.map((part) => simplified(build.transpose(part, permutation)))
      return build.node('concat', parts, { axis: permutation.indexOf(x.attributes.axis) })
    }
    if (!isPointwise(x.op as OpName) || x.inputs.length === 0) return node
    const inputs = x.inputs.map((input): Node => {
      const through = isOp(node, 'transpose')
        ? build.transpose(input, node.attributes.permutation)
        : build.slice(input, node.attributes.starts, node.attributes.sizes, node.attributes.steps)
      users.set(through, 1)
      const simple = simplified(through)
      return isOp(simple, 'transpose') || isOp(simple, 'slice') ? push(simple) : simple
    })
    return changed(x, { inputs, shape: node.shape })
  }
  return { transpose: push, slice: push }
}

/** A product of few long sums, in parts. */
const cut = (node: Node): Node => splitProduct(simplified(node))

/** What the rules make of a node. */
const simplified = (node: Node): Node => (rules[node.op] as Rule | undefined)?.(node, node) ?? node

/**
 * A part of a correlation is the correlation of a part of its input: the gradient of a padded convolution computes nothing for
 * the padding, which is cut off.
 */
function sliceOfConv(node: Node<'slice'>, conv: Node<'conv'>): Node {
  const { starts, sizes, steps } = node.attributes
  const [x, weight] = conv.inputs
  const { strides, dilation } = conv.attributes
  if (sizes[1] !== conv.shape[1] || steps.some((step) => step !== 1)) return node
  const from = [starts[0], 0, ...strides.map((stride, i) => stride * starts[2 + i])]
  const taken = strides.map((stride, i) => stride * (sizes[2 + i] - 1) + dilation[i] * (weight.shape[2 + i] - 1) + 1)
  return build.node('conv', [sliceOfPad(x, from, [sizes[0], x.shape[1], ...taken]), weight], conv.attributes)
}

/** Less padding instead of a slice, where that is the same. */
function sliceOfPad(x: Node, starts: Dims, sizes: Dims): Node {
  const sliced = (): Node => build.slice(x, starts, sizes, new Array<number>(starts.length).fill(1))
  if (!isOp(x, 'pad')) return sliced()
  const { low, high, interior, value } = x.attributes
  const lower = low.map((n, a) => n - starts[a])
  const higher = high.map((n, a) => n - (x.shape[a] - starts[a] - sizes[a]))
  if (interior.some((n) => n > 0) || [...lower, ...higher].some((n) => n < 0)) return sliced()
  return build.pad(x.inputs[0], lower, higher, interior, value)
}

/** Whether a permutation exchanges the last two axes and leaves the others. */
const swapsMatrices = (permutation: Dims): boolean =>
  permutation.every((p, i) => {
    const last = permutation.length - 1
    return p === (i === last ? last - 1 : i === last - 1 ? last : i)
  })

const keepsLast = (permutation: Dims): boolean => permutation.at(-1) === permutation.length - 1

const fewCells = 64
const manyElements = 1 << 14

/** A reduction of many elements to few cells: first over parts of a fixed length, then over the parts. */
function split(whole: Reduction): Node {
  const node = reduction(whole)
  if (!isReduction(node)) return node
  const x = node.inputs[0] as Node
  const { axes } = node.attributes
  const reduced = axes.map((a) => x.shape[a] as number)
  const cells = sizeOf(node.shape)
  const count = sizeOf(reduced)
  const trailing = axes.every((a, i) => a === x.shape.length - axes.length + i)
  const leading = axes.every((a, i) => a === i)
  if (trailing && cells <= fewCells && count >= manyElements) {
    const part = divisorNear(count, 4096)
    if (part === undefined) return node
    const kept = without(x.shape, axes)
    const inner = build.node(node.op, [build.reshape(x, [...kept, count / part, part])], {
      ...node.attributes,
      axes: [kept.length + 1],
    })
    return build.node(node.op, [inner], { ...node.attributes, axes: [kept.length] })
  }
  if (leading && count >= 512 && cells > 1 && cells * count >= 1 << 16) {
    const part = divisorNear(count, 64)
    if (part === undefined || count / part < 2) return node
    const kept = without(x.shape, axes)
    const inner = build.node(node.op, [build.reshape(x, [count / part, part, ...kept])], {
      ...node.attributes,
      axes: [1],
    })
    return build.node(node.op, [inner], { ...node.attributes, axes: [0] })
  }
  return node
}

/** The largest divisor of n that is at most `most`, if it is not much smaller. */
function divisorNear(n: number, most: number): number | undefined {
  for (let d = Math.min(most, n - 1); d * 16 >= most; d--) if (n % d === 0) return d
  return undefined
}
