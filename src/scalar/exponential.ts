// e^x and its relatives in float32: x = k·ln 2 + r, a polynomial in r, and 2^k by writing the exponent bits.

import { abs, add, bitcast, div, type Expr, lt, madd, mul, select, shl } from './expr.ts'
import { atMost, clamp, f32, i32, odd, plus, polynomial } from './terms.ts'

const log2e = Math.LOG2E
/** ln 2 in two parts; the first has ten bits, so that its product with k is exact. */
const ln2High = 0.693359375
const ln2Low = -0.00021219444170128554
/** Adding 1.5·2^23 rounds to an integer and leaves it in the low bits; 127 more make those the exponent of a power of 2. */
export const rounder = 12582912 + 127

/** (e^r − 1 − r)/r² for |r| ≤ ln 2 / 2; with it e^r is good to 3e-9. Fitted by linear programming, as all of these are. */
const quadratic = [
  0.4999999403953552, 0.1666652113199234, 0.04166827350854874, 0.00836868304759264, 0.0013820052845403552,
]
const taylor = [1, 1, ...quadratic]

/** 2^(k − bias) and r where factor·x = k·ln 2 + factor·r; factor is ±1. k − bias must lie in −127 (giving 0) … 127. */
function reduce(x: Expr, bias: number, factor: 1 | -1): { scale: Expr; r: Expr } {
  const shifted = madd(x, f32(factor * log2e), f32(rounder - bias))
  const k = plus(shifted, bias - rounder)
  const r = madd(k, f32(-factor * ln2Low), madd(k, f32(-factor * ln2High), x))
  return { scale: powerOfTwo(shifted), r }
}

/** 2^j for an integer j that was added to the rounder: 0 for j = −127. */
export const powerOfTwo = (shifted: Expr): Expr => bitcast('f32', shl(bitcast('i32', shifted), i32(23)))

/** e^(factor·x)/2^(bias − 1); the bias leaves room for arguments that overflow or nearly do. */
function exponential(x: Expr, factor: 1 | -1 = 1, bias = 1): Expr {
  const { scale, r } = reduce(x, bias, factor)
  const coefficients = taylor.map((c, i) => 2 * c * factor ** i)
  return mul(polynomial(r, coefficients), scale)
}

/** Results below 2^-125.5 become 0. */
export const exp = (x: Expr): Expr => exponential(clamp(x, -87.4, 88.9))

export const sigmoid = (x: Expr): Expr => div(f32(1), plus(exponential(clamp(x, -88.9, 87.4), -1), 1))

/** (e^x − 1)/2^bias. */
function scaledExpm1(x: Expr, bias: number): Expr {
  const { scale, r } = reduce(x, bias, 1)
  const tail = madd(mul(r, r), polynomial(r, quadratic), r)
  return madd(scale, tail, plus(scale, -(2 ** -bias)))
}

export function expm1(x: Expr): Expr {
  const half = scaledExpm1(clamp(x, -20, 88.9), 1)
  return select(lt(abs(x), f32(2 ** -24)), x, add(half, half))
}

/** With u = (e^x − 1)/4: 2·(u + u/(4u + 1)), finite as long as the result is. */
export const sinh = odd((x) => {
  const u = scaledExpm1(atMost(x, 89.5), 2)
  return mul(f32(2), add(u, div(u, madd(u, f32(4), f32(1)))))
})

export function cosh(x: Expr): Expr {
  const half = exponential(atMost(abs(x), 89.5), 1, 2)
  return add(half, div(f32(0.25), half))
}

/** Past the limit the value is held: it was chosen so that no result exceeds 1, by all float32 numbers tried. */
interface Rational {
  readonly limit: number
  readonly p: readonly number[]
  readonly q: readonly number[]
}

const tanhRational: Rational = {
  limit: 8.127730369567871,
  p: [1, 0.13413237035274506, 0.0035340203903615475, 2.1250825739116408e-5, 1.4269677883760323e-8],
  q: [1, 0.4674656093120575, 0.026022717356681824, 0.0003348850295878947, 8.145045171659149e-7],
}
const erfRational: Rational = {
  limit: 3.6952476501464844,
  p: [
    1.1283791065216064, 0.19040925800800323, 0.052748799324035645, 0.003765786997973919, 0.00028487862437032163,
    2.0502639017649926e-6,
  ],
  q: [1, 0.5020782947540283, 0.11411013454198837, 0.014969428069889545, 0.0011625607730820775, 3.809159898082726e-5],
}

export const tanh = (x: Expr): Expr => saturating(x, tanhRational)
export const erf = (x: Expr): Expr => saturating(x, erfRational)

/** x·P(x²)/Q(x²). Both are divided by the leading coefficient of P, which saves a multiplication. */
function saturating(x: Expr, { limit, p, q }: Rational): Expr {
  const y = clamp(x, -limit, limit)
  const z = mul(y, y)
  const leading = p.at(-1) ?? 1
  const start = plus(z, (p.at(-2) ?? 0) / leading)
  const numerator = p.slice(0, -2).reduceRight((sum, c) => madd(sum, z, f32(c / leading)), start)
  const denominator = polynomial(
    z,
    q.map((c) => c / leading),
  )
  return div(mul(y, numerator), denominator)
}
