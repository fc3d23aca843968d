// Sine, cosine, tangent and their inverses in float32.

import { abs, add, and, bitcast, div, type Expr, eq, lt, madd, mul, ne, neg, select, shl, sqrt, sub } from './expr.ts'
import { clamp, f32, flipSign, i32, odd, plus, polynomial, withSign } from './terms.ts'

/** π/2 in four parts: the first three have eight bits, so that their products with k < 2^16 are exact. */
const halfPiParts = [1.5703125, 0.0004825592041015625, 1.2665987014770508e-6, 9.920936294705029e-10]
const halfPi = 1.5707963705062866
/** π/2 − halfPi. */
const halfPiLow = -4.371138828673793e-8
const rounder = 12582912

const sinTail = [-0.16666655242443085, 0.008332187309861183, -0.00019517897453624755]
const cosTail = [0.04166664555668831, -0.00138873013202101, 2.4430670237052254e-5]
const asinTail = [
  0.16666753590106964, 0.07495247572660446, 0.045477259904146194, 0.02414279244840145, 0.042233023792505264,
]
const atanTail = [
  -0.33333152532577515, 0.19993767142295837, -0.14211001992225647, 0.10665768384933472, -0.07551655918359756,
  0.04320463538169861, -0.016363102942705154, 0.002919393125921488,
]

/** sin r and cos r with x = k·π/2 + r; k is in the low bits of `quadrant`. Past |x| = 1e5 r loses digits, past 6e6 all. */
function reduced(x: Expr): { sine: Expr; cosine: Expr; quadrant: Expr } {
  const shifted = madd(x, f32(2 / Math.PI), f32(rounder))
  const k = plus(shifted, -rounder)
  const exact = halfPiParts.reduce((r, part) => madd(k, f32(-part), r), x)
  const r = clamp(exact, -0.85, 0.85)
  const z = mul(r, r)
  return {
    sine: madd(mul(r, z), polynomial(z, sinTail), r),
    cosine: madd(mul(z, z), polynomial(z, cosTail), madd(z, f32(-0.5), f32(1))),
    quadrant: bitcast('i32', shifted),
  }
}

const isOdd = (n: Expr): Expr => ne(and(n, i32(1)), i32(0))

function quarterWave(x: Expr, turn: 0 | 1): Expr {
  const { sine, cosine, quadrant } = reduced(x)
  const n = add(quadrant, i32(turn))
  return flipSign(select(isOdd(n), cosine, sine), shl(n, i32(30)))
}

export const sin = (x: Expr): Expr => select(eq(x, f32(0)), x, quarterWave(x, 0))
export const cos = (x: Expr): Expr => quarterWave(x, 1)

export function tan(x: Expr): Expr {
  const { sine, cosine, quadrant } = reduced(x)
  const swap = isOdd(quadrant)
  const value = div(select(swap, cosine, sine), select(swap, neg(sine), cosine))
  return select(eq(x, f32(0)), x, value)
}

/** asin |x| where |x| ≤ ½, else asin √((1 − |x|)/2), which is half the angle from ±1. */
function arc(x: Expr): { far: Expr; angle: Expr } {
  const a = abs(x)
  const far = lt(f32(0.5), a)
  const z = select(far, mul(sub(f32(1), a), f32(0.5)), mul(a, a))
  const s = select(far, sqrt(z), a)
  return { far, angle: madd(mul(s, z), polynomial(z, asinTail), s) }
}

const complement = (angle: Expr): Expr => sub(f32(halfPi), plus(angle, -halfPiLow))

export function asin(x: Expr): Expr {
  const { far, angle } = arc(x)
  return withSign(select(far, complement(add(angle, angle)), angle), x)
}

export function acos(x: Expr): Expr {
  const { far, angle } = arc(x)
  const twice = add(angle, angle)
  const fromOne = select(lt(x, f32(0)), sub(f32(2 * halfPi), plus(twice, -2 * halfPiLow)), twice)
  return select(far, fromOne, complement(withSign(angle, x)))
}

/** atan t for 0 ≤ t ≤ 1. */
function atanUnit(t: Expr): Expr {
  const z = mul(t, t)
  return madd(mul(t, z), polynomial(z, atanTail), t)
}

export const atan = odd((x) => {
  const far = lt(f32(1), x)
  const angle = atanUnit(select(far, div(f32(1), x), x))
  return select(far, complement(angle), angle)
})

export function atan2(y: Expr, x: Expr): Expr {
  const [ax, ay] = [abs(x), abs(y)]
  const steep = lt(ax, ay)
  const small = select(steep, ax, ay)
  const large = select(steep, ay, ax)
  const ratio = select(eq(small, large), select(eq(large, f32(0)), f32(0), f32(1)), div(small, large))
  const angle = atanUnit(ratio)
  const quarter = select(steep, complement(angle), angle)
  const left = lt(bitcast('i32', x), i32(0))
  return withSign(select(left, sub(f32(2 * halfPi), plus(quarter, -2 * halfPiLow)), quarter), y)
}
