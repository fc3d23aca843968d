// Building nodes: every node of every graph is made here, checked by its operation's record.

import { type DType, promote } from './dtype.ts'
import type { BinaryName, Build, Node, OpAttributes, OpName, UnaryName } from './node.ts'
import { ops } from './ops/index.ts'
import { broadcastShapes, type Dims, keepAxes, sameShape } from './shape.ts'

let nextId = 1

/** Nodes made later have higher ids, so that ids order a graph topologically. */
export const lastId = (): number => nextId - 1

function create<O extends OpName>(
  op: O,
  inputs: readonly Node[],
  attributes: OpAttributes[O],
  shape: Dims,
  dtype: DType,
): Node<O> {
  return { id: nextId++, op, inputs, attributes, shape, dtype, value: undefined }
}

function node<O extends OpName>(op: O, inputs: readonly Node[], attributes: OpAttributes[O]): Node<O> {
  const { shape, dtype } = ops[op].infer(inputs, attributes)
  return create(op, inputs, attributes, shape, dtype)
}

const leaf = (source: object, shape: Dims, dtype: DType): Node<'leaf'> => create('leaf', [], { source }, shape, dtype)

const constant = (value: number, shape: Dims, dtype: DType): Node => create('constant', [], { value }, shape, dtype)

const iota = (shape: Dims, axis: number): Node => create('iota', [], { axis }, shape, 'int32')

const cast = (x: Node, dtype: DType): Node => {
  if (x.dtype === dtype) return x
  if (x.op === 'constant' && dtype !== 'uint8')
    return constant(castNumber((x as Node<'constant'>).attributes.value, dtype), x.shape, dtype)
  return node('cast', [x], { dtype })
}

function castNumber(value: number, dtype: DType): number {
  if (dtype === 'bool') return value === 0 ? 0 : 1
  return dtype === 'int32' ? Math.trunc(value) | 0 : value
}

const reshape = (x: Node, shape: Dims): Node => (sameShape(x.shape, shape) ? x : node('reshape', [x], { shape }))

const broadcast = (x: Node, shape: Dims): Node => {
  if (sameShape(x.shape, shape)) return x
  return x.op === 'constant'
    ? constant((x as Node<'constant'>).attributes.value, shape, x.dtype)
    : node('broadcast', [x], { shape })
}

/** Both operands with one shape and dtype. A number takes the dtype of the other, unless that is an integer and it has a fraction. */
function together(what: string, a: Node | number, b: Node | number): readonly [Node, Node] {
  if (typeof a === 'number' && typeof b === 'number') throw new TypeError(`${what}: needs at least one tensor`)
  if (typeof a === 'number') return [constantFor(a, b as Node), typed(b as Node, a)]
  if (typeof b === 'number') return [typed(a, b), constantFor(b, a)]
  const dtype = promote(a.dtype, b.dtype)
  const shape = broadcastShapes(a.shape, b.shape, what)
  return [broadcast(cast(a, dtype), shape), broadcast(cast(b, dtype), shape)]
}

const withNumber = (dtype: DType, value: number): DType => {
  if (dtype === 'float32' || dtype === 'float64') return dtype
  if (!Number.isInteger(value)) return 'float32'
  return dtype === 'bool' ? 'int32' : dtype
}
const typed = (x: Node, other: number): Node => cast(x, withNumber(x.dtype, other))
const constantFor = (value: number, like: Node): Node => constant(value, like.shape, withNumber(like.dtype, value))

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
  return permutation.every((p, i) => p === i) ? x : node('transpose', [x], { permutation })
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
  return node('pad', [x], { low, high, interior, value })
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
