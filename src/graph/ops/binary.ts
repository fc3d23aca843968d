// Pointwise operations of two inputs of one shape and dtype: a record each, from which everything else about them follows.

import type { Expr } from '../../scalar/expr.ts'
import * as s from '../../scalar/expr.ts'
import { type DType, isFloat } from '../dtype.ts'
import type { Accepts, Calculus } from './calculus.ts'

export interface BinaryRecord {
  readonly accepts: Accepts
  /** What it does to a pair of elements. */
  readonly scalar: (x: Expr, y: Expr, dtype: DType) => Expr
  /** From the cotangent g of the result to those of x and y; 'none' where there are none. */
  readonly derivative: (<N>(b: Calculus<N>, g: N, x: N, y: N, out: N) => readonly [N, N]) | 'none'
  /** The result's dtype, if not the inputs'. */
  readonly result?: DType
  /** For x and for y the interval in which value and slopes are finite and smooth; both signs, but not 0, unless told. */
  readonly domain?: readonly [x: readonly [low: number, high: number], y: readonly [low: number, high: number]]
}

const comparison = (compare: (x: Expr, y: Expr) => Expr) =>
  ({
    accepts: 'any',
    scalar: (x, y) => (x.type === 'bool' ? compare(s.convert('i32', x), s.convert('i32', y)) : compare(x, y)),
    derivative: 'none',
    result: 'bool',
  }) as const satisfies BinaryRecord

const bits = (scalar: (x: Expr, y: Expr) => Expr) =>
  ({ accepts: 'bits', scalar, derivative: 'none' }) as const satisfies BinaryRecord

const zero = (x: Expr): Expr => s.constant(x.type, 0)
const square = <N>(b: Calculus<N>, x: N): N => b.binary('mul', x, x)

/** Where both are equal, the gradient is shared evenly, as PyTorch does. */
const extremum =
  (firstWins: <N>(b: Calculus<N>, x: N, y: N) => N): BinaryRecord['derivative'] =>
  (b, g, x, y) => {
    const tie = b.binary('equal', x, y)
    const half = b.binary('mul', g, 0.5)
    const first = firstWins(b, x, y)
    return [b.where(tie, half, b.where(first, g, 0)), b.where(tie, half, b.where(first, 0, g))]
  }

export const binaryTable = {
  add: {
    accepts: 'any',
    scalar: (x, y) => (x.type === 'bool' ? s.or(x, y) : s.add(x, y)),
    derivative: (_, g) => [g, g],
  },
  sub: { accepts: 'number', scalar: s.sub, derivative: (b, g) => [g, b.unary('neg', g)] },
  mul: {
    accepts: 'any',
    scalar: (x, y) => (x.type === 'bool' ? s.and(x, y) : s.mul(x, y)),
    derivative: (b, g, x, y) => [b.binary('mul', g, y), b.binary('mul', g, x)],
  },
  div: {
    accepts: 'number',
    scalar: s.div,
    derivative: (b, g, _, y, out) => {
      const dx = b.binary('div', g, y)
      return [dx, b.unary('neg', b.binary('mul', dx, out))]
    },
  },
  // x^y: the factor of x is 0 where y is 0, that of y is 0 where x is 0 and y is not negative.
  pow: {
    accepts: 'float',
    scalar: (x, y) => s.call('pow', x, y),
    derivative: (b, g, x, y, out) => {
      const power = b.binary('mul', y, b.binary('pow', x, b.binary('sub', y, 1)))
      const dx = b.binary('mul', g, b.where(b.binary('equal', y, 0), 0, power))
      const atZero = b.binary('and', b.binary('equal', x, 0), b.binary('lessEqual', 0, y))
      const dy = b.where(atZero, 0, b.binary('mul', g, b.binary('mul', out, b.unary('log', b.where(atZero, 1, x)))))
      return [dx, dy]
    },
  },
  atan2: {
    accepts: 'float',
    scalar: (y, x) => s.call('atan2', y, x),
    derivative: (b, g, y, x) => {
      // 0 at the origin, where the angle has no derivative, and far out, where the square of the distance overflows.
      const squared = b.binary('add', square(b, x), square(b, y))
      const isRegular = b.binary('and', b.binary('less', 0, squared), b.binary('less', squared, Infinity))
      const scale = b.binary('div', g, b.where(isRegular, squared, 1))
      return [
        b.binary('mul', scale, b.where(isRegular, x, 0)),
        b.unary('neg', b.binary('mul', scale, b.where(isRegular, y, 0))),
      ]
    },
  },
  maximum: { accepts: 'number', scalar: s.max, derivative: extremum((b, x, y) => b.binary('less', y, x)) },
  minimum: { accepts: 'number', scalar: s.min, derivative: extremum((b, x, y) => b.binary('less', x, y)) },
  // The sign follows the divisor, as in Python; an integer modulo 0 is 0, as in NumPy.
  remainder: {
    accepts: 'number',
    scalar: remainder,
    derivative: (b, g, x, y) => [g, b.unary('neg', b.binary('mul', g, b.unary('floor', b.binary('div', x, y))))],
  },
  equal: comparison(s.eq),
  notEqual: comparison(s.ne),
  less: comparison(s.lt),
  lessEqual: comparison(s.le),
  and: bits(s.and),
  or: bits(s.or),
  xor: bits(s.xor),
  shiftLeft: { accepts: 'integer', scalar: s.shl, derivative: 'none' },
  // Logical: zeros come in from the left.
  shiftRight: { accepts: 'integer', scalar: s.shr, derivative: 'none' },
} satisfies { readonly [name: string]: BinaryRecord }

/** Pointwise operations of two inputs: those of the table. */
export type BinaryName = keyof typeof binaryTable

function remainder(x: Expr, y: Expr, dtype: DType): Expr {
  const quotient = isFloat(dtype) ? s.floor(s.div(x, y)) : s.div(x, y)
  const product = s.mul(quotient, y)
  const rest = s.sub(x, product)
  // A quotient of 0 leaves x, also where y is infinite.
  const r = s.select(s.eq(quotient, zero(x)), x, isFloat(dtype) ? s.sub(rest, lost(quotient, y, product)) : rest)
  const otherSign = s.and(s.ne(r, zero(r)), s.xor(isNegative(r), isNegative(y)))
  const result = s.select(otherSign, s.add(r, y), r)
  return isFloat(dtype) ? result : s.select(s.eq(y, zero(y)), y, result)
}

/** What rounding took from the product of two floats, which Veltkamp's splitting and Dekker's sum give exactly. */
function lost(a: Expr, b: Expr, product: Expr): Expr {
  const high = (x: Expr): Expr => {
    const scaled = s.mul(x, s.constant(x.type, x.type === 'f32' ? 4097 : 134217729))
    return s.sub(scaled, s.sub(scaled, x))
  }
  const [a1, b1] = [high(a), high(b)]
  const [a2, b2] = [s.sub(a, a1), s.sub(b, b1)]
  const error = s.sub(s.sub(s.sub(product, s.mul(a1, b1)), s.mul(a2, b1)), s.mul(a1, b2))
  const exact = s.sub(s.mul(a2, b2), error)
  // Splitting overflows for huge factors, whose remainders have no digits left anyway.
  return s.select(s.lt(s.abs(exact), s.abs(b)), exact, zero(b))
}

const isNegative = (x: Expr): Expr => s.lt(x, zero(x))
