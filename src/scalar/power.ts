// x^y in float32: log₂|x| as a sum of two numbers, times y, and 2 to that; after Sun's fdlibm (e_powf.c).

import { powerOfTwo, rounder } from './exponential.ts'
import { abs, add, and, bitcast, div, type Expr, eq, lt, mul, ne, not, or, round, select, sub, xor } from './expr.ts'
import { splitAny } from './logarithm.ts'
import { clamp, f32, flipSign, i32, leading, plus, polynomial } from './terms.ts'

/** 3·(atanh(s)/s − 1 − s²/3)/s⁴ for |s| ≤ 0.1716. */
const atanhTail = [0.6000022888183594, 0.4282061755657196, 0.3513020873069763]
/** 2^f for |f| ≤ ½. */
const exp2 = [
  1, 0.6931471824645996, 0.24022647738456726, 0.05550359562039375, 0.009618505835533142, 0.0013391023967415094,
  0.0001532679598312825,
]
/** 2/(3·ln 2) and its two parts, the first of twelve bits. */
const scale = 0.9617967009544373
const scaleHigh = 0.961669921875
const scaleLow = 0.00012677205086220056

export function pow(x: Expr, y: Expr): Expr {
  const magnitude = abs(x)
  const value = positivePower(magnitude, y)

  const grows = xor(lt(magnitude, f32(1)), lt(f32(0), y))
  const isLimit = or(eq(magnitude, f32(0)), eq(magnitude, f32(Infinity)))
  const limited = select(isLimit, select(grows, f32(Infinity), f32(0)), value)

  const isInteger = eq(round(y), y)
  const half = mul(y, f32(0.5))
  const isOddInteger = and(isInteger, ne(round(half), half))
  const signed = flipSign(limited, select(isOddInteger, bitcast('i32', x), i32(0)))
  const undefinedRoot = and(lt(x, f32(0)), and(not(isInteger), lt(magnitude, f32(Infinity))))

  const real = select(undefinedRoot, f32(Number.NaN), select(eq(x, x), signed, x))
  return select(or(eq(x, f32(1)), eq(y, f32(0))), f32(1), select(eq(y, y), real, y))
}

/** x^y for finite x > 0. */
function positivePower(x: Expr, power: Expr): Expr {
  // Past 2^40 every x but 1 overflows or vanishes anyway
  const y = clamp(power, -(2 ** 40), 2 ** 40)
  const { high, low } = log2(x)
  const yHigh = leading(y)
  const product = mul(yHigh, high)
  const rest = add(mul(sub(y, yHigh), high), mul(y, low))
  const exponent = add(product, rest)

  const shifted = plus(clamp(exponent, -126.2, 128.4), rounder - 1)
  const k = plus(shifted, 1 - rounder)
  const f = clamp(add(sub(product, k), rest), -0.51, 0.51)
  return mul(
    polynomial(
      f,
      exp2.map((c) => 2 * c),
    ),
    powerOfTwo(shifted),
  )
}

/** log₂ x = high + low, to about 2^-36 relative; `high` has twelve bits. */
function log2(x: Expr): { high: Expr; low: Expr } {
  const { k, m } = splitAny(x)
  // s = (m − 1)/(m + 1) = sHigh + sLow
  const numerator = plus(m, -1)
  const sum = plus(m, 1)
  const s = div(numerator, sum)
  const sHigh = leading(s)
  const sumHigh = leading(sum)
  const sumLow = sub(m, plus(sumHigh, -1))
  const sLow = div(sub(sub(numerator, mul(sHigh, sumHigh)), mul(sHigh, sumLow)), sum)
  // t = 3 + s² + … = tHigh + tLow
  const z = mul(s, s)
  const square = mul(sHigh, sHigh)
  const r = add(mul(mul(z, z), polynomial(z, atanhTail)), mul(sLow, add(sHigh, s)))
  const tHigh = leading(add(plus(square, 3), r))
  const tLow = sub(r, sub(plus(tHigh, -3), square))
  // p = s·t = pHigh + pLow
  const u = mul(sHigh, tHigh)
  const v = add(mul(sLow, tHigh), mul(tLow, s))
  const pHigh = leading(add(u, v))
  const pLow = sub(v, sub(pHigh, u))
  // log₂ x = k + 2/(3·ln 2)·p
  const zHigh = mul(f32(scaleHigh), pHigh)
  const zLow = add(mul(f32(scaleLow), pHigh), mul(f32(scale), pLow))
  const high = leading(add(add(zHigh, zLow), k))
  return { high, low: sub(zLow, sub(sub(high, k), zHigh)) }
}
