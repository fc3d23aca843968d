// What movements make of shapes: axes in another order, sliced or stretched, elements in another shape.

import type { ProductOf } from './decimal-types.ts'
import type {
  After,
  Agree,
  Before,
  Dim,
  IsUnknown,
  Position,
  Shape,
  ShapeError,
  Text,
  WithAxes,
  Without1,
  Writable,
} from './shape-types.ts'

/** Two axes swapped. */
export type Transposed<S extends Shape, A extends number, B extends number> = A extends -2
  ? B extends -1
    ? S extends [infer X extends Dim, infer Y extends Dim]
      ? [Y, X]
      : TransposedAny<S, A, B>
    : TransposedAny<S, A, B>
  : TransposedAny<S, A, B>

type TransposedAny<S extends Shape, A extends number, B extends number> = WithAxes<
  'transpose',
  S,
  A | B,
  Swap<S, Position<S, A>, Position<S, B>>
>
type Swap<S extends Shape, I extends number, J extends number> = {
  [K in keyof S]: K extends `${I}` ? S[J] : K extends `${J}` ? S[I] : S[K]
}

/** The axes in another order. */
export type Permuted<S extends Shape, Order extends readonly number[]> = number extends Order['length'] | Order[number]
  ? Shape
  : WithAxes<
      'permute',
      S,
      Order[number],
      [
        Order['length'],
        Exclude<keyof S, { [K in keyof Order]: `${Position<S, Order[K]>}` }[number]> & `${number}`,
      ] extends [S['length'], never]
        ? { -readonly [K in keyof Order]: S[Position<S, Order[K]>] }
        : ShapeError<`permute: ${Text<Order>} is not a permutation of the ${S['length']} axes of ${Text<S>}`>
    >

/** The shape with names, or as what it is stated to be. */
export type Named<S extends Shape, To extends Shape> = number extends S['length'] | To['length']
  ? Shape
  : S['length'] extends To['length']
    ? {
        [K in keyof S]: To[K & keyof To] extends infer Y extends Dim
          ? Y extends string
            ? true
            : Agree<S[K], Y>
          : never
      }[number] extends true
      ? To
      : ShapeError<`named: ${Text<S>} is not ${Text<To>}`>
    : ShapeError<`named: ${Text<S>} is not ${Text<To>}`>

/** The same number of elements in another shape, one extent of which may be −1. */
export type Reshaped<S extends Shape, To extends readonly number[]> = number extends To['length']
  ? Shape
  : -1 extends To[number]
    ? number extends S['length']
      ? Opened<To, number>
      : Opened<To, Missing<S, To>>
    : // Axes of extent 1 come and go most often, and need no arithmetic.
      Without1<S> extends Without1<To>
      ? Writable<To>
      : number extends ProductOf<S> | ProductOf<To>
        ? Writable<To>
        : ProductOf<S> extends ProductOf<To>
          ? Writable<To>
          : ShapeError<`reshape: ${Text<S>} with ${ProductOf<S> & number} elements does not fit ${Text<To>}`>
type Opened<To extends readonly number[], X extends Dim> = { -readonly [K in keyof To]: To[K] extends -1 ? X : To[K] }

/** The extent that −1 stands for, once the extents that both shapes have are struck out; number where that leaves a division. */
type Missing<S extends Shape, To extends readonly number[]> =
  Without1<StrikeOut<To, [-1]>> extends infer Rest extends Shape
    ? StrikeOut<Rest, S> extends readonly []
      ? TheRest<Without1<StrikeOut<S, Rest>>>
      : Names<S> extends readonly [infer Name extends string]
        ? ProductOf<Rest> extends ProductOf<StrikeOut<S, [Name]>>
          ? number extends ProductOf<Rest>
            ? number
            : Name
          : number
        : Names<S> extends readonly []
          ? ProductOf<Rest> extends ProductOf<S>
            ? number extends ProductOf<S>
              ? number
              : 1
            : number
          : number
    : never
type TheRest<S extends Shape> = S extends readonly [infer X extends Dim] ? X : ProductOf<S>
type Names<S extends Shape> = S extends readonly [infer X, ...infer Rest extends Shape]
  ? X extends string
    ? [X, ...Names<Rest>]
    : Names<Rest>
  : []
/** The list without the first occurrence of each element of the other. */
type StrikeOut<S extends Shape, Gone extends Shape> = Gone extends readonly [
  infer X extends Dim,
  ...infer Rest extends Shape,
]
  ? StrikeOut<Strike<S, X>, Rest>
  : S
type Strike<S extends Shape, X extends Dim, Kept extends Shape = []> = S extends readonly [
  infer Y extends Dim,
  ...infer Rest extends Shape,
]
  ? number extends X
    ? [...Kept, ...S]
    : [X, Y] extends [Y, X]
      ? [...Kept, ...Rest]
      : Strike<Rest, X, [...Kept, Y]>
  : Kept

/** Neighbouring axes as one. */
export type Flattened<S extends Shape, Start extends number, End extends number> = S extends readonly []
  ? [1]
  : WithAxes<'flatten', S, Start | End, Merge<S, Position<S, Start>, Position<S, End>>>
type Merge<S extends Shape, I extends number, J extends number> = [
  ...Before<S, I>,
  TheRest<Without1<StrikeOut<[...Before<S, J>, S[J]], Before<S, I>>>>,
  ...After<S, J>,
]

/** A shape that the first one broadcasts to. */
export type BroadcastTo<S extends Shape, To extends Shape> = number extends S['length'] | To['length']
  ? Writable<To>
  : Spreads<S, To> extends true
    ? Writable<To>
    : ShapeError<`broadcast: ${Text<S>} does not broadcast to ${Text<To>}`>
type Spreads<S extends Shape, To extends Shape> = S extends readonly [...infer RestS extends Shape, infer X extends Dim]
  ? To extends readonly [...infer RestT extends Shape, infer Y extends Dim]
    ? X extends 1
      ? Spreads<RestS, RestT>
      : Agree<X, Y> extends true
        ? Spreads<RestS, RestT>
        : false
    : false
  : true

/** Axes of unknown extents, as many as before. */
export type Resized<S extends Shape> = IsUnknown<S> extends true ? Shape : { -readonly [K in keyof S]: number }

/** Python's slices: axes without a range keep their extents. */
export type Sliced<S extends Shape, Ranges extends readonly unknown[]> = number extends S['length'] | Ranges['length']
  ? Shape
  : S extends readonly [...{ [K in keyof Ranges]: Dim }, ...infer _]
    ? {
        -readonly [K in keyof S]: K extends keyof Ranges ? (Ranges[K] extends null | readonly [] ? S[K] : number) : S[K]
      }
    : ShapeError<`slice: ${Ranges['length']} ranges for ${Text<S>}`>
