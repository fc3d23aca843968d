// Idioms in which functions are written, in float32 or the type of what they are given: constants, polynomials, sign handling, clamps.

import { abs, add, and, bitcast, constant, type Expr, lt, madd, or, select, xor } from './expr.ts'

export const f32 = (value: number): Expr => constant('f32', Math.fround(value))
export const i32 = (value: number): Expr => constant('i32', value | 0)

/** A number in the type of x. */
export const like = (x: Expr, value: number): Expr => (x.type === 'f64' ? constant('f64', value) : f32(value))

/** c₀ + c₁x + c₂x² + …, by Horner's scheme. */
export function polynomial(x: Expr, coefficients: readonly number[]): Expr {
  return coefficients.slice(0, -1).reduceRight((sum, c) => madd(sum, x, like(x, c)), like(x, coefficients.at(-1) ?? 0))
}

/** The larger (smaller) of x and a bound; unlike `max` and `min` one instruction on x86. NaN stays NaN. */
export const atLeast = (x: Expr, bound: number): Expr => select(lt(x, like(x, bound)), like(x, bound), x)
export const atMost = (x: Expr, bound: number): Expr => select(lt(like(x, bound), x), like(x, bound), x)
export const clamp = (x: Expr, low: number, high: number): Expr => atMost(atLeast(x, low), high)

const signBit = (x: Expr): Expr => and(bitcast('i32', x), i32(0x80000000))
/** |value| ≥ 0 with the sign of x, that of −0 included. */
export const withSign = (value: Expr, x: Expr): Expr => bitcast('f32', or(bitcast('i32', value), signBit(x)))
/** value with its sign flipped where the integer's top bit is set. */
export const flipSign = (value: Expr, bits: Expr): Expr =>
  bitcast('f32', xor(bitcast('i32', value), and(bits, i32(0x80000000))))
/** An odd function from its values for x ≥ 0. */
export const odd =
  (f: (x: Expr) => Expr) =>
  (x: Expr): Expr =>
    withSign(f(abs(x)), x)

/** The leading 12 bits of a float32: products of two such numbers are exact. */
export const leading = (x: Expr): Expr => bitcast('f32', and(bitcast('i32', x), i32(0xfffff000)))

export const plus = (x: Expr, value: number): Expr => add(x, like(x, value))
