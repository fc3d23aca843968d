// Tensor: the face of a graph node. Methods build nodes; nothing is computed until a value is read.

import { build } from '../graph/build.ts'
import { type DataArray, type DType, isFloat, promote } from '../graph/dtype.ts'
import { renamed, withNames } from '../graph/names.ts'
import type { BinaryName, Node, UnaryName } from '../graph/node.ts'
import { misfit, mistake } from '../graph/refuse.ts'
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
  without,
} from '../graph/shape.ts'
import * as forms from '../transform/stability/forms.ts'
import type { Floating, Promote, Widened, WithNumber } from './dtype-types.ts'
import { disposeValue, knownData, readData, readLater } from './execute.ts'
import type * as movements from './movement-types.ts'
import { type Nested, nested } from './nested.ts'
import { printTensor } from './print.ts'
import { runtime } from './runtime.ts'
import type * as shapes from './shape-types.ts'
import type { AnyTensor, Checked, Shape, ShapeOf, Sound } from './shape-types.ts'

/** What arithmetic accepts beside a tensor. */
export type Operand = Tensor | number
export type Axes = number | readonly number[]

type AnyOperand = AnyTensor | number

/** The other operand of an operation on a tensor of shape A, if the two broadcast. */
type Other<Op extends string, A extends Shape, O> = O extends number
  ? O
  : Checked<NoInfer<shapes.Broadcast<Op, A, ShapeOf<O>>>, O>
/** What both broadcast to. */
type Wide<Op extends string, A extends Shape, O> = O extends number ? A : Sound<shapes.Broadcast<Op, A, ShapeOf<O>>>
type Pair<X extends DType, O> = O extends number ? WithNumber<X> : Promote<X, shapes.DTypeOf<O>>

/** The dtype of `where`. */
type Chosen<P, Q> = P extends number
  ? Q extends number
    ? 'float32'
    : Pair<shapes.DTypeOf<Q>, P>
  : Pair<shapes.DTypeOf<P>, Q>

/** The axes of a reduction, if they are axes of S. */
export type AxesOf<Op extends string, S extends Shape, A extends Axes | undefined> = Checked<
  NoInfer<shapes.Along<Op, S, A>>,
  A
>
type Reducible<Op extends string, S extends Shape, A extends Axes | undefined, K extends boolean> = Checked<
  NoInfer<shapes.Reduced<Op, S, A, K>>,
  A
>
type Less<Op extends string, S extends Shape, A extends Axes | undefined, K extends boolean> = Sound<
  shapes.Reduced<Op, S, A, K>
>

/** The methods of tensors, the same for all: what depends on the shape takes it by a `this` parameter. */
class Operations {
  declare readonly '~shape': shapes.Comparable<Shape>
  declare readonly '~types': shapes.Carried<Shape, DType>
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
    const read = readLater(this.node)
    const values = read instanceof Promise ? await read : read
    if (runtime.outstanding > reclaimAfter) {
      // Finalizers, which give memory back, only run when the event loop does.
      runtime.outstanding = 0
      await new Promise((resolve) => setTimeout(resolve, 0))
    }
    return values
  }
  /** The same at once, in Node and in workers; `itemSync` and `arraySync` likewise. In a page it throws: there the numbers come from a worker. */
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
  /** Operators do not see what is inside; text, as in `${x}`, is the printed tensor. */
  [Symbol.toPrimitive](hint: string): string {
    if (hint === 'string') return this.toString()
    throw mistake(
      `a tensor is no number, so operators such as x > 0, x + 1 and x == 1 do not work on ${this.dtype} ${show(this.shape)}: use methods, x.greater(0), x.add(1), x.equal(1); to branch on a value read it first, (await x.item()) > 0`,
    )
  }
  /** What `console.log` shows in Node. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString()
  }

  // --- arithmetic ----------------------------------------------------------

  add<A extends Shape, X extends DType, O extends AnyOperand>(
    this: Tensor<A, X>,
    other: Other<'add', A, O>,
  ): Tensor<Wide<'add', A, O>, Pair<X, O>>
  add(this: Tensor, other: Operand): Tensor {
    return binary('add', this, other)
  }
  sub<A extends Shape, X extends DType, O extends AnyOperand>(
    this: Tensor<A, X>,
    other: Other<'sub', A, O>,
  ): Tensor<Wide<'sub', A, O>, Pair<X, O>>
  sub(this: Tensor, other: Operand): Tensor {
    return binary('sub', this, other)
  }
  mul<A extends Shape, X extends DType, O extends AnyOperand>(
    this: Tensor<A, X>,
    other: Other<'mul', A, O>,
  ): Tensor<Wide<'mul', A, O>, Pair<X, O>>
  mul(this: Tensor, other: Operand): Tensor {
    return binary('mul', this, other)
  }
  /** True division: integers become float32. */
  div<A extends Shape, X extends DType, O extends AnyOperand>(
    this: Tensor<A, X>,
    other: Other<'div', A, O>,
  ): Tensor<Wide<'div', A, O>, Floating<Pair<X, O>>>
  div(this: Tensor, other: Operand): Tensor {
    return binary('div', floating(this), floatingOperand('div', other))
  }
  /** Python's //: the quotient rounded down; integers stay integers, and x // 0 is 0 for them. */
  floorDivide<A extends Shape, X extends DType, O extends AnyOperand>(
    this: Tensor<A, X>,
    other: Other<'floorDivide', A, O>,
  ): Tensor<Wide<'floorDivide', A, O>, Pair<X, O>>
  floorDivide(this: Tensor, other: Operand): Tensor {
    refuseMisfits('floorDivide', this, other)
    const remainder = this.remainder(other)
    const exact = isFloat(remainder.dtype) ? this : this.cast(remainder.dtype).sub(remainder)
    const quotient = binary('div', exact, other)
    return isFloat(remainder.dtype) ? quotient.floor() : quotient
  }
  /** Python's %: the sign follows the divisor. */
  remainder<A extends Shape, X extends DType, O extends AnyOperand>(
    this: Tensor<A, X>,
    other: Other<'remainder', A, O>,
  ): Tensor<Wide<'remainder', A, O>, Pair<X, O>>
  remainder(this: Tensor, other: Operand): Tensor {
    return binary('remainder', this, other)
  }
  /** Integers stay integers where the exponent is a whole number ≥ 0, else they become float32. */
  pow<A extends Shape, X extends DType, O extends AnyOperand>(
    this: Tensor<A, X>,
    exponent: Other<'pow', A, O>,
  ): Tensor<Wide<'pow', A, O>, Pair<X, O>>
  pow(this: Tensor, exponent: Operand): Tensor {
    if (exponent === 0.5) return this.sqrt()
    if (typeof exponent === 'number' && Number.isInteger(exponent)) {
      const isExact = isFloat(this.dtype) ? exponent >= 1 && exponent <= 4 : exponent >= 0
      if (isExact) return wholePower(this, exponent)
    }
    return binary('pow', floating(this), floatingOperand('pow', exponent))
  }
  maximum<A extends Shape, X extends DType, O extends AnyOperand>(
    this: Tensor<A, X>,
    other: Other<'maximum', A, O>,
  ): Tensor<Wide<'maximum', A, O>, Pair<X, O>>
  maximum(this: Tensor, other: Operand): Tensor {
    return binary('maximum', this, other)
  }
  minimum<A extends Shape, X extends DType, O extends AnyOperand>(
    this: Tensor<A, X>,
    other: Other<'minimum', A, O>,
  ): Tensor<Wide<'minimum', A, O>, Pair<X, O>>
  minimum(this: Tensor, other: Operand): Tensor {
    return binary('minimum', this, other)
  }
  atan2<A extends Shape, X extends DType, O extends AnyOperand>(
    this: Tensor<A, X>,
    other: Other<'atan2', A, O>,
  ): Tensor<Wide<'atan2', A, O>, Floating<Pair<X, O>>>
  atan2(this: Tensor, other: Operand): Tensor {
    return binary('atan2', floating(this), floatingOperand('atan2', other))
  }
  neg<A extends Shape, X extends DType>(this: Tensor<A, X>): Tensor<A, X> {
    return unary('neg', this)
  }
  abs<A extends Shape, X extends DType>(this: Tensor<A, X>): Tensor<A, X> {
    return this.dtype === 'bool' || this.dtype === 'uint8' ? this : unary('abs', this)
  }
  sign<A extends Shape, X extends DType>(this: Tensor<A, X>): Tensor<A, X> {
    return unary('sign', this)
  }
  square<A extends Shape, X extends DType>(this: Tensor<A, X>): Tensor<A, X> {
    return wrap(build.binary('mul', this.node, this.node))
  }
  sqrt<A extends Shape, X extends DType>(this: Tensor<A, X>): Tensor<A, Floating<X>> {
    return float('sqrt', this)
  }
  rsqrt<A extends Shape, X extends DType>(this: Tensor<A, X>): Tensor<A, Floating<X>> {
    return wrap(build.binary('div', 1, floating(this).sqrt().node))
  }
  reciprocal<A extends Shape, X extends DType>(this: Tensor<A, X>): Tensor<A, Floating<X>> {
    return wrap(build.binary('div', 1, floating(this).node))
  }
  floor<A extends Shape, X extends DType>(this: Tensor<A, X>): Tensor<A, X> {
    return unary('floor', this)
  }
  ceil<A extends Shape, X extends DType>(this: Tensor<A, X>): Tensor<A, X> {
    return unary('ceil', this)
  }
  /** To the nearest integer, halves to even. */
  round<A extends Shape, X extends DType>(this: Tensor<A, X>): Tensor<A, X> {
    return unary('round', this)
  }
  trunc<A extends Shape, X extends DType>(this: Tensor<A, X>): Tensor<A, X> {
    return unary('trunc', this)
  }
  exp<A extends Shape, X extends DType>(this: Tensor<A, X>): Tensor<A, Floating<X>> {
    return float('exp', this)
  }
  expm1<A extends Shape, X extends DType>(this: Tensor<A, X>): Tensor<A, Floating<X>> {
    return float('expm1', this)
  }
  log<A extends Shape, X extends DType>(this: Tensor<A, X>): Tensor<A, Floating<X>> {
    return float('log', this)
  }
  log1p<A extends Shape, X extends DType>(this: Tensor<A, X>): Tensor<A, Floating<X>> {
    return float('log1p', this)
  }
  log2<A extends Shape, X extends DType>(this: Tensor<A, X>): Tensor<A, Floating<X>> {
    return wrap(build.binary('mul', this.log().node, Math.LOG2E))
  }
  sin<A extends Shape, X extends DType>(this: Tensor<A, X>): Tensor<A, Floating<X>> {
    return float('sin', this)
  }
  cos<A extends Shape, X extends DType>(this: Tensor<A, X>): Tensor<A, Floating<X>> {
    return float('cos', this)
  }
  tan<A extends Shape, X extends DType>(this: Tensor<A, X>): Tensor<A, Floating<X>> {
    return float('tan', this)
  }
  asin<A extends Shape, X extends DType>(this: Tensor<A, X>): Tensor<A, Floating<X>> {
    return float('asin', this)
  }
  acos<A extends Shape, X extends DType>(this: Tensor<A, X>): Tensor<A, Floating<X>> {
    return float('acos', this)
  }
  atan<A extends Shape, X extends DType>(this: Tensor<A, X>): Tensor<A, Floating<X>> {
    return float('atan', this)
  }
  sinh<A extends Shape, X extends DType>(this: Tensor<A, X>): Tensor<A, Floating<X>> {
    return float('sinh', this)
  }
  cosh<A extends Shape, X extends DType>(this: Tensor<A, X>): Tensor<A, Floating<X>> {
    return float('cosh', this)
  }
  tanh<A extends Shape, X extends DType>(this: Tensor<A, X>): Tensor<A, Floating<X>> {
    return float('tanh', this)
  }
  asinh<A extends Shape, X extends DType>(this: Tensor<A, X>): Tensor<A, Floating<X>> {
    return float('asinh', this)
  }
  acosh<A extends Shape, X extends DType>(this: Tensor<A, X>): Tensor<A, Floating<X>> {
    return float('acosh', this)
  }
  atanh<A extends Shape, X extends DType>(this: Tensor<A, X>): Tensor<A, Floating<X>> {
    return float('atanh', this)
  }
  erf<A extends Shape, X extends DType>(this: Tensor<A, X>): Tensor<A, Floating<X>> {
    return float('erf', this)
  }
  sigmoid<A extends Shape, X extends DType>(this: Tensor<A, X>): Tensor<A, Floating<X>> {
    return float('sigmoid', this)
  }
  /** max(x, 0); the derivative at 0 is 0 and NaN stays NaN. */
  relu<A extends Shape, X extends DType>(this: Tensor<A, X>): Tensor<A, X> {
    return wrap(build.where(build.binary('lessEqual', this.node, 0), 0, this.node))
  }
  /** The nearest value in [low, high]; the gradient passes at the edges. */
  clamp<A extends Shape, X extends DType>(this: Tensor<A, X>, low = -Infinity, high = Infinity): Tensor<A, X> {
    let x = this.node
    if (low !== -Infinity) x = build.where(build.binary('less', x, low), low, x)
    if (high !== Infinity) x = build.where(build.binary('less', build.constant(high, x.shape, x.dtype), x), high, x)
    return wrap(x)
  }

  // --- comparison and logic ------------------------------------------------

  equal<A extends Shape, X extends DType, O extends AnyOperand>(
    this: Tensor<A, X>,
    other: Other<'equal', A, O>,
  ): Tensor<Wide<'equal', A, O>, 'bool'>
  equal(this: Tensor, other: Operand): Tensor {
    return binary('equal', this, other)
  }
  notEqual<A extends Shape, X extends DType, O extends AnyOperand>(
    this: Tensor<A, X>,
    other: Other<'notEqual', A, O>,
  ): Tensor<Wide<'notEqual', A, O>, 'bool'>
  notEqual(this: Tensor, other: Operand): Tensor {
    return binary('notEqual', this, other)
  }
  less<A extends Shape, X extends DType, O extends AnyOperand>(
    this: Tensor<A, X>,
    other: Other<'less', A, O>,
  ): Tensor<Wide<'less', A, O>, 'bool'>
  less(this: Tensor, other: Operand): Tensor {
    return binary('less', this, other)
  }
  lessEqual<A extends Shape, X extends DType, O extends AnyOperand>(
    this: Tensor<A, X>,
    other: Other<'lessEqual', A, O>,
  ): Tensor<Wide<'lessEqual', A, O>, 'bool'>
  lessEqual(this: Tensor, other: Operand): Tensor {
    return binary('lessEqual', this, other)
  }
  greater<A extends Shape, X extends DType, O extends AnyOperand>(
    this: Tensor<A, X>,
    other: Other<'greater', A, O>,
  ): Tensor<Wide<'greater', A, O>, 'bool'>
  greater(this: Tensor, other: Operand): Tensor {
    refuseMisfits('greater', this, other)
    return wrap(typeof other === 'number' ? swapped('less', this, other) : build.binary('less', other.node, this.node))
  }
  greaterEqual<A extends Shape, X extends DType, O extends AnyOperand>(
    this: Tensor<A, X>,
    other: Other<'greaterEqual', A, O>,
  ): Tensor<Wide<'greaterEqual', A, O>, 'bool'>
  greaterEqual(this: Tensor, other: Operand): Tensor {
    refuseMisfits('greaterEqual', this, other)
    return wrap(
      typeof other === 'number' ? swapped('lessEqual', this, other) : build.binary('lessEqual', other.node, this.node),
    )
  }
  /** Logical on bool, bitwise on integers; likewise `or`, `xor` and `not`. */
  and<A extends Shape, X extends DType, O extends AnyOperand>(
    this: Tensor<A, X>,
    other: Other<'and', A, O>,
  ): Tensor<Wide<'and', A, O>, Pair<X, O>>
  and(this: Tensor, other: Operand): Tensor {
    return binary('and', this, other)
  }
  or<A extends Shape, X extends DType, O extends AnyOperand>(
    this: Tensor<A, X>,
    other: Other<'or', A, O>,
  ): Tensor<Wide<'or', A, O>, Pair<X, O>>
  or(this: Tensor, other: Operand): Tensor {
    return binary('or', this, other)
  }
  xor<A extends Shape, X extends DType, O extends AnyOperand>(
    this: Tensor<A, X>,
    other: Other<'xor', A, O>,
  ): Tensor<Wide<'xor', A, O>, Pair<X, O>>
  xor(this: Tensor, other: Operand): Tensor {
    return binary('xor', this, other)
  }
  not<A extends Shape, X extends DType>(this: Tensor<A, X>): Tensor<A, X> {
    return unary('not', this)
  }
  isNaN<A extends Shape>(this: Tensor<A>): Tensor<A, 'bool'> {
    return wrap(build.binary('notEqual', this.node, this.node))
  }
  /** Neither infinite nor NaN. */
  isFinite<A extends Shape>(this: Tensor<A>): Tensor<A, 'bool'> {
    if (!isFloat(this.dtype)) return wrap(build.binary('equal', this.node, this.node))
    return wrap(build.binary('less', build.unary('abs', this.node), Infinity))
  }
  /** `value` where the mask holds, this tensor's elements elsewhere. */
  maskedFill<A extends Shape, X extends DType, M extends AnyTensor, O extends AnyOperand>(
    this: Tensor<A, X>,
    mask: Other<'where', A, M>,
    value: Other<'where', A, O>,
  ): Tensor<Wide<'where', A, M>, Pair<X, O>>
  maskedFill(this: Tensor, mask: Tensor, value: Operand): Tensor {
    return mask.where(value, this)
  }
  /** Elements of `a` where this condition holds, of `b` elsewhere. */
  where<A extends Shape, P extends AnyOperand, Q extends AnyOperand>(
    this: Tensor<A>,
    a: Other<'where', A, P>,
    b: Other<'where', Sound<shapes.Broadcast<'where', A, ShapeOf<P>>>, Q>,
  ): Tensor<Wide<'where', Sound<shapes.Broadcast<'where', A, ShapeOf<P>>>, Q>, Chosen<P, Q>>
  where(this: Tensor, a: Operand, b: Operand): Tensor {
    if (runtime.strictBroadcasting) for (const x of [a, b]) refuseMisfits('where', this, x)
    checkOperand('where', a)
    checkOperand('where', b)
    return wrap(build.where(this.node, nodeOf(a), nodeOf(b)))
  }

  // --- shape ---------------------------------------------------------------

  /**
   * The same tensor with names for its axes, which errors then show and the types know. A number in place of a name states
   * the extent, so that a shape which the compiler does not know is checked here, once. Throws when it is another one.
   *
   *     const images = batch.named(['batch', 784])   // Tensor<['batch', 784]>
   */
  named<A extends Shape, X extends DType, const B extends Shape>(
    this: Tensor<A, X>,
    shape: Checked<NoInfer<movements.Named<A, B>>, B>,
  ): Tensor<shapes.Writable<B>, X>
  named(this: Tensor, shape: Shape): Tensor {
    const misfits =
      shape.length !== this.rank || shape.some((d, axis) => typeof d === 'number' && d !== this.shape[axis])
    if (misfits) throw misfit(`named: ${show(this.shape)} is not [${shape.join(', ')}]`)
    const names = shape.map((d) => (typeof d === 'string' ? d : undefined))
    return wrap(build.node('reshape', [this.node], { shape: withNames(this.shape, names) }))
  }
  /** One extent may be −1: it is worked out from the others. */
  reshape<A extends Shape, X extends DType, const B extends Dims>(
    this: Tensor<A, X>,
    shape: Checked<NoInfer<movements.Reshaped<A, B>>, B>,
  ): Tensor<Sound<movements.Reshaped<A, B>>, X>
  reshape(this: Tensor, shape: Dims): Tensor {
    return wrap(build.reshape(this.node, resolveShape(shape, this.shape)))
  }
  flatten<A extends Shape, X extends DType, const I extends number = 0, const J extends number = -1>(
    this: Tensor<A, X>,
    startAxis?: Checked<NoInfer<movements.Flattened<A, I, J>>, I>,
    endAxis?: J,
  ): Tensor<Sound<movements.Flattened<A, I, J>>, X>
  flatten(this: Tensor, startAxis = 0, endAxis = -1): Tensor {
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
  permute<A extends Shape, X extends DType, const L extends Dims>(
    this: Tensor<A, X>,
    order: Checked<NoInfer<movements.Permuted<A, L>>, L>,
  ): Tensor<Sound<movements.Permuted<A, L>>, X>
  permute(this: Tensor, order: Dims): Tensor {
    if (order.length !== this.rank || new Set(order.map((a) => (a < 0 ? a + this.rank : a))).size !== this.rank)
      throw misfit(`permute: ${show(order)} is not a permutation of the ${this.rank} axes of ${show(this.shape)}`)
    return wrap(
      build.transpose(
        this.node,
        order.map((a) => normalizeAxis(a, this.rank, 'permute')),
      ),
    )
  }
  /** Swaps two axes; the last two by default. */
  transpose<A extends Shape, X extends DType, const I extends number = -2, const J extends number = -1>(
    this: Checked<NoInfer<movements.Transposed<A, I, J>>, Tensor<A, X>>,
    a?: I,
    b?: J,
  ): Tensor<Sound<movements.Transposed<A, I, J>>, X>
  transpose(this: Tensor, a = -2, b = -1): Tensor {
    const order = [...this.shape.keys()]
    const [i, j] = [normalizeAxis(a, this.rank, 'transpose'), normalizeAxis(b, this.rank, 'transpose')]
    order[i] = j
    order[j] = i
    return wrap(build.transpose(this.node, order))
  }
  squeeze<A extends Shape, X extends DType, const L extends Axes | undefined = undefined>(
    this: Tensor<A, X>,
    axes?: Checked<NoInfer<shapes.Squeezed<A, L>>, L>,
  ): Tensor<Sound<shapes.Squeezed<A, L>>, X>
  squeeze(this: Tensor, axes?: Axes): Tensor {
    const drop =
      axes === undefined
        ? [...this.shape.keys()].filter((a) => this.shape[a] === 1)
        : normalizeAxes(axes, this.rank, 'squeeze')
    const bad = drop.find((a) => this.shape[a] !== 1)
    if (bad !== undefined)
      throw misfit(`squeeze: axis ${bad} of ${show(this.shape)} has extent ${this.shape[bad]}, not 1`)
    return wrap(build.reshape(this.node, without(this.shape, drop)))
  }
  unsqueeze<A extends Shape, X extends DType, const I extends number>(
    this: Tensor<A, X>,
    axis: Checked<NoInfer<shapes.Inserted<'unsqueeze', A, I, 1>>, I>,
  ): Tensor<Sound<shapes.Inserted<'unsqueeze', A, I, 1>>, X>
  unsqueeze(this: Tensor, axis: number): Tensor {
    const at = normalizeAxis(axis, this.rank + 1, 'unsqueeze')
    const axes = this.shape.map((_, axis) => axis)
    const longer = renamed(this.shape.toSpliced(at, 0, 1), this.shape, axes.toSpliced(at, 0, -1))
    return wrap(build.reshape(this.node, longer))
  }
  broadcastTo<A extends Shape, X extends DType, const B extends Dims>(
    this: Tensor<A, X>,
    shape: Checked<NoInfer<movements.BroadcastTo<A, B>>, B>,
  ): Tensor<Sound<movements.BroadcastTo<A, B>>, X>
  broadcastTo(this: Tensor, shape: Dims): Tensor {
    return wrap(build.broadcast(this.node, shape))
  }
  /** Python's slices, one per leading axis: `x.slice([1, 3], [null, null, -1])`. */
  slice<A extends Shape, X extends DType, const R extends readonly (Range | null)[]>(
    this: Checked<NoInfer<movements.Sliced<A, R>>, Tensor<A, X>>,
    ...ranges: R
  ): Tensor<Sound<movements.Sliced<A, R>>, X>
  slice(this: Tensor, ...ranges: readonly (Range | null)[]): Tensor {
    if (ranges.length > this.rank) throw misfit(`slice: ${ranges.length} ranges for ${show(this.shape)}`)
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
  at<A extends Shape, X extends DType, O extends AnyOperand, const I extends number = 0>(
    this: Tensor<A, X>,
    i: O,
    axis?: AxesOf<'at', A, I>,
  ): Tensor<Sound<shapes.Replaced<'at', A, I, ShapeOf<O>>>, X>
  at(this: Tensor, i: number | Tensor, axis = 0): Tensor {
    const a = normalizeAxis(axis, this.rank, 'at')
    if (i instanceof Tensor) return this.take(i, a)
    const extent = this.shape[a] as number
    const index = i < 0 ? i + extent : i
    if (!Number.isInteger(i) || index < 0 || index >= extent)
      throw misfit(`at: index ${i} is out of range for axis ${a} of ${show(this.shape)}`)
    const ranges = this.shape.map((_, k): Range => (k === a ? [index, index + 1] : []))
    return this.slice(...ranges).squeeze(a)
  }
  /** Reverses the given axes; all by default. */
  flip<A extends Shape, X extends DType, const L extends Axes | undefined = undefined>(
    this: Tensor<A, X>,
    axes?: AxesOf<'flip', A, L>,
  ): Tensor<A, X>
  flip(this: Tensor, axes?: Axes): Tensor {
    const list = normalizeAxes(axes, this.rank, 'flip')
    return this.slice(...this.shape.map((_, a): Range => (list.includes(a) ? [null, null, -1] : [])))
  }
  /** `amounts[axis] = [before, after]`, filled with `value`. */
  pad<A extends Shape, X extends DType>(
    this: Tensor<A, X>,
    amounts: readonly (readonly [number, number])[],
    value?: number,
  ): Tensor<movements.Resized<A>, X>
  pad(this: Tensor, amounts: readonly (readonly [number, number])[], value = 0): Tensor {
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
  take<A extends Shape, X extends DType, O extends AnyTensor, const I extends number = 0>(
    this: Tensor<A, X>,
    indices: O,
    axis?: AxesOf<'take', A, I>,
  ): Tensor<Sound<shapes.Replaced<'take', A, I, ShapeOf<O>>>, X>
  take(this: Tensor, indices: Tensor, axis = 0): Tensor {
    return wrap(build.node('take', [this.node, indexing(indices)], { axis: normalizeAxis(axis, this.rank, 'take') }))
  }
  /** One element per index along an axis, all other axes equal (PyTorch's gather). */
  takeAlong<A extends Shape, X extends DType, B extends Shape, const I extends number>(
    this: Tensor<A, X>,
    indices: Tensor<B>,
    axis: AxesOf<'takeAlong', A, I>,
  ): Tensor<B, X>
  takeAlong(this: Tensor, indices: Tensor, axis: number): Tensor {
    const attributes = { axis: normalizeAxis(axis, this.rank, 'takeAlong') }
    return wrap(build.node('takeAlong', [this.node, indexing(indices)], attributes))
  }
  /** This tensor with `source` added at `indices` of an axis, again for indices that repeat: the counterpart of `take`. */
  indexAdd<A extends Shape, X extends DType, const I extends number = 0>(
    this: Tensor<A, X>,
    indices: Tensor,
    source: Tensor,
    axis?: AxesOf<'indexAdd', A, I>,
  ): Tensor<A, X>
  indexAdd(this: Tensor, indices: Tensor, source: Tensor, axis = 0): Tensor {
    const a = normalizeAxis(axis, this.rank, 'indexAdd')
    const attributes = { axis: a, length: this.shape[a] }
    return this.add(wrap(build.node('scatterAdd', [indexing(indices), source.cast(this.dtype).node], attributes)))
  }
  /** This tensor with `source` added along an axis, one index per element: the counterpart of `takeAlong`. */
  scatterAdd<A extends Shape, X extends DType, const I extends number>(
    this: Tensor<A, X>,
    indices: Tensor,
    source: Tensor,
    axis: AxesOf<'scatterAdd', A, I>,
  ): Tensor<A, X>
  scatterAdd(this: Tensor, indices: Tensor, source: Tensor, axis: number): Tensor {
    const a = normalizeAxis(axis, this.rank, 'scatterAdd')
    const attributes = { axis: a, length: this.shape[a] }
    return this.add(wrap(build.node('scatterAddAlong', [indexing(indices), source.cast(this.dtype).node], attributes)))
  }

  // --- reduction -----------------------------------------------------------

  /** bool and uint8 are summed (and multiplied by `prod`) as int32. */
  sum<A extends Shape, X extends DType, const L extends Axes | undefined = undefined, const K extends boolean = false>(
    this: Tensor<A, X>,
    axes?: Reducible<'sum', A, L, K>,
    keepAxes?: K,
  ): Tensor<Less<'sum', A, L, K>, Widened<X>>
  sum(this: Tensor, axes?: Axes, keepAxes = false): Tensor {
    const x = widened(this)
    const list = normalizeAxes(axes, this.rank, 'sum')
    return kept(x, wrap(build.sum(x.node, list)), list, keepAxes)
  }
  mean<A extends Shape, X extends DType, const L extends Axes | undefined = undefined, const K extends boolean = false>(
    this: Tensor<A, X>,
    axes?: Reducible<'mean', A, L, K>,
    keepAxes?: K,
  ): Tensor<Less<'mean', A, L, K>, Floating<X>>
  mean(this: Tensor, axes?: Axes, keepAxes = false): Tensor {
    const x = floating(this)
    const list = normalizeAxes(axes, this.rank, 'mean')
    return x.sum(list, keepAxes).div(sizeOf(list.map((a) => this.shape[a] as number)))
  }
  prod<A extends Shape, X extends DType, const L extends Axes | undefined = undefined, const K extends boolean = false>(
    this: Tensor<A, X>,
    axes?: Reducible<'prod', A, L, K>,
    keepAxes?: K,
  ): Tensor<Less<'prod', A, L, K>, Widened<X>>
  prod(this: Tensor, axes?: Axes, keepAxes = false): Tensor {
    const x = widened(this)
    const list = normalizeAxes(axes, this.rank, 'prod')
    return kept(x, wrap(build.node('prod', [x.node], { axes: list })), list, keepAxes)
  }
  /** The largest element. Its gradient goes to the first of equal maxima when one axis is given, else is shared evenly. */
  max<A extends Shape, X extends DType, const L extends Axes | undefined = undefined, const K extends boolean = false>(
    this: Tensor<A, X>,
    axes?: Reducible<'max', A, L, K>,
    keepAxes?: K,
  ): Tensor<Less<'max', A, L, K>, X>
  max(this: Tensor, axes?: Axes, keepAxes = false): Tensor {
    return extremum('max', this, axes, keepAxes)
  }
  min<A extends Shape, X extends DType, const L extends Axes | undefined = undefined, const K extends boolean = false>(
    this: Tensor<A, X>,
    axes?: Reducible<'min', A, L, K>,
    keepAxes?: K,
  ): Tensor<Less<'min', A, L, K>, X>
  min(this: Tensor, axes?: Axes, keepAxes = false): Tensor {
    return extremum('min', this, axes, keepAxes)
  }
  /** Like max and min, with the gradient shared evenly between equal extrema. */
  amax<A extends Shape, X extends DType, const L extends Axes | undefined = undefined, const K extends boolean = false>(
    this: Tensor<A, X>,
    axes?: Reducible<'max', A, L, K>,
    keepAxes?: K,
  ): Tensor<Less<'max', A, L, K>, X>
  amax(this: Tensor, axes?: Axes, keepAxes = false): Tensor {
    return extremum('max', this, axes, keepAxes, 'even')
  }
  amin<A extends Shape, X extends DType, const L extends Axes | undefined = undefined, const K extends boolean = false>(
    this: Tensor<A, X>,
    axes?: Reducible<'min', A, L, K>,
    keepAxes?: K,
  ): Tensor<Less<'min', A, L, K>, X>
  amin(this: Tensor, axes?: Axes, keepAxes = false): Tensor {
    return extremum('min', this, axes, keepAxes, 'even')
  }
  /** The position of the first largest element; over all elements when no axis is given. */
  argmax<
    A extends Shape,
    X extends DType,
    const L extends number | undefined = undefined,
    const K extends boolean = false,
  >(this: Tensor<A, X>, axis?: Reducible<'argmax', A, L, K>, keepAxes?: K): Tensor<Less<'argmax', A, L, K>, 'int32'>
  argmax(this: Tensor, axis?: number, keepAxes = false): Tensor {
    const list = normalizeAxes(axis, this.rank, 'argmax')
    return kept(this, wrap(build.node('argmax', [this.node], { axes: list })), list, keepAxes)
  }
  argmin<
    A extends Shape,
    X extends DType,
    const L extends number | undefined = undefined,
    const K extends boolean = false,
  >(this: Tensor<A, X>, axis?: Reducible<'argmin', A, L, K>, keepAxes?: K): Tensor<Less<'argmin', A, L, K>, 'int32'>
  argmin(this: Tensor, axis?: number, keepAxes = false): Tensor {
    const list = normalizeAxes(axis, this.rank, 'argmin')
    return kept(this, wrap(build.node('argmin', [this.node], { axes: list })), list, keepAxes)
  }
  any<A extends Shape, X extends DType, const L extends Axes | undefined = undefined, const K extends boolean = false>(
    this: Tensor<A, X>,
    axes?: Reducible<'max', A, L, K>,
    keepAxes?: K,
  ): Tensor<Less<'max', A, L, K>, 'bool'>
  any(this: Tensor, axes?: Axes, keepAxes = false): Tensor {
    return extremum('max', this.cast('bool'), axes, keepAxes)
  }
  all<A extends Shape, X extends DType, const L extends Axes | undefined = undefined, const K extends boolean = false>(
    this: Tensor<A, X>,
    axes?: Reducible<'min', A, L, K>,
    keepAxes?: K,
  ): Tensor<Less<'min', A, L, K>, 'bool'>
  all(this: Tensor, axes?: Axes, keepAxes = false): Tensor {
    return extremum('min', this.cast('bool'), axes, keepAxes)
  }
  /** Σ(x − mean)² / (n − correction); correction 1, the default, is the unbiased estimate. */
  var<A extends Shape, X extends DType, const L extends Axes | undefined = undefined, const K extends boolean = false>(
    this: Tensor<A, X>,
    axes?: Reducible<'var', A, L, K>,
    options?: { readonly correction?: number; readonly keepAxes?: K },
  ): Tensor<Less<'var', A, L, K>, Floating<X>>
  var(this: Tensor, axes?: Axes, options: { readonly correction?: number; readonly keepAxes?: boolean } = {}): Tensor {
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
  std<A extends Shape, X extends DType, const L extends Axes | undefined = undefined, const K extends boolean = false>(
    this: Tensor<A, X>,
    axes?: Reducible<'var', A, L, K>,
    options?: { readonly correction?: number; readonly keepAxes?: K },
  ): Tensor<Less<'var', A, L, K>, Floating<X>>
  std(this: Tensor, axes?: Axes, options: { readonly correction?: number; readonly keepAxes?: boolean } = {}): Tensor {
    return safeRoot(this.var(axes, options))
  }
  /** log Σ exp, shifted by the maximum: finite wherever the result is. */
  logSumExp<
    A extends Shape,
    X extends DType,
    const L extends Axes | undefined = undefined,
    const K extends boolean = false,
  >(
    this: Tensor<A, X>,
    axes?: Reducible<'logSumExp', A, L, K>,
    keepAxes?: K,
  ): Tensor<Less<'logSumExp', A, L, K>, Floating<X>>
  logSumExp(this: Tensor, axes?: Axes, keepAxes = false): Tensor {
    const list = normalizeAxes(axes, this.rank, 'logSumExp')
    const x = floating(this)
    return kept(x, wrap(forms.logSumExp(x.node, list)), list, keepAxes)
  }
  /** eˣ / Σ eˣ along an axis, shifted by the maximum. */
  softmax<A extends Shape, X extends DType, const L extends number = -1>(
    this: Tensor<A, X>,
    axis?: AxesOf<'softmax', A, L>,
  ): Tensor<A, Floating<X>>
  softmax(this: Tensor, axis = -1): Tensor {
    return wrap(forms.softmax(floating(this).node, [normalizeAxis(axis, this.rank, 'softmax')]))
  }
  logSoftmax<A extends Shape, X extends DType, const L extends number = -1>(
    this: Tensor<A, X>,
    axis?: AxesOf<'logSoftmax', A, L>,
  ): Tensor<A, Floating<X>>
  logSoftmax(this: Tensor, axis = -1): Tensor {
    return wrap(forms.logSoftmax(floating(this).node, [normalizeAxis(axis, this.rank, 'logSoftmax')]))
  }

  // --- contraction ---------------------------------------------------------

  /** The matrix product as NumPy's @: vectors are completed by an axis of 1 that is dropped again, leading axes broadcast. */
  matmul<A extends Shape, X extends DType, O extends AnyTensor>(
    this: Tensor<A, X>,
    other: Checked<NoInfer<shapes.Matmul<A, ShapeOf<O>>>, O>,
  ): Tensor<Sound<shapes.Matmul<A, ShapeOf<O>>>, Promote<X, shapes.DTypeOf<O>>>
  matmul(this: Tensor, other: Tensor): Tensor {
    return matmul(this, other)
  }
  /** Σ x·y of two vectors. */
  dot<A extends Shape, X extends DType, O extends AnyTensor>(
    this: Tensor<A, X>,
    other: Checked<NoInfer<shapes.Matmul<A, ShapeOf<O>>>, O>,
  ): Tensor<Sound<shapes.Matmul<A, ShapeOf<O>>>, Promote<X, shapes.DTypeOf<O>>>
  dot(this: Tensor, other: Tensor): Tensor {
    return matmul(this, other)
  }

  // --- types and history ---------------------------------------------------

  cast<A extends Shape, E extends DType>(this: Tensor<A>, dtype: E): Tensor<A, E> {
    return wrap(build.cast(this.node, dtype))
  }
  /** The same value, a constant to every gradient. */
  detach<A extends Shape, X extends DType>(this: Tensor<A, X>): Tensor<A, X> {
    return wrap(build.node('stopGradient', [this.node], {}))
  }
  stopGradient<A extends Shape, X extends DType>(this: Tensor<A, X>): Tensor<A, X> {
    return this.detach()
  }
}

/** Told as plain members, so that the compiler does not make all of them anew for each shape of a program. */
const Untyped: new (node: Node | undefined, shape?: Dims, dtype?: DType) => { [K in keyof Operations]: Operations[K] } =
  Operations

/**
 * An array of numbers of one dtype, or what will be one: methods build a graph, and reading computes it. The type says the
 * shape where it is known, as `Tensor<['batch', 784]>`; what does not fit then does not compile. `Tensor` alone has any shape.
 */
export class Tensor<S extends Shape = Shape, D extends DType = DType> extends Untyped {
  declare readonly '~shape': shapes.Comparable<S>
  declare readonly '~types': shapes.Carried<S, D>
  declare readonly shape: shapes.Extents<S>
  declare readonly dtype: D

  /**
   * Gives the memory of a computed value back at once; reading it afterwards throws. Never needed: memory is bounded without it.
   * What was not computed, and what a variable holds, is left alone.
   */
  dispose(): void {
    disposeValue(this.node)
  }
  [Symbol.dispose](): void {
    this.dispose()
  }
}

const reclaimAfter = 64 * 1024 * 1024

/** A tensor of a node, which gradients don't enter while they are off. Its types are what the caller says they are. */
export const wrap = <S extends Shape, D extends DType>(node: Node): Tensor<S, D> =>
  new Tensor<S, D>(runtime.gradients || node.op === 'leaf' ? node : build.node('stopGradient', [node], {}))

export const nodeOf = (x: Operand): Node | number => (typeof x === 'number' ? x : x.node)

/** Throws unless it is a tensor or a number, as compiled JavaScript may give others. */
function checkOperand(op: string, x: unknown): void {
  if (typeof x !== 'number' && !(x instanceof Tensor))
    throw mistake(
      `${op}: an operand is ${Array.isArray(x) ? 'an array' : String(x)}, it must be a tensor or a number: make a tensor of it by tensor(…)`,
    )
}

const floatingOperand = (op: string, x: Operand): Operand => {
  checkOperand(op, x)
  return typeof x === 'number' ? x : floating(x)
}

/** Integers and booleans as float32; floats as they are. */
export const floating = (x: Tensor): Tensor => (isFloat(x.dtype) ? x : x.cast('float32'))

/** The square root with the derivative 0, not infinity, at 0. */
export const safeRoot = (x: Tensor): Tensor => wrap(forms.safeRoot(x.node))

const widened = (x: Tensor): Tensor => (x.dtype === 'bool' || x.dtype === 'uint8' ? x.cast('int32') : x)

/** bool is refused by the operation: a mask is not a list of positions. */
const indexing = (indices: Tensor): Node => (indices.dtype === 'uint8' ? indices.cast('int32') : indices).node

function wholePower(x: Tensor, exponent: number): Tensor {
  if (exponent === 0) return wrap(build.constant(1, x.shape, x.dtype))
  const half = wholePower(x, Math.floor(exponent / 2))
  return exponent === 1 ? x : exponent % 2 === 0 ? half.mul(half) : half.mul(half).mul(x)
}

const unary = <S extends Shape, D extends DType>(op: UnaryName, x: Tensor): Tensor<S, D> =>
  wrap(build.unary(op, x.node))
const float = <S extends Shape, D extends DType>(op: UnaryName, x: Tensor): Tensor<S, D> => unary(op, floating(x))
function binary(op: BinaryName, a: Tensor, b: Operand): Tensor {
  checkOperand(op, b)
  if (runtime.strictBroadcasting && typeof b !== 'number') refuseSilent(op, a.shape, b.shape)
  return wrap(build.binary(op, a.node, nodeOf(b)))
}

/** What `configure({ broadcasting: 'strict' })` refuses. */
function refuseSilent(op: string, a: Dims, b: Dims): void {
  if (a.length === 0 || b.length === 0) return
  const wide = broadcastShapes(a, b, op)
  const isStretched = (shape: Dims): boolean => shape.length < wide.length || shape.some((d, axis) => d !== wide[axis])
  if (a.length !== b.length || (isStretched(a) && isStretched(b))) {
    throw misfit(
      `${op}: ${show(a)} with ${show(b)} would become ${show(wide)}, which strict broadcasting refuses: give both one rank with unsqueeze or reshape, stretch with broadcastTo, or mean it with withBroadcasting('numpy', …)`,
    )
  }
}

/** Refuses operands that do not broadcast, in the name of an operation that is made of others. */
function refuseMisfits(op: string, a: Tensor, b: Operand): void {
  checkOperand(op, b)
  if (typeof b === 'number') return
  broadcastShapes(a.shape, b.shape, op)
  if (runtime.strictBroadcasting) refuseSilent(op, a.shape, b.shape)
}
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
  if (typeof b === 'number') throw mistake(`matmul: an operand is ${String(b)}: for a product with a number use mul`)
  checkOperand('matmul', b)
  if (a.rank === 0 || b.rank === 0)
    throw misfit(`matmul: ${show(a.shape)} @ ${show(b.shape)}: scalars have no inner dimension, use mul`)
  const dtype = promote(a.dtype, b.dtype)
  const [x, y] = [a.cast(dtype), b.cast(dtype)]
  const [k, k2] = [x.shape.at(-1), y.shape.at(y.rank === 1 ? 0 : -2)]
  if (k !== k2) throw misfit(`matmul: inner dimensions differ, ${show(x.shape)} @ ${show(y.shape)}: ${k} is not ${k2}`)
  if (x.rank === 1) return matmul(x.unsqueeze(0), y).squeeze(y.rank === 1 ? 0 : -2)
  if (y.rank === 1) return matmul(x, y.unsqueeze(1)).squeeze(-1)
  // One matrix on the right serves all rows on the left: a single product.
  if (y.rank === 2 && x.rank > 2) {
    const rows = x.reshape([sizeOf(x.shape.slice(0, -1)), k as number])
    const shape = [...x.shape.slice(0, -1), y.shape[1] as number]
    const axes = shape.map((_, axis) => (axis < shape.length - 1 ? axis : undefined))
    return matmul(rows, y).reshape(renamed(shape, x.shape, axes))
  }
  const batch = broadcastShapes(x.shape.slice(0, -2), y.shape.slice(0, -2), 'matmul')
  const full = (t: Tensor): Node => t.broadcastTo([...batch, ...t.shape.slice(-2)]).node
  return wrap(build.node('matmul', [full(x), full(y)], {}))
}

function single(x: { readonly shape: Dims }, values: DataArray): number {
  if (values.length !== 1)
    throw misfit(`item: the tensor has shape ${show(x.shape)} with ${values.length} elements, not one`)
  return values[0] as number
}
