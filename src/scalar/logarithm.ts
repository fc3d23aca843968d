// log and its relatives in float32: x = 2^k·m with m around 1, and a polynomial in s = (m − 1)/(m + 1).

import { abs, add, bitcast, convert, div, type Expr, eq, lt, madd, mul, sar, select, shl, sqrt, sub } from './expr.ts'
import { f32, i32, odd, plus, polynomial } from './terms.ts'

const ln2High = 0.693359375
const ln2Low = -0.00021219444170128554
const smallestNormal = 1.1754943508222875e-38

/** (2·atanh(s)/s − 2)/s², good to 8e-10 for |s| ≤ 0.1716. */
const atanhTail = [0.6666677594184875, 0.39977559447288513, 0.29871898889541626]

/** x = 2^k·m with m in [√½, √2), for normal x > 0; k is a float. */
function split(x: Expr): { k: Expr; m: Expr } {
  const bits = bitcast('i32', x)
  const exponent = sar(sub(bits, i32(0x3f3504f3)), i32(23))
  return { k: convert('f32', exponent), m: bitcast('f32', sub(bits, shl(exponent, i32(23)))) }
}

/** The same for denormal x, too. */
export function splitAny(x: Expr): { k: Expr; m: Expr } {
  const denormal = lt(x, f32(smallestNormal))
  const { k, m } = split(select(denormal, mul(x, f32(2 ** 24)), x))
  return { k: sub(k, select(denormal, f32(24), f32(0))), m }
}

/** k·ln 2 + log(1 + f) + correction, after Sun's fdlibm. */
function combine(k: Expr, f: Expr, correction?: Expr): Expr {
  const s = div(f, plus(f, 2))
  const z = mul(s, s)
  const half = mul(f32(0.5), mul(f, f))
  const small = mul(s, madd(z, polynomial(z, atanhTail), half))
  const low = madd(k, f32(ln2Low), correction ? add(small, correction) : small)
  return madd(k, f32(ln2High), sub(f, sub(half, low)))
}

/** −∞ at `pole`, NaN below, x itself at +∞ and NaN. */
const withDomain = (x: Expr, pole: number, value: Expr): Expr =>
  select(
    lt(f32(pole), x),
    select(lt(x, f32(Infinity)), value, x),
    select(eq(x, f32(pole)), f32(-Infinity), f32(Number.NaN)),
  )

export function log(x: Expr): Expr {
  const { k, m } = splitAny(x)
  return withDomain(x, 0, combine(k, plus(m, -1)))
}

export function log1p(x: Expr): Expr {
  const u = plus(x, 1)
  const { k, m } = split(u)
  const near = eq(k, f32(0))
  // What 1 + x lost in rounding
  const lost = div(sub(x, plus(u, -1)), u)
  const value = combine(k, select(near, x, plus(m, -1)), select(near, f32(0), lost))
  return select(lt(abs(x), f32(2 ** -24)), x, withDomain(x, -1, value))
}

const huge = f32(1e9)

export const asinh = odd((x) => {
  const square = mul(x, x)
  const near = add(x, div(square, plus(sqrt(plus(square, 1)), 1)))
  return logHuge(x, near)
})

export function acosh(x: Expr): Expr {
  const t = plus(x, -1)
  const near = add(t, sqrt(mul(t, plus(t, 2))))
  return select(lt(x, f32(1)), f32(Number.NaN), logHuge(x, near))
}

/** log(1 + near), or log(2x) where x is so large that x² overflows. */
function logHuge(x: Expr, near: Expr): Expr {
  const isHuge = lt(huge, x)
  return add(log1p(select(isHuge, x, near)), select(isHuge, f32(Math.LN2), f32(0)))
}

export const atanh = odd((x) => mul(f32(0.5), log1p(div(add(x, x), sub(f32(1), x)))))
