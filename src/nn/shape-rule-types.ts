// Rules of shapes for the compiler: what modules make of the shapes they are given, and the sentence when they do not take one.

import type { Agree, Dim, ProductOf, Shape, ShapeError, Text, Word } from '../tensor/index.ts'
import type { ShapeRule } from './shape-rules.ts'

/** Holds a rule for inference alone: since no member uses its types, every module is a `Module`. */
// biome-ignore lint/correctness/noUnusedVariables: see above
export interface CarriedRule<In extends Shape, Out extends Shape, Kind extends string> {
  readonly carried: true
}

/** Any module, told by one member, so that the compiler need not compare calls to see that something is a module. */
export interface AnyModule {
  readonly '~rule': CarriedRule<Shape, Shape, string>
}

/** What a module of this rule makes of a shape, or why it does not take it. */
export type Applied<Kind extends string, In extends Shape, Out extends Shape, S extends Shape> = In extends [
  '...',
  infer X,
]
  ? Out extends ['...', infer Y extends Dim]
    ? // A layer over the last axis, as most are, of a matrix.
      S extends [infer N extends Dim, X]
      ? [N, Y]
      : S extends readonly [...infer Lead extends Shape, X]
        ? [...Lead, Y]
        : AppliedAny<Kind, In, Out, S>
    : AppliedAny<Kind, In, Out, S>
  : AppliedAny<Kind, In, Out, S>

type AppliedAny<Kind extends string, In extends Shape, Out extends Shape, S extends Shape> = number extends
  | In['length']
  | Out['length']
  ? Shape
  : number extends S['length']
    ? Filled<Out, In, { '...': Shape }>
    : Bind<In, S, false> extends infer B
      ? B extends Misfit<infer Reason>
        ? ShapeError<`${Kind}: expected ${Text<In>}, found ${Text<S>}: ${Reason}`>
        : Filled<Out, In, B>
      : never

/** The rule of modules one after the other, or at which place one does not take what comes before it, and why. */
export type Chain<M extends readonly unknown[]> = M extends [infer First, ...infer Rest]
  ? ChainOn<RuleOf<First>, Rest, [1], `0 ${KindOf<First>}`>
  : ShapeRule

type ChainOn<Rule, M extends readonly unknown[], At extends readonly 1[], Before extends string> = M extends [
  infer Next,
  ...infer Rest,
]
  ? `${At['length']} ${KindOf<Next>}` extends infer Here extends string
    ? Composed<Rule, RuleOf<Next>, Here, Before> extends infer R
      ? R extends ShapeRule
        ? ChainOn<R, Rest, [...At, 1], Here>
        : R
      : never
    : never
  : Rule

/** Two rules one after the other. */
type Composed<First, Second, At extends string, Before extends string> = [First, Second] extends [
  ShapeRule<infer In, infer Middle>,
  ShapeRule<infer Taken, infer Out>,
]
  ? [Taken, Out] extends [['...'], ['...']]
    ? First
    : [Taken, Out] extends [['...', infer X extends Dim], ['...', infer Y extends Dim]]
      ? Middle extends [...infer Lead extends Shape, X]
        ? ShapeRule<In, [...Lead, Y]>
        : ComposedAny<In, Middle, Taken, Out, At, Before>
      : ComposedAny<In, Middle, Taken, Out, At, Before>
  : never

type ComposedAny<
  In extends Shape,
  Middle extends Shape,
  Taken extends Shape,
  Out extends Shape,
  At extends string,
  Before extends string,
> = number extends Taken['length']
  ? ShapeRule<In, Shape>
  : number extends Middle['length']
    ? ShapeRule<In, Filled<Out, Taken, unknown>>
    : Bind<Taken, Middle, true> extends infer B
      ? B extends Misfit<infer Reason>
        ? Broken<At, `sequential: ${At} takes ${Text<Taken>}, ${Before} gives ${Text<Middle>}: ${Reason}`>
        : ShapeRule<Grown<In, B>, Filled<Out, Taken, B>>
      : never

interface Broken<At extends string, Message extends string> {
  readonly broken: readonly [At, Message]
}

/** The module at a place of a sequence, or the error where it is the one that does not fit. */
export type InPlace<M extends readonly unknown[], K extends keyof M> =
  Chain<M> extends Broken<infer At, infer Message>
    ? At extends `${K & string} ${string}`
      ? ShapeError<Message>
      : M[K]
    : M[K]

export type InOf<Rule> = Rule extends ShapeRule<infer In, infer _> ? In : Shape
export type OutOf<Rule> = Rule extends ShapeRule<infer _, infer Out> ? Out : Shape

type RuleOf<M> = M extends AnyModule
  ? M['~rule'] extends CarriedRule<infer In, infer Out, infer _>
    ? ShapeRule<In, Out>
    : ShapeRule
  : ShapeRule
type KindOf<M> = M extends AnyModule
  ? M['~rule'] extends CarriedRule<infer _, infer __, infer Kind>
    ? string extends Kind
      ? 'module'
      : Kind
    : 'module'
  : 'module'

interface Misfit<Reason extends string> {
  readonly misfit: Reason
}
/**
 * What the names of a pattern stand for in a shape. Where the shape is a pattern itself, open, its names and its ellipsis may
 * stand for what the other asks of them; `grown` is then what the ellipsis must be.
 */
type Bind<Pattern extends Shape, S extends Shape, Open extends boolean, B = unknown> = Pattern extends readonly [
  infer X extends Dim,
  ...infer Rest extends Shape,
]
  ? X extends '...'
    ? BindBack<Pattern, S, Open, B>
    : S extends readonly [infer Y extends Dim, ...infer RestS extends Shape]
      ? Y extends '...'
        ? BindBack<Pattern, S, Open, B>
        : Fits<X, Y, Open> extends true
          ? Bind<Rest, RestS, Open, B & Pair<X, Y>>
          : Misfit<Reason<Rest, RestS, `${Word<Y>} is not ${Word<X>}`>>
      : Misfit<'there are too few axes'>
  : S extends readonly []
    ? B
    : S extends readonly ['...']
      ? B & { readonly grown: [] }
      : Misfit<'there are too many axes'>

/** Where axes are missing, extents are compared with those of other axes: then that is the reason. */
type Reason<Rest extends Shape, RestS extends Shape, Extents extends string> = '...' extends
  | Rest[number]
  | RestS[number]
  ? Extents
  : Rest['length'] extends RestS['length']
    ? Extents
    : Rest extends readonly [...{ [K in keyof RestS]: Dim }, Dim, ...Dim[]]
      ? 'there are too few axes'
      : 'there are too many axes'

/** The same from the back, once the front has come to an ellipsis. */
type BindBack<Pattern extends Shape, S extends Shape, Open extends boolean, B> = Pattern extends readonly ['...']
  ? B & { readonly '...': S }
  : S extends readonly ['...']
    ? B & Themselves<Pattern> & { readonly grown: Pattern }
    : Pattern extends readonly [...infer Rest extends Shape, infer X extends Dim]
      ? S extends readonly [...infer RestS extends Shape, infer Y extends Dim]
        ? '...' extends X | Y
          ? B
          : Fits<X, Y, Open> extends true
            ? BindBack<Rest, RestS, Open, B & Pair<X, Y>>
            : Misfit<`${Word<Y>} is not ${Word<X>}`>
        : Misfit<'there are too few axes'>
      : Misfit<'there are too many axes'>

type Pair<X extends Dim, Y extends Dim> = X extends string ? { readonly [K in X]: Y } : unknown
type Themselves<Pattern extends Shape> = {
  readonly [K in Pattern[number] & string]: K extends '...' ? ['...'] : K
}

/** The pattern with its ellipsis as long as bindings ask for. */
type Grown<In extends Shape, B> = B extends { readonly grown: infer Axes extends Shape }
  ? In extends readonly [infer X extends Dim, ...infer Rest extends Shape]
    ? X extends '...'
      ? [...Axes, ...Rest]
      : [X, ...Grown<Rest, B>]
    : In
  : In

type Fits<X extends Dim, Y extends Dim, Open extends boolean> = X extends string
  ? true
  : [Open, Y] extends [true, string]
    ? true
    : Agree<X, Y>

/** A pattern with the names filled in. */
export type Filled<Out extends Shape, In extends Shape, B> = Out extends readonly [
  infer X extends Dim,
  ...infer Rest extends Shape,
]
  ? X extends '...'
    ? B extends { readonly '...': infer Axes extends Shape }
      ? number extends Axes['length']
        ? Shape
        : [...Axes, ...Filled<Rest, In, B>]
      : Shape
    : [
        X extends '(...)'
          ? B extends { readonly '...': infer Axes extends Shape }
            ? Merged<Axes>
            : number
          : X extends string
            ? X extends keyof B
              ? B[X] & Dim
              : number
            : X,
        ...Filled<Rest, In, B>,
      ]
  : []
type Merged<S extends Shape> = S extends readonly [infer X extends Dim] ? (X extends '...' ? number : X) : ProductOf<S>
