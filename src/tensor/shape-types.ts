// Shapes as types: what each operation makes of the shapes it is given, or the sentence that says why it cannot.

import type { DataArray, DType } from '../graph/dtype.ts'
import type { Nested } from './nested.ts'

/** An extent: a number, a name such as 'batch' that stands for any number, or `number` where it is not known. */
export type Dim = number | string

/**
 * A shape as a type, [2, 3] or ['batch', 784]; `Shape` itself where nothing is known, which is then checked when the
 * program runs. A number may be given where a name is asked for, and both where `number` is; not the other way round.
 */
export type Shape = readonly Dim[]

/** Takes an argument's place when shapes do not fit: no tensor is one, so the compiler shows the message. */
export interface ShapeError<Message extends string> {
  readonly '~shapes': Message
}

/** The type of an argument that gives the result R: T, or the error that R is. */
export type Checked<R, T> = R extends ShapeError<string> ? R : T

/** The result R, and nothing known where it is an error, so that one mistake gives one message. */
export type Sound<R> = R extends Shape ? R : Shape

// --- how a tensor carries its types -------------------------------------------

/** What of a tensor's type the compiler compares: a set of sizes per axis, in which every name includes all numbers. */
export type Comparable<S extends Shape> = { readonly [K in keyof S]: Sizes<S[K]> }
type Sizes<X> = X extends string ? number | X : number extends X ? number | string : X

/** The shape as `x.shape` holds it: numbers. */
export type Extents<S extends Shape> = { readonly [K in keyof S]: S[K] extends number ? S[K] : number }

/** Holds types for inference alone: since no member uses them, they never stand in the way of an assignment. */
// biome-ignore lint/correctness/noUnusedVariables: see above
export interface Carried<S extends Shape, D extends DType> {
  readonly carried: true
}

/** Any tensor, told by one member, so that the compiler need not compare all methods to see that something is a tensor. */
export interface AnyTensor {
  readonly '~types': Carried<Shape, DType>
}

/** The shape of a tensor, [] of a number. */
export type ShapeOf<T> = T extends { readonly '~types': Carried<infer S, infer _> } ? S : []
export type DTypeOf<T> = T extends { readonly '~types': Carried<infer _, infer D> } ? D : never

/** Numbers as an argument: `const S extends AnyDims` is a tuple of [2, 3] that is not readonly, which spares the compiler a second one. */
export type AnyDims = number[] | readonly number[]

export type Writable<S extends Shape> = { -readonly [K in keyof S]: S[K] }

// --- words ---------------------------------------------------------------------

/** A shape as errors print it, `[batch, 784]`; `?` where an extent is not known. */
export type Text<S extends Shape> = number extends S['length'] ? '[...]' : `[${Words<S>}]`
type Words<S extends Shape> = S extends readonly [infer X extends Dim]
  ? Word<X>
  : S extends readonly [infer X extends Dim, ...infer Rest extends Shape]
    ? `${Word<X>}, ${Words<Rest>}`
    : ''
export type Word<X extends Dim> = number extends X ? '?' : `${X}`

// --- extents -------------------------------------------------------------------

/** Whether two extents can be equal as far as is known. */
export type Agree<X extends Dim, Y extends Dim> = number extends X
  ? true
  : number extends Y
    ? true
    : [X] extends [Y]
      ? true
      : false

/** The extent that two stretch to, never where none does. */
type Stretch<X extends Dim, Y extends Dim> = [X] extends [1]
  ? Y
  : [Y] extends [1]
    ? X
    : number extends X
      ? Y
      : number extends Y
        ? X
        : [X] extends [Y]
          ? X
          : never

export type IsUnknown<S extends Shape> = number extends S['length'] ? true : false

// --- pointwise operations -----------------------------------------------------

/** The shape that both broadcast to, right aligned. */
export type Broadcast<Op extends string, A extends Shape, B extends Shape> = number extends B['length']
  ? Shape
  : // Most often the second is the end of the first: a bias, the same shape, a scalar.
    A extends [infer _, ...B]
    ? A
    : A extends readonly [...Dim[], ...B]
      ? A
      : BroadcastAny<Op, A, B>

type BroadcastAny<Op extends string, A extends Shape, B extends Shape> = number extends A['length']
  ? Shape
  : Zip<A, B> extends infer R
    ? R extends Shape
      ? R
      : R extends Mismatch<infer X, infer Y>
        ? ShapeError<`${Op}: cannot broadcast ${Text<A>} with ${Text<B>}: ${X} is not ${Y}, and neither is 1`>
        : never
    : never

interface Mismatch<X extends Dim, Y extends Dim> {
  readonly mismatch: readonly [X, Y]
}
type Zip<A extends Shape, B extends Shape, Out extends Shape = []> = A extends readonly [
  ...infer RestA extends Shape,
  infer X extends Dim,
]
  ? B extends readonly [...infer RestB extends Shape, infer Y extends Dim]
    ? [Stretch<X, Y>] extends [never]
      ? Mismatch<X, Y>
      : Zip<RestA, RestB, [Stretch<X, Y>, ...Out]>
    : [...A, ...Out]
  : [...B, ...Out]

// --- axes ----------------------------------------------------------------------

/** An axis counted from either end as one counted from the front; never where it is out of range. */
export type Position<S extends Shape, Axis extends number> = Axis extends number
  ? `${Axis}` extends keyof S
    ? Axis
    : `${Axis}` extends `-${infer Back extends number}`
      ? FromEnd<S, Back>
      : never
  : never
type FromEnd<S extends Shape, Back extends number, Passed extends 1[] = []> = Passed['length'] extends Back
  ? S['length']
  : S extends readonly [...infer Rest extends Shape, Dim]
    ? FromEnd<Rest, Back, [...Passed, 1]>
    : never

/** The first of the axes that is out of range, never where all are good. */
type Bad<S extends Shape, Axis extends number> = Axis extends number
  ? [Position<S, Axis>] extends [never]
    ? Axis
    : never
  : never

type OutOfRange<Op extends string, S extends Shape, Axis extends number> = S extends readonly [
  Dim,
  ...infer Rest extends Shape,
]
  ? ShapeError<`${Op}: axis ${Axis} is out of range for rank ${S['length']}: use an integer from -${S['length']} to ${Rest['length']}`>
  : ShapeError<`${Op}: axis ${Axis} is out of range for rank 0: a scalar has no axes`>

/** `Then` where all axes are in range, else the error; Shape where shape or axes are not known. */
export type WithAxes<Op extends string, S extends Shape, Axis extends number, Then> = number extends S['length'] | Axis
  ? Shape
  : [Bad<S, Axis>] extends [never]
    ? Then
    : OutOfRange<Op, S, Bad<S, Axis>>

/** One axis or several, or none given: as reductions take them. */
export type AxesType = number | readonly number[] | undefined
type AxisUnion<Axes extends AxesType> = Axes extends readonly number[]
  ? Axes[number]
  : Axes extends number
    ? Axes
    : never

/** The shape without the axes, or with 1 in their places; without axes, all of them are meant. */
export type Reduced<Op extends string, S extends Shape, Axes extends AxesType, Keep extends boolean> = [
  Axes,
  Keep,
] extends [-1, false]
  ? S extends [...infer Rest extends Shape, infer _]
    ? Rest
    : ReducedAny<Op, S, Axes, Keep>
  : ReducedAny<Op, S, Axes, Keep>

type ReducedAny<
  Op extends string,
  S extends Shape,
  Axes extends AxesType,
  Keep extends boolean,
> = undefined extends Axes
  ? [Axes] extends [undefined]
    ? boolean extends Keep
      ? Shape
      : Keep extends true
        ? IsUnknown<S> extends true
          ? Shape
          : { [K in keyof S]: 1 }
        : []
    : Shape
  : boolean extends Keep
    ? Shape
    : WithAxes<Op, S, AxisUnion<Axes>, Without<S, Position<S, AxisUnion<Axes>>, Keep>>

/** The extents whose position is not in P; 1 in the place of the others where they are kept. */
export type Without<
  S extends Shape,
  P extends number,
  Keep = false,
  Out extends Shape = [],
  At extends 1[] = [],
> = S extends readonly [infer X extends Dim, ...infer Rest extends Shape]
  ? At['length'] extends P
    ? Without<Rest, P, Keep, Keep extends true ? [...Out, 1] : Out, [...At, 1]>
    : Without<Rest, P, Keep, [...Out, X], [...At, 1]>
  : Out

/** The shape itself where the axis is in range: softmax, argsort and the like. */
export type Along<Op extends string, S extends Shape, Axis extends AxesType> = undefined extends Axis
  ? S
  : WithAxes<Op, S, AxisUnion<Axis>, S>

/** The extents before an axis, and those after it. */
export type Before<S extends Shape, P extends number, Out extends Shape = []> = Out['length'] extends P
  ? Out
  : S extends readonly [infer X extends Dim, ...infer Rest extends Shape]
    ? Before<Rest, P, [...Out, X]>
    : Out
export type After<S extends Shape, P extends number> = S extends readonly [
  ...Before<S, P>,
  Dim,
  ...infer Rest extends Shape,
]
  ? Rest
  : []

/** The axis's place taken by other extents. */
export type Replaced<
  Op extends string,
  S extends Shape,
  Axis extends number,
  By extends Shape,
> = number extends By['length']
  ? Shape
  : WithAxes<Op, S, Axis, [...Before<S, Position<S, Axis>>, ...By, ...After<S, Position<S, Axis>>]>

/** A new axis of the given extent; the axis counts in the result. */
export type Inserted<Op extends string, S extends Shape, Axis extends number, X extends Dim> = WithAxes<
  Op,
  [...S, X],
  Axis,
  Insert<S, Position<[...S, X], Axis>, X>
>
type Insert<S extends Shape, P extends number, X extends Dim> =
  Before<S, P> extends infer Head extends Shape
    ? S extends readonly [...Head, ...infer Tail extends Shape]
      ? [...Head, X, ...Tail]
      : never
    : never

/** The shape without an axis of extent 1. */
export type Squeezed<S extends Shape, Axes extends AxesType> = undefined extends Axes
  ? number extends S['length'] | S[number]
    ? Shape
    : [S[number] & string] extends [never]
      ? Without1<S>
      : Shape
  : WithAxes<'squeeze', S, AxisUnion<Axes>, SqueezedAt<S, Position<S, AxisUnion<Axes>>>>
type SqueezedAt<S extends Shape, P extends number> = [NotOne<S, P>] extends [never]
  ? Without<S, P>
  : ShapeError<`squeeze: axis ${NotOne<S, P>} of ${Text<S>} has extent ${Word<S[NotOne<S, P>]>}, not 1`>
type NotOne<S extends Shape, P extends number> = P extends number
  ? number extends S[P]
    ? never
    : S[P] extends 1
      ? never
      : P
  : never
export type Without1<S extends Shape, Out extends Shape = []> = S extends readonly [
  infer X extends Dim,
  ...infer Rest extends Shape,
]
  ? Without1<Rest, X extends 1 ? Out : [...Out, X]>
  : Out

// --- contraction ---------------------------------------------------------------

/** NumPy's @. */
export type Matmul<A extends Shape, B extends Shape> = A extends [infer M extends Dim, infer K extends Dim]
  ? B extends [K, infer N extends Dim]
    ? [M, N]
    : MatmulAny<A, B>
  : MatmulAny<A, B>

type MatmulAny<A extends Shape, B extends Shape> = number extends A['length'] | B['length']
  ? Shape
  : A extends readonly [...infer Rows extends Shape, infer K extends Dim]
    ? B extends readonly [infer L extends Dim]
      ? Agree<K, L> extends true
        ? Rows
        : InnerDiffer<A, B, K, L>
      : B extends readonly [...infer Batch extends Shape, infer L extends Dim, infer N extends Dim]
        ? Agree<K, L> extends true
          ? Rows extends readonly []
            ? [...Batch, N]
            : Rows extends readonly [...infer Lead extends Shape, infer M extends Dim]
              ? Appended<Broadcast<'matmul', Lead, Batch>, [M, N]>
              : never
          : InnerDiffer<A, B, K, L>
        : NoInner<A, B>
    : NoInner<A, B>
type Appended<R, Tail extends Shape> = R extends Shape ? [...R, ...Tail] : R
type InnerDiffer<
  A extends Shape,
  B extends Shape,
  K extends Dim,
  L extends Dim,
> = ShapeError<`matmul: inner dimensions differ, ${Text<A>} @ ${Text<B>}: ${K} is not ${L}`>
type NoInner<
  A extends Shape,
  B extends Shape,
> = ShapeError<`matmul: ${Text<A>} @ ${Text<B>}: scalars have no inner dimension, use mul`>

// --- values --------------------------------------------------------------------

/** The shape of nested arrays, up to rank 4; of a typed array, [number]. */
export type ShapeOfValues<V> = V extends DataArray ? [number] : Nested extends V ? Shape : Levels<V, []>
type Levels<V, Out extends Shape> = V extends readonly unknown[]
  ? Out['length'] extends 4
    ? Shape
    : number extends V['length']
      ? Levels<V[number], [...Out, number]>
      : V extends readonly []
        ? [...Out, 0]
        : Levels<V[0], [...Out, V['length']]>
  : Out

/** The dtype that `tensor` gives such values when it is told none. */
export type DTypeOfValues<V> = V extends DataArray
  ? V extends Float32Array
    ? 'float32'
    : V extends Float64Array
      ? 'float64'
      : V extends Int32Array
        ? 'int32'
        : 'uint8'
  : Nested extends V
    ? 'float32' | 'bool'
    : Element<V> extends boolean
      ? [Element<V>] extends [never]
        ? 'float32'
        : 'bool'
      : 'float32'
type Element<V, Level extends 1[] = []> = Level['length'] extends 5
  ? number
  : V extends readonly (infer E)[]
    ? Element<E, [...Level, 1]>
    : V
