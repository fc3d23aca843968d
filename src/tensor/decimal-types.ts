// Arithmetic on extents as types: sums and products of decimal digits, exact for numbers of any size.

/** The sum of two literal extents; number where one is not a literal. */
export type Plus<A extends Extent, B extends Extent> = A extends 0
  ? Known<B>
  : B extends 0
    ? Known<A>
    : IsLiteral<A> extends true
      ? IsLiteral<B> extends true
        ? ToNumber<Sum<Reverse<`${A}`>, Reverse<`${B}`>>>
        : number
      : number

/** The product of the extents of a shape; number where one is not a literal. */
export type ProductOf<S extends readonly Extent[], Total extends Extent = 1> = S extends readonly [
  infer X extends Extent,
  ...infer Rest extends readonly Extent[],
]
  ? ProductOf<Rest, Times<Total, X>>
  : S extends readonly []
    ? Total
    : number

type Times<A extends Extent, B extends Extent> = A extends 1
  ? Known<B>
  : B extends 1
    ? Known<A>
    : IsLiteral<A> extends true
      ? IsLiteral<B> extends true
        ? 0 extends A | B
          ? 0
          : ToNumber<Product<Reverse<`${A}`>, Reverse<`${B}`>>>
        : number
      : number

type Extent = number | string
type IsLiteral<X extends Extent> = X extends string ? false : number extends X ? false : true
type Known<X extends Extent> = X extends number ? X : number

// Numbers travel as text with the lowest digit first, so that a digit and the rest come apart in one step.
type Reverse<Text extends string> = Text extends `${infer Digit}${infer Rest}` ? `${Reverse<Rest>}${Digit}` : ''
type ToNumber<Text extends string> = Reverse<Text> extends `${infer N extends number}` ? N : number

/** As many elements as the digit says: lengths of tuples are the only sums that types know. */
interface Tally {
  '0': []
  '1': [1]
  '2': [1, 1]
  '3': [1, 1, 1]
  '4': [1, 1, 1, 1]
  '5': [1, 1, 1, 1, 1]
  '6': [1, 1, 1, 1, 1, 1]
  '7': [1, 1, 1, 1, 1, 1, 1]
  '8': [1, 1, 1, 1, 1, 1, 1, 1]
  '9': [1, 1, 1, 1, 1, 1, 1, 1, 1]
}
interface Repeat<T extends 1[]> {
  '0': []
  '1': T
  '2': [...T, ...T]
  '3': [...T, ...T, ...T]
  '4': [...T, ...T, ...T, ...T]
  '5': [...T, ...T, ...T, ...T, ...T]
  '6': [...T, ...T, ...T, ...T, ...T, ...T]
  '7': [...T, ...T, ...T, ...T, ...T, ...T, ...T]
  '8': [...T, ...T, ...T, ...T, ...T, ...T, ...T, ...T]
  '9': [...T, ...T, ...T, ...T, ...T, ...T, ...T, ...T, ...T]
}
type Digit = keyof Tally

type Sum<
  A extends string,
  B extends string,
  Carry extends 1[] = [],
> = A extends `${infer X extends Digit}${infer RestA}`
  ? B extends `${infer Y extends Digit}${infer RestB}`
    ? `${[...Tally[X], ...Tally[Y], ...Carry]['length'] & number}` extends infer Total extends string
      ? `${Unit<Total>}${Sum<RestA, RestB, Tens<Total>>}`
      : never
    : Carry extends []
      ? A
      : Sum<A, '1'>
  : Carry extends []
    ? B
    : B extends ''
      ? '1'
      : Sum<B, '1'>

type Product<A extends string, B extends string> = B extends `${infer Y extends Digit}${infer Rest}`
  ? Rest extends ''
    ? ProductByDigit<A, Y>
    : Sum<ProductByDigit<A, Y>, `0${Product<A, Rest>}`>
  : ''

type ProductByDigit<
  A extends string,
  Y extends Digit,
  Carry extends 1[] = [],
> = A extends `${infer X extends Digit}${infer Rest}`
  ? `${[...Repeat<Tally[X]>[Y], ...Carry]['length'] & number}` extends infer Total extends string
    ? `${Unit<Total>}${ProductByDigit<Rest, Y, Tens<Total>>}`
    : never
  : Carry extends []
    ? ''
    : `${Carry['length'] & number}`

/** The two digits of a number below 100. */
type Unit<Total extends string> = Total extends `${Digit}${infer Low extends Digit}` ? Low : Total
type Tens<Total extends string> = Total extends `${infer High extends Digit}${Digit}` ? Tally[High] : []
