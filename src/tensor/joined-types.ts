// The shape of several tensors put together: along an axis, or along a new one.

import type { Plus } from './decimal-types.ts'
import type {
  Agree,
  AnyTensor,
  Dim,
  Inserted,
  Position,
  Shape,
  ShapeError,
  ShapeOf,
  Text,
  WithAxes,
} from './shape-types.ts'

/** The shapes of a list of tensors. */
export type ShapesOf<T extends readonly AnyTensor[]> = { [K in keyof T]: ShapeOf<T[K]> }

/** The shape of tensors joined along an axis. Shapes are looked at, not tensors: the compiler would go through all their methods. */
export type Concatenated<T extends readonly AnyTensor[], Axis extends number> =
  ShapesOf<T> extends readonly [infer A, infer B] ? ConcatenatedTwo<T, Axis, A, B> : ConcatenatedAny<ShapesOf<T>, Axis>

/** Two matrices one below the other, most often. */
type ConcatenatedTwo<T extends readonly AnyTensor[], Axis extends number, A, B> = Axis extends 0
  ? A extends [infer X extends Dim, infer Columns extends Dim]
    ? B extends [infer Y extends Dim, Columns]
      ? [Plus<X, Y>, Columns]
      : ConcatenatedAny<ShapesOf<T>, Axis>
    : ConcatenatedAny<ShapesOf<T>, Axis>
  : ConcatenatedAny<ShapesOf<T>, Axis>

type ConcatenatedAny<List extends readonly Shape[], Axis extends number> = List extends readonly [
  infer First extends Shape,
  ...infer Rest extends readonly Shape[],
]
  ? WithAxes<'concat', First, Axis, JoinAll<First, Rest, Position<First, Axis>>>
  : List extends readonly []
    ? ShapeError<'concat: needs at least one tensor'>
    : Shape
type JoinAll<A extends Shape, List extends readonly Shape[], P extends number> = List extends readonly [
  infer B extends Shape,
  ...infer Rest extends readonly Shape[],
]
  ? number extends B['length']
    ? Shape
    : SameOutside<A, B, P> extends true
      ? JoinAll<
          { [K in keyof A]: K extends `${P}` ? Plus<A[K], B[K & keyof B] & Dim> : Better<A[K], B[K & keyof B] & Dim> },
          Rest,
          P
        >
      : ShapeError<`concat: shapes ${Text<A>} and ${Text<B>} differ outside axis ${P}`>
  : A
type Better<X extends Dim, Y extends Dim> = number extends X ? Y : X
type SameOutside<A extends Shape, B extends Shape, P extends number> = A['length'] extends B['length']
  ? { [K in keyof A]: K extends `${P}` ? true : Agree<A[K], B[K & keyof B] & Dim> }[number] extends true
    ? true
    : false
  : false

/** Shapes joined along a new axis. */
export type Stacked<List extends readonly Shape[], Axis extends number> = List extends readonly [
  infer First extends Shape,
  ...infer Rest extends readonly Shape[],
]
  ? AllSame<First, Rest> extends infer R
    ? R extends Shape
      ? Inserted<'unsqueeze', R, Axis, List['length']>
      : R
    : never
  : List extends readonly []
    ? ShapeError<'stack: needs at least one tensor'>
    : Shape
type AllSame<A extends Shape, List extends readonly Shape[]> = List extends readonly [
  infer B extends Shape,
  ...infer Rest extends readonly Shape[],
]
  ? Same<'stack', A, B> extends infer R
    ? R extends Shape
      ? AllSame<R, Rest>
      : R
    : never
  : A

/** Two equal shapes, as what is known of both. */
export type Same<Op extends string, A extends Shape, B extends Shape> = number extends A['length']
  ? B
  : number extends B['length']
    ? A
    : SameOutside<A, B, never> extends true
      ? { [K in keyof A]: Better<A[K], B[K & keyof B] & Dim> }
      : ShapeError<`${Op}: shapes ${Text<A>} and ${Text<B>} differ`>
