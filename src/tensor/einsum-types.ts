// Einstein summation for the compiler: the shape that an equation gives, or why it does not fit its operands.

import type { Agree, Dim, Shape, ShapeError, Text } from './shape-types.ts'

/** The shape of `einsum(equation, …)`; Shape where the equation has no arrow, blanks or unnamed axes. */
export type Einsum<Equation extends string, List extends readonly Shape[]> = string extends Equation
  ? Shape
  : number extends List['length']
    ? Shape
    : Equation extends `${string}.${string}` | `${string} ${string}`
      ? Shape
      : Equation extends `${infer Sides}->${infer Result}`
        ? Operands<Equation, Sides, List, unknown, []> extends infer B
          ? B extends ShapeError<string>
            ? B
            : Extents<Result, B>
          : never
        : Shape

/** The extents of all letters, one operand after the other. */
type Operands<
  Equation extends string,
  Sides extends string,
  List extends readonly Shape[],
  B,
  At extends 1[],
> = List extends readonly [infer S extends Shape, ...infer Rest extends readonly Shape[]]
  ? number extends S['length']
    ? Unknown
    : Sides extends `${infer Side},${infer Others}`
      ? Operand<Equation, Side, S, Side, S, B, At> extends infer R
        ? R extends ShapeError<string>
          ? R
          : Operands<Equation, Others, Rest, R, [...At, 1]>
        : never
      : Operand<Equation, Sides, S, Sides, S, B, At>
  : B

/** What letters stand for where an operand's shape is not known. */
type Unknown = { readonly [letter: string]: number }

type Operand<
  Equation extends string,
  Side extends string,
  S extends Shape,
  Letters extends string,
  Axes extends Shape,
  B,
  At extends 1[],
> = Letters extends `${infer Letter}${infer Rest}`
  ? Axes extends readonly [infer X extends Dim, ...infer Others extends Shape]
    ? Letter extends keyof B
      ? Fit<B[Letter] & Dim, X> extends true
        ? Operand<Equation, Side, S, Rest, Others, B[Letter] extends 1 ? Omit<B, Letter> & { [K in Letter]: X } : B, At>
        : Side extends `${string}${Letter}${string}${Letter}${string}`
          ? ShapeError<`einsum: '${Letter}' names axes of ${B[Letter] & Dim} and ${X} elements of ${Text<S>}`>
          : ShapeError<`einsum '${Equation}': '${Letter}' is ${X} in operand ${At['length']} ${Text<S>} and ${B[Letter] & Dim} in an earlier one`>
      : Operand<Equation, Side, S, Rest, Others, B & { [K in Letter]: X }, At>
    : Unnamed<Equation, Side, S, At>
  : Axes extends readonly []
    ? B
    : Unnamed<Equation, Side, S, At>

type Fit<X extends Dim, Y extends Dim> = X extends 1 ? true : Y extends 1 ? true : Agree<X, Y>
type Unnamed<
  Equation extends string,
  Side extends string,
  S extends Shape,
  At extends 1[],
> = ShapeError<`einsum '${Equation}': '${Side}' does not name the axes of operand ${At['length']}, ${Text<S>}`>

type Extents<Letters extends string, B> = Letters extends `${infer Letter}${infer Rest}`
  ? [Letter extends keyof B ? B[Letter] & Dim : number, ...Extents<Rest, B>]
  : []
