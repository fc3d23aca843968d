// Tensor: the face of a graph node. Methods build nodes; nothing is computed until a value is read.

import { build } from '../graph/build.ts'
import { type DataArray, type DType, isFloat, promote } from '../graph/dtype.ts'
import type { BinaryName, Node, UnaryName } from '../graph/node.ts'
import {
  broadcastShapes,
  type Dims,
  keepAxes,
  normalizeAxes,
  normalizeAxis,
  type Range,
  resolveRange,
  resolveShape,
  show,
  sizeOf,
} from '../graph/shape.ts'
import { knownData, readData } from './execute.ts'
import { type Nested, nested } from './nested.ts'
import { printTensor } from './print.ts'
import { runtime } from './runtime.ts'

/** What arithmetic accepts beside a tensor. */
export type Operand = Tensor | number
export type Axes = number | readonly number[]

export class Tensor {
  readonly shape: Dims
  readonly dtype: DType
  private readonly own: Node | undefined

  /** Internal: tensors are made by `tensor`, `zeros` and the like, and by methods. */
  constructor(node: Node | undefined, shape: Dims = (node as Node).shape, dtype: DType = (node as Node).dtype) {
    this.own = node
    this.shape = shape
    this.dtype = dtype
  }

  /** The graph node whose value this is. */
  get node(): Node {
    if (!this.own) throw new Error('this tensor has no node')
    return this.own
  }
  get rank(): number {
    return this.shape.length
  }
  get size(): number {
    return sizeOf(this.shape)
  }

  // --- reading -------------------------------------------------------------

  /** The elements in row-major order, computed if need be; a copy. */
  async data(): Promise<DataArray> {
    const values = this.dataSync()
    if (runtime.outstanding > reclaimAfter) {
      // Finalizers, which give memory back, only run when the event loop does.
      runtime.outstanding = 0
      await new Promise((resolve) => setTimeout(resolve, 0))
    }
    return values
  }
  dataSync(): DataArray {
    return readData(this.node)
  }
  /** The only element, as a number; bool gives 0 or 1. */
  async item(): Promise<number> {
    return single(this, await this.data())
  }
  itemSync(): number {
    return single(this, this.dataSync())
  }
  /** Nested arrays of numbers (booleans for bool). */
  async array(): Promise<Nested> {
    return nested(await this.data(), this.shape, this.dtype)
  }
  arraySync(): Nested {
    return nested(this.dataSync(), this.shape, this.dtype)
  }
  /** As NumPy prints arrays; values that were not computed yet are not computed for it. */
  toString(): string {
    return printTensor(this[Symbol.toStringTag], this, knownData(this.node))
  }
  get [Symbol.toStringTag](): string {
    return 'Tensor'
  }
  /** What `console.log` shows in Node. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString()
  }

  // --- arithmetic ----------------------------------------------------------

  add(other: Operand): Tensor {
    return binary('add', this, other)
  }
  sub(other: Operand): Tensor {
    return binary('sub', this, other)
  }
  mul(other: Operand): Tensor {
    return binary('mul', this, other)
  }
  /** True division: integers become float32. */
  div(other: Operand): Tensor {
    return binary('div', floating(this), typeof other === 'number' ? other : floating(other))
  }
  /** Python's //: the quotient rounded down; integers stay integers, and x // 0 is 0 for them. */
  floorDivide(other: Operand): Tensor {
    const remainder = this.remainder(other)
    const exact = isFloat(remainder.dtype) ? this : this.cast(remainder.dtype).sub(remainder)
    const quotient = binary('div', exact, other)
    return isFloat(remainder.dtype) ? quotient.floor() : quotient
  }
  /** Python's %: the sign follows the divisor. */
  remainder(other: Operand): Tensor {
    return binary('remainder', this, other)
  }
  /** Integers stay integers where the exponent is a whole number ≥ 0, else they become float32. */
  pow(exponent: Operand): Tensor {
    if (exponent === 0.5) return this.sqrt()
    if (typeof exponent === 'number' && Number.isInteger(exponent)) {
      const isExact = isFloat(this.dtype) ? exponent >= 1 && exponent <= 4 : exponent >= 0
      if (isExact) return wholePower(this, exponent)
    }
    return binary('pow', floating(this), typeof exponent === 'number' ? exponent : floating(exponent))
  }
  maximum(other: Operand): Tensor {
    return binary('maximum', this, other)
  }
  minimum(other: Operand): Tensor {
    return binary('minimum', this, other)
  }
  atan2(other: Operand): Tensor {
    return binary('atan2', floating(this), typeof other === 'number' ? other : floating(other))
  }
  neg(): Tensor {
    return unary('neg', this)
  }
  abs(): Tensor {
    return this.dtype === 'bool' || this.dtype === 'uint8' ? this : unary('abs', this)
  }
  sign(): Tensor {
    return unary('sign', this)
  }
  square(): Tensor {
    return this.mul(this)
  }
  sqrt(): Tensor {
    return float('sqrt', this)
  }
  rsqrt(): Tensor {
    return wrap(build.binary('div', 1, floating(this).sqrt().node))
  }
  reciprocal(): Tensor {
    return wrap(build.binary('div', 1, floating(this).node))
  }
  floor(): Tensor {
    return unary('floor', this)
  }
  ceil(): Tensor {
    return unary('ceil', this)
  }
  /** To the nearest integer, halves to even. */
  round(): Tensor {
    return unary('round', this)
  }
  trunc(): Tensor {
    return unary('trunc', this)
  }
  exp(): Tensor {
    return float('exp', this)
  }
  expm1(): Tensor {
    return float('expm1', this)
  }
  log(): Tensor {
    return float('log', this)
  }
  log1p(): Tensor {
    return float('log1p', this)
  }
  log2(): Tensor {
    return this.log().mul(Math.LOG2E)
  }
  sin(): Tensor {
    return float('sin', this)
  }
  cos(): Tensor {
    return float('cos', this)
  }
  tan(): Tensor {
    return float('tan', this)
  }
  asin(): Tensor {
    return float('asin', this)
  }
  acos(): Tensor {
    return float('acos', this)
  }
  atan(): Tensor {
    return float('atan', this)
  }
  sinh(): Tensor {
    return float('sinh', this)
  }
  cosh(): Tensor {
    return float('cosh', this)
  }
  tanh(): Tensor {
    return float('tanh', this)
  }
  asinh(): Tensor {
    return float('asinh', this)
  }
  acosh(): Tensor {
    return float('acosh', this)
  }
  atanh(): Tensor {
    return float('atanh', this)
  }
  erf(): Tensor {
    return float('erf', this)
  }
  sigmoid(): Tensor {
    return float('sigmoid', this)
  }
  /** max(x, 0); the derivative at 0 is 0 and NaN stays NaN. */
  relu(): Tensor {
    return wrap(build.where(build.binary('lessEqual', this.node, 0), 0, this.node))
  }
  /** The nearest value in [low, high]; the gradient passes at the edges. */
  clamp(low = -Infinity, high = Infinity): Tensor {
    let x = this.node
    if (low !== -Infinity) x = build.where(build.binary('less', x, low), low, x)
    if (high !== Infinity) x = build.where(build.binary('less', build.constant(high, x.shape, x.dtype), x), high, x)
    return wrap(x)
  }

  // --- comparison and logic ------------------------------------------------

  equal(other: Operand): Tensor {
    return binary('equal', this, other)
  }
  notEqual(other: Operand): Tensor {
    return binary('notEqual', this, other)
  }
  less(other: Operand): Tensor {
    return binary('less', this, other)
  }
  lessEqual(other: Operand): Tensor {
    return binary('lessEqual', this, other)
  }
  greater(other: Operand): Tensor {
    return wrap(typeof other === 'number' ? swapped('less', this, other) : build.binary('less', other.node, this.node))
  }
  greaterEqual(other: Operand): Tensor {
    return wrap(
      typeof other === 'number' ? swapped('lessEqual', this, other) : build.binary('lessEqual', other.node, this.node),
    )
  }
  /** Logical on bool, bitwise on integers; likewise `or`, `xor` and `not`. */
  and(other: Operand): Tensor {
    return binary('and', this, other)
  }
  or(other: Operand): Tensor {
    return binary('or', this, other)
  }
  xor(other: Operand): Tensor {
    return binary('xor', this, other)
  }
  not(): Tensor {
    return unary('not', this)
  }
  isNaN(): Tensor {
    return this.notEqual(this)
  }
  /** `value` where the mask holds, this tensor's elements elsewhere. */
  maskedFill(mask: Tensor, value: Operand): Tensor {
    return mask.where(value, this)
  }
  /** Elements of `a` where this condition holds, of `b` elsewhere. */
  where(a: Operand, b: Operand): Tensor {
    return wrap(build.where(this.node, nodeOf(a), nodeOf(b)))
  }

  // --- shape ---------------------------------------------------------------

  /** One extent may be −1: it is worked out from the others. */
  reshape(shape: Dims): Tensor {
    return wrap(build.reshape(this.node, resolveShape(shape, this.shape)))
  }
  flatten(startAxis = 0, endAxis = -1): Tensor {
    if (this.rank === 0) return this.reshape([1])
    const start = normalizeAxis(startAxis, this.rank, 'flatten')
    const end = normalizeAxis(endAxis, this.rank, 'flatten')
    return this.reshape([
      ...this.shape.slice(0, start),
      sizeOf(this.shape.slice(start, end + 1)),
      ...this.shape.slice(end + 1),
    ])
  }
  /** Axes in the given order; without one, reversed. */
  permute(order: Dims): Tensor {
    return wrap(
      build.transpose(
        this.node,
        order.map((a) => normalizeAxis(a, this.rank, 'permute')),
      ),
    )
  }
  /** Swaps two axes; the last two by default. */
  transpose(a = -2, b = -1): Tensor {
    const order = [...this.shape.keys()]
    const [i, j] = [normalizeAxis(a, this.rank, 'transpose'), normalizeAxis(b, this.rank, 'transpose')]
    order[i] = j
    order[j] = i
    return wrap(build.transpose(this.node, order))
  }
  squeeze(axes?: Axes): Tensor {
    const drop =
      axes === undefined
        ? [...this.shape.keys()].filter((a) => this.shape[a] === 1)
        : normalizeAxes(axes, this.rank, 'squeeze')
    const bad = drop.find((a) => this.shape[a] !== 1)
    if (bad !== undefined)
      throw new RangeError(`squeeze: axis ${bad} of ${show(this.shape)} has extent ${this.shape[bad]}, not 1`)
    return this.reshape(this.shape.filter((_, a) => !drop.includes(a)))
  }
  unsqueeze(axis: number): Tensor {
    const at = normalizeAxis(axis, this.rank + 1, 'unsqueeze')
    return this.reshape([...this.shape.slice(0, at), 1, ...this.shape.slice(at)])
  }
  broadcastTo(shape: Dims): Tensor {
    return wrap(build.broadcast(this.node, shape))
  }
  /** Python's slices, one per leading axis: `x.slice([1, 3], [null, null, -1])`. */
  slice(...ranges: readonly (Range | null)[]): Tensor {
    if (ranges.length > this.rank) throw new RangeError(`slice: ${ranges.length} ranges for ${show(this.shape)}`)
    const full = this.shape.map((extent, axis) => resolveRange(ranges[axis] ?? [], extent))
    return wrap(
      build.slice(
        this.node,
        full.map((r) => r.start),
        full.map((r) => r.size),
        full.map((r) => r.step),
      ),
    )
  }
  /** Element or sub-array number `i` of an axis, which is removed; or rows by an int32 tensor, whose shape takes the axis's place. */
  at(i: number | Tensor, axis = 0): Tensor {
    const a = normalizeAxis(axis, this.rank, 'at')
    if (i instanceof Tensor) return this.take(i, a)
    const extent = this.shape[a] as number
    const index = i < 0 ? i + extent : i
    if (!Number.isInteger(i) || index < 0 || index >= extent)
      throw new RangeError(`at: index ${i} is out of range for axis ${a} of ${show(this.shape)}`)
    const ranges = this.shape.map((_, k): Range => (k === a ? [index, index + 1] : []))
    return this.slice(...ranges).squeeze(a)
  }
  /** Reverses the given axes; all by default. */
  flip(axes?: Axes): Tensor {
    const list = normalizeAxes(axes, this.rank, 'flip')
    return this.slice(...this.shape.map((_, a): Range => (list.includes(a) ? [null, null, -1] : [])))
  }
  /** `amounts[axis] = [before, after]`, filled with `value`. */
  pad(amounts: readonly (readonly [number, number])[], value = 0): Tensor {
    return wrap(
      build.pad(
        this.node,
        amounts.map((p) => p[0]),
        amounts.map((p) => p[1]),
        amounts.map(() => 0),
        value,
      ),
    )
  }

  // --- indexing ------------------------------------------------------------

  /** Sub-arrays at integer `indices` of an axis; negative ones count from the end, the rest is clamped to the axis. */
  take(indices: Tensor, axis = 0): Tensor {
    return wrap(build.node('take', [this.node, indexing(indices)], { axis: normalizeAxis(axis, this.rank, 'take') }))
  }
  /** One element per index along an axis, all other axes equal (PyTorch's gather). */
  takeAlong(indices: Tensor, axis: number): Tensor {
    const attributes = { axis: normalizeAxis(axis, this.rank, 'takeAlong') }
    return wrap(build.node('takeAlong', [this.node, indexing(indices)], attributes))
  }
  /** This tensor with `source` added at `indices` of an axis, again for indices that repeat: the counterpart of `take`. */
  indexAdd(indices: Tensor, source: Tensor, axis = 0): Tensor {
    const a = normalizeAxis(axis, this.rank, 'indexAdd')
    const attributes = { axis: a, length: this.shape[a] }
    return this.add(wrap(build.node('scatterAdd', [indexing(indices), source.cast(this.dtype).node], attributes)))
  }
  /** This tensor with `source` added along an axis, one index per element: the counterpart of `takeAlong`. */
  scatterAdd(indices: Tensor, source: Tensor, axis: number): Tensor {
    const a = normalizeAxis(axis, this.rank, 'scatterAdd')
    const attributes = { axis: a, length: this.shape[a] }
    return this.add(wrap(build.node('scatterAddAlong', [indexing(indices), source.cast(this.dtype).node], attributes)))
  }

  // --- reduction -----------------------------------------------------------

  /** bool and uint8 are summed (and multiplied by `prod`) as int32. */
  sum(axes?: Axes, keepAxes = false): Tensor {
    const x = widened(this)
    const list = normalizeAxes(axes, this.rank, 'sum')
    return kept(x, wrap(build.sum(x.node, list)), list, keepAxes)
  }
  mean(axes?: Axes, keepAxes = false): Tensor {
    const x = floating(this)
    const list = normalizeAxes(axes, this.rank, 'mean')
    return x.sum(list, keepAxes).div(sizeOf(list.map((a) => this.shape[a] as number)))
  }
  prod(axes?: Axes, keepAxes = false): Tensor {
    const x = widened(this)
    const list = normalizeAxes(axes, this.rank, 'prod')
    return kept(x, wrap(build.node('prod', [x.node], { axes: list })), list, keepAxes)
  }
  /** The largest element. Its gradient goes to the first of equal maxima when one axis is given, else is shared evenly. */
  max(axes?: Axes, keepAxes = false): Tensor {
    return extremum('max', this, axes, keepAxes)
  }
  min(axes?: Axes, keepAxes = false): Tensor {
    return extremum('min', this, axes, keepAxes)
  }
  /** Like max and min, with the gradient shared evenly between equal extrema. */
  amax(axes?: Axes, keepAxes = false): Tensor {
    return extremum('max', this, axes, keepAxes, 'even')
  }
  amin(axes?: Axes, keepAxes = false): Tensor {
    return extremum('min', this, axes, keepAxes, 'even')
  }
  /** The position of the first largest element; over all elements when no axis is given. */
  argmax(axis?: number, keepAxes = false): Tensor {
    const list = normalizeAxes(axis, this.rank, 'argmax')
    return kept(this, wrap(build.node('argmax', [this.node], { axes: list })), list, keepAxes)
  }
  argmin(axis?: number, keepAxes = false): Tensor {
    const list = normalizeAxes(axis, this.rank, 'argmin')
    return kept(this, wrap(build.node('argmin', [this.node], { axes: list })), list, keepAxes)
  }
  any(axes?: Axes, keepAxes = false): Tensor {
    return extremum('max', this.cast('bool'), axes, keepAxes)
  }
  all(axes?: Axes, keepAxes = false): Tensor {
    return extremum('min', this.cast('bool'), axes, keepAxes)
  }
  /** Σ(x − mean)² / (n − correction); correction 1, the default, is the unbiased estimate. */
  var(axes?: Axes, options: { readonly correction?: number; readonly keepAxes?: boolean } = {}): Tensor {
    const { correction = 1, keepAxes = false } = options
    const list = normalizeAxes(axes, this.rank, 'var')
    const x = floating(this)
    const n = sizeOf(list.map((a) => this.shape[a] as number))
    return x
      .sub(x.mean(list, true))
      .square()
      .sum(list, keepAxes)
      .div(n - correction)
  }
  /** The root of `var`; its gradient is 0 where all elements are equal. */
  std(axes?: Axes, options: { readonly correction?: number; readonly keepAxes?: boolean } = {}): Tensor {
    return safeRoot(this.var(axes, options))
  }
  /** log Σ exp, shifted by the maximum: finite wherever the result is. */
  logSumExp(axes?: Axes, keepAxes = false): Tensor {
    const list = normalizeAxes(axes, this.rank, 'logSumExp')
    const x = floating(this)
    const top = x.amax(list, true).detach()
    const shift = top.abs().equal(Infinity).where(0, top)
    const total = x.sub(shift).exp().sum(list, true).log().add(shift)
    return keepAxes ? total : total.squeeze(list)
  }
  /** eˣ / Σ eˣ along an axis, shifted by the maximum. */
  softmax(axis = -1): Tensor {
    const x = floating(this)
    const at = [normalizeAxis(axis, x.rank, 'softmax')]
    const e = x.sub(x.amax(at, true).detach()).exp()
    // y ⊙ (g − ⟨g, y⟩): needs the result alone, and loses no digits where the composition would.
    return withVjp(e.div(e.sum(at, true)), x, (g, y) => {
      const product = build.sum(build.binary('mul', g, y), at)
      return build.binary('mul', y, build.binary('sub', g, build.spread(product, y.shape, at)))
    })
  }
  logSoftmax(axis = -1): Tensor {
    const x = floating(this)
    const at = [normalizeAxis(axis, x.rank, 'logSoftmax')]
    const shifted = x.sub(x.amax(at, true).detach())
    return withVjp(shifted.sub(shifted.exp().sum(at, true).log()), x, (g, y) =>
      build.binary('sub', g, build.binary('mul', build.unary('exp', y), build.spread(build.sum(g, at), y.shape, at))),
    )
  }

  // --- contraction ---------------------------------------------------------

  /** The matrix product as NumPy's @: vectors are completed by an axis of 1 that is dropped again, leading axes broadcast. */
  matmul(other: Tensor): Tensor {
    return matmul(this, other)
  }
  /** Σ x·y of two vectors. */
  dot(other: Tensor): Tensor {
    return matmul(this, other)
  }

  // --- types and history ---------------------------------------------------

  cast(dtype: DType): Tensor {
    return wrap(build.cast(this.node, dtype))
  }
  /** The same value, a constant to every gradient. */
  detach(): Tensor {
    return wrap(build.node('stopGradient', [this.node], {}))
  }
  stopGradient(): Tensor {
    return this.detach()
  }
}

/** `value`, with its derivative with respect to x given as a function of the cotangent and the value itself. */
function withVjp(value: Tensor, x: Tensor, vjp: (g: Node, y: Node) => Node): Tensor {
  const node: Node = build.node('custom', [value.node, x.node], { vjp: (g) => [vjp(g, node)] })
  return wrap(node)
}

const reclaimAfter = 64 * 1024 * 1024

/** A tensor of a node, which gradients don't enter while they are off. */
export const wrap = (node: Node): Tensor =>
  new Tensor(runtime.gradients || node.op === 'leaf' ? node : build.node('stopGradient', [node], {}))

export const nodeOf = (x: Operand): Node | number => (typeof x === 'number' ? x : x.node)

/** Integers and booleans as float32; floats as they are. */
export const floating = (x: Tensor): Tensor => (isFloat(x.dtype) ? x : x.cast('float32'))

/** The square root with the derivative 0, not infinity, at 0. */
export function safeRoot(x: Tensor): Tensor {
  const isZero = x.equal(0)
  return isZero.where(0, isZero.where(1, x).sqrt())
}

const widened = (x: Tensor): Tensor => (x.dtype === 'bool' || x.dtype === 'uint8' ? x.cast('int32') : x)

/** bool is refused by the operation: a mask is not a list of positions. */
const indexing = (indices: Tensor): Node => (indices.dtype === 'uint8' ? indices.cast('int32') : indices).node

function wholePower(x: Tensor, exponent: number): Tensor {
  if (exponent === 0) return wrap(build.constant(1, x.shape, x.dtype))
  const half = wholePower(x, Math.floor(exponent / 2))
  return exponent === 1 ? x : exponent % 2 === 0 ? half.mul(half) : half.mul(half).mul(x)
}

const unary = (op: UnaryName, x: Tensor): Tensor => wrap(build.unary(op, x.node))
const float = (op: UnaryName, x: Tensor): Tensor => unary(op, floating(x))
const binary = (op: BinaryName, a: Tensor, b: Operand): Tensor => wrap(build.binary(op, a.node, nodeOf(b)))
const swapped = (op: BinaryName, a: Tensor, b: number): Node => build.binary(op, b, a.node)

const kept = (x: Tensor, reduced: Tensor, axes: Dims, keep: boolean): Tensor =>
  keep ? reduced.reshape(keepAxes(x.shape, axes)) : reduced

function extremum(
  op: 'max' | 'min',
  x: Tensor,
  axes: Axes | undefined,
  keep: boolean,
  ties?: 'even' | 'first',
): Tensor {
  const list = normalizeAxes(axes, x.rank, op)
  const rule = ties ?? (axes === undefined || list.length > 1 ? 'even' : 'first')
  return kept(x, wrap(build.node(op, [x.node], { axes: list, ties: rule })), list, keep)
}

function matmul(a: Tensor, b: Tensor): Tensor {
  if (a.rank === 0 || b.rank === 0)
    throw new RangeError(`matmul: ${show(a.shape)} @ ${show(b.shape)}: scalars have no inner dimension, use mul`)
  if (a.rank === 1) return matmul(a.unsqueeze(0), b).squeeze(b.rank === 1 ? 0 : -2)
  if (b.rank === 1) return matmul(a, b.unsqueeze(1)).squeeze(-1)
  const dtype = promote(a.dtype, b.dtype)
  const [x, y] = [a.cast(dtype), b.cast(dtype)]
  const [k, k2] = [x.shape.at(-1), y.shape.at(-2)]
  if (k !== k2)
    throw new RangeError(`matmul: inner dimensions differ, ${show(x.shape)} @ ${show(y.shape)}: ${k} is not ${k2}`)
  // One matrix on the right serves all rows on the left: a single product.
  if (y.rank === 2 && x.rank > 2) {
    const rows = x.reshape([sizeOf(x.shape.slice(0, -1)), k as number])
    return matmul(rows, y).reshape([...x.shape.slice(0, -1), y.shape[1] as number])
  }
  const batch = broadcastShapes(x.shape.slice(0, -2), y.shape.slice(0, -2), 'matmul')
  const full = (t: Tensor): Node => t.broadcastTo([...batch, ...t.shape.slice(-2)]).node
  return wrap(build.node('matmul', [full(x), full(y)], {}))
}

function single(x: Tensor, values: DataArray): number {
  if (values.length !== 1)
    throw new RangeError(`item: the tensor has shape ${show(x.shape)} with ${values.length} elements, not one`)
  return values[0] as number
}
