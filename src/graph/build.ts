// Building nodes: every node of every graph is made here, checked by its operation's record.

import { checkDType, type DType, isFloat, promote, representable } from './dtype.ts'
import {
  type BinaryName,
  type Build,
  isOp,
  type Node,
  type OpAttributes,
  type OpName,
  type OpRecord,
  type Scope,
  type UnaryName,
} from './node.ts'
import { ops } from './ops/index.ts'
import { misfit, mistake } from './refuse.ts'
import { broadcastShapes, checkShape, type Dims, keepAxes, sameShape, show } from './shape.ts'

let nextId = 1
let scope: Scope | undefined

/** Nodes made later have higher ids, so that ids order a graph topologically. */
export const lastId = (): number => nextId - 1

function create<O extends OpName>(
  op: O,
  inputs: readonly Node[],
  attributes: OpAttributes[O],
  shape: Dims,
  dtype: DType,
): Node<O> {
  let depth = -1
  for (const x of inputs) if (x.depth > depth) depth = x.depth
  return {
    id: nextId++,
    op,
    inputs,
    attributes,
    shape,
    dtype,
    depth: depth + 1,
    value: undefined,
    scope: currentScope(),
  }
}

const noScope: Scope = { path: '', name: '', order: 0 }
let placing: (() => string) | undefined

/** From now on every node notes the place that `find` gives, or with undefined none does. */
export function trackPlaces(find: (() => string) | undefined): void {
  placing = find
}

/** Runs `f`; the nodes that it builds note the place that `find` gives. */
export function placed<T>(find: () => string, f: () => T): T {
  const before = placing
  placing = find
  try {
    return f()
  } finally {
    placing = before
  }
}

/** Runs `f`; the nodes that it builds belong to `inner`. */
export function within<T>(inner: Scope | undefined, f: () => T): T {
  const outer = scope
  scope = inner
  try {
    return f()
  } finally {
    scope = outer
  }
}

/** Whose nodes are built now, and while places are tracked, where. */
export const currentScope = (): Scope | undefined => (placing ? { ...(scope ?? noScope), place: placing() } : scope)

function node<O extends OpName>(op: O, inputs: readonly Node[], attributes: OpAttributes[O]): Node<O> {
  const { infer } = ops[op] as Pick<OpRecord<O>, 'infer'>
  const { shape, dtype } = infer(inputs, attributes)
  return create(op, inputs, attributes, shape, dtype)
}

/** A node as it was on another thread, where it was checked. */
export const restored = (op: OpName, inputs: readonly Node[], attributes: object, shape: Dims, dtype: DType): Node =>
  create(op, inputs, attributes as OpAttributes[OpName], shape, dtype)

const leaf = (source: object, shape: Dims, dtype: DType): Node<'leaf'> => create('leaf', [], { source }, shape, dtype)

const constant = (value: number, shape: Dims, dtype: DType): Node => {
  checkShape(shape)
  checkDType('full', dtype)
  return create('constant', [], { value: representable(value, dtype) }, shape, dtype)
}

const iota = (shape: Dims, axis: number): Node => {
  checkShape(shape)
  return create('iota', [], { axis }, shape, 'int32')
}

const cast = (x: Node, dtype: DType): Node => {
  if (x.dtype === dtype) return x
  checkDType('cast', dtype)
  return isOp(x, 'constant') ? constant(x.attributes.value, x.shape, dtype) : node('cast', [x], { dtype })
}

const reshape = (x: Node, shape: Dims): Node => (sameShape(x.shape, shape) ? x : node('reshape', [x], { shape }))

const broadcast = (x: Node, shape: Dims): Node => {
  if (sameShape(x.shape, shape)) return x
  const wide = node('broadcast', [x], { shape })
  return isOp(x, 'constant') ? constant(x.attributes.value, wide.shape, x.dtype) : wide
}

/**
 * Both operands with one shape and dtype. A number takes the dtype of the other, unless that is an integer and the number
 * has a fraction; in comparisons also where it is out of the integer's range.
 */
function together(what: OpName, a: Node | number, b: Node | number): readonly [Node, Node] {
  if (typeof a === 'number') {
    if (typeof b === 'number') throw mistake(`${what}: needs at least one tensor`)
    const [y, x] = together(what, b, a)
    return [x, y]
  }
  if (typeof b === 'number') {
    const dtype = withNumber(what, a, b)
    return [cast(a, dtype), constant(b, a.shape, dtype)]
  }
  const dtype = promote(a.dtype, b.dtype)
  const shape = broadcastShapes(a.shape, b.shape, what)
  return [broadcast(cast(a, dtype), shape), broadcast(cast(b, dtype), shape)]
}

const comparisons: ReadonlySet<OpName> = new Set(['equal', 'notEqual', 'less', 'lessEqual'])

function withNumber(what: OpName, { dtype, shape }: Node, value: number): DType {
  if (isFloat(dtype)) return dtype
  if (!Number.isInteger(value)) return 'float32'
  const integer = dtype === 'bool' ? 'int32' : dtype
  if (representable(value, integer) === value) return integer
  if (comparisons.has(what)) return representable(value, 'int32') === value ? 'int32' : 'float64'
  throw misfit(`${what}: ${value} does not fit ${integer} ${show(shape)}: cast the tensor to another type first`)
}

const unary = (op: UnaryName, x: Node): Node => node(op, [x], {})
const binary = (op: BinaryName, a: Node | number, b: Node | number): Node => node(op, together(op, a, b), {})

function where(condition: Node, a: Node | number, b: Node | number): Node {
  const [x, y] =
    typeof a === 'number' && typeof b === 'number'
      ? [constant(a, condition.shape, 'float32'), constant(b, condition.shape, 'float32')]
      : together('where', a, b)
  const shape = broadcastShapes(condition.shape, x.shape, 'where')
  return node('where', [broadcast(condition, shape), broadcast(x, shape), broadcast(y, shape)], {})
}

function transpose(x: Node, permutation: Dims): Node {
  return permutation.length === x.shape.length && permutation.every((p, i) => p === i)
    ? x
    : node('transpose', [x], { permutation })
}

function swap(x: Node): Node {
  const rank = x.shape.length
  return transpose(x, [...Array(rank - 2).keys(), rank - 1, rank - 2])
}

function slice(x: Node, starts: Dims, sizes: Dims, steps: Dims = sizes.map(() => 1)): Node {
  if (sameShape(sizes, x.shape) && steps.every((s) => s === 1) && starts.every((s) => s === 0)) return x
  return node('slice', [x], { starts, sizes, steps })
}

function pad(x: Node, low: Dims, high: Dims, interior: Dims = low.map(() => 0), value = 0): Node {
  if ([low, high, interior].every((list) => list.every((n) => n === 0))) return x
  return node('pad', [x], { low, high, interior, value: representable(value, x.dtype) })
}

const sum = (x: Node, axes: Dims): Node => (axes.length === 0 ? x : node('sum', [x], { axes }))

const spread = (reduced: Node, shape: Dims, axes: Dims): Node =>
  broadcast(reshape(reduced, keepAxes(shape, axes)), shape)

export const build: Build & {
  leaf: typeof leaf
} = {
  node,
  leaf,
  constant,
  iota,
  cast,
  reshape,
  broadcast,
  unary,
  binary,
  where,
  transpose,
  swap,
  slice,
  pad,
  sum,
  spread,
}
