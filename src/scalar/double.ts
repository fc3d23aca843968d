// Named functions in float64, written in the scalar language for lanes that hold it; what is not here calls `math.ts`.

import {
  abs,
  add,
  bitcast,
  constant,
  convert,
  div,
  type Expr,
  eq,
  type FunctionName,
  lt,
  madd,
  mul,
  neg,
  rewrite,
  round,
  sar,
  select,
  shl,
  sqrt,
  sub,
} from './expr.ts'
import { below6, below084, below125, below286, type Rational } from './math.ts'
import { atLeast, atMost, clamp, i32, plus, polynomial } from './terms.ts'

const f64 = (value: number): Expr => constant('f64', value)
const [zero, one, infinity, undefinedNumber] = [0, 1, Infinity, Number.NaN].map(f64)

// ---- Exponentials: x = k·ln 2 + r, a polynomial in r, and 2^k by writing the exponent bits.

/** ln 2 in two parts; products of the first, of 33 bits, with k are exact. */
const ln2High = 0.6931471803691238
const ln2Low = 1.9082149292705877e-10
/** 1/2!, 1/3! … 1/13!: the rest is below 5e-18 for |r| ≤ ln 2 / 2. */
const quadratic = Array.from({ length: 12 }, (_, i) => i + 2).map((n) => {
  let factorial = 1
  for (let k = 2; k <= n; k++) factorial *= k
  return 1 / factorial
})

/** 2^j for a whole number j between −1022 and 1023, in i32. */
const powerOfTwo = (j: Expr): Expr => bitcast('f64', shl(add(j, i32(1023)), i32(20)))

/** k, an integer, and e^r − 1. */
function reduce(x: Expr): { k: Expr; tail: Expr } {
  const k = round(mul(x, f64(Math.LOG2E)))
  const r = madd(k, f64(-ln2Low), madd(k, f64(-ln2High), x))
  return { k: convert('i32', k), tail: madd(mul(r, r), polynomial(r, quadratic), r) }
}

/** x·2^k, where 2^k itself may be too large or too small a number. */
function scaled(x: Expr, k: Expr): Expr {
  const first = sar(k, i32(1))
  return mul(mul(x, powerOfTwo(first)), powerOfTwo(sub(k, first)))
}

/** e^x/2^bias. */
function exponential(x: Expr, bias: number): Expr {
  const { k, tail } = reduce(clamp(x, -746, 712))
  return scaled(plus(tail, 1), sub(k, i32(bias)))
}

/** (e^x − 1)/2^bias. */
function scaledExpm1(x: Expr, bias: number): Expr {
  const { k, tail } = reduce(clamp(x, -40, (1023.4 + bias) * Math.LN2))
  const scale = powerOfTwo(sub(k, i32(bias)))
  return madd(scale, tail, plus(scale, -(2 ** -bias)))
}

/** An odd function from its values for x ≥ 0. */
const odd =
  (f: (x: Expr) => Expr) =>
  (x: Expr): Expr => {
    const value = f(abs(x))
    return select(lt(x, zero), neg(value), select(eq(x, zero), x, value))
  }

function expm1(x: Expr): Expr {
  const half = scaledExpm1(x, 1)
  return select(lt(abs(x), f64(2 ** -54)), x, add(half, half))
}

function sigmoid(x: Expr): Expr {
  const e = exponential(neg(abs(x)), 0)
  return div(select(lt(x, zero), e, one), plus(e, 1))
}

const tanh = odd((x) => {
  const t = expm1(mul(x, f64(-2)))
  return div(neg(t), plus(t, 2))
})

/** With u = (e^x − 1)/4: 2·(u + u/(4u + 1)), finite as long as the result is. */
const sinh = odd((x) => {
  const u = scaledExpm1(x, 2)
  const value = mul(f64(2), add(u, div(u, madd(u, f64(4), one))))
  return select(lt(x, f64(2 ** -28)), x, value)
})

function cosh(x: Expr): Expr {
  const half = exponential(abs(x), 1)
  return add(half, div(f64(0.25), half))
}

// ---- Logarithms, after Sun's fdlibm: x = 2^k·m with m around 1, and a polynomial in s = (m − 1)/(m + 1).

/** (2·atanh(s)/s − 2)/s². */
const atanhTail = [
  0.6666666666666735, 0.3999999999940942, 0.2857142874366239, 0.22222198432149784, 0.1818357216161805,
  0.15313837699209373, 0.14798198605116586,
]

/** x = 2^k·m with m in [√½, √2), for x > 0; k is an integer. */
function split(x: Expr): { k: Expr; m: Expr } {
  // From the ends of the range, where a power of 2 or its reciprocal is no normal number
  const small = lt(x, f64(2 ** -1000))
  const inner = mul(x, select(small, f64(2 ** 54), f64(0.25)))
  const exponent = sar(sub(bitcast('i32', inner), i32(0x3fe6a09e)), i32(20))
  return { k: sub(exponent, select(small, i32(54), i32(-2))), m: mul(inner, powerOfTwo(sub(i32(0), exponent))) }
}

/** k·ln 2 + log(1 + f) + correction. */
function combine(k: Expr, f: Expr, correction: Expr): Expr {
  const s = div(f, plus(f, 2))
  const z = mul(s, s)
  const half = mul(f64(0.5), mul(f, f))
  const small = mul(s, madd(z, polynomial(z, atanhTail), half))
  return madd(k, f64(ln2High), sub(f, sub(half, madd(k, f64(ln2Low), add(small, correction)))))
}

/** −∞ at `pole`, NaN below, x itself at +∞ and NaN. */
const withDomain = (x: Expr, pole: number, value: Expr): Expr =>
  select(lt(f64(pole), x), select(lt(x, infinity), value, x), select(eq(x, f64(pole)), f64(-Infinity), undefinedNumber))

function log(x: Expr): Expr {
  const { k, m } = split(x)
  return withDomain(x, 0, combine(convert('f64', k), plus(m, -1), zero))
}

function log1p(x: Expr): Expr {
  const u = plus(x, 1)
  const { k, m } = split(u)
  const near = eq(k, i32(0))
  // What 1 + x lost in rounding: of 1 where x is small
  const rest = select(lt(one, x), sub(one, sub(u, x)), sub(x, plus(u, -1)))
  const value = combine(convert('f64', k), select(near, x, plus(m, -1)), select(near, zero, div(rest, u)))
  return select(lt(abs(x), f64(2 ** -54)), x, withDomain(x, -1, value))
}

const asinh = odd((x) => {
  const square = mul(x, x)
  return logHuge(x, add(x, div(square, plus(sqrt(plus(square, 1)), 1))))
})

function acosh(x: Expr): Expr {
  const t = plus(x, -1)
  const near = add(t, sqrt(mul(t, plus(t, 2))))
  return select(lt(x, one), undefinedNumber, logHuge(x, near))
}

/** log(1 + near), or log(2x) where x is so large that x² overflows. */
function logHuge(x: Expr, near: Expr): Expr {
  const isHuge = lt(f64(2 ** 55), x)
  return add(log1p(select(isHuge, x, near)), select(isHuge, f64(Math.LN2), zero))
}

const atanh = odd((x) => mul(f64(0.5), log1p(div(add(x, x), sub(one, x)))))

// ---- The error function, as in `math.ts`

/** One rational function where the condition holds, at x, another elsewhere, at y: of all lanes one division. */
function either(condition: Expr, first: Rational, x: Expr, second: Rational, y: Expr): Expr {
  const part = (name: keyof Rational): Expr =>
    select(condition, polynomial(x, first[name]), polynomial(y, second[name]))
  return div(part('p'), part('q'))
}

const erf = odd((given) => {
  const x = atMost(given, 6)
  const isSmall = lt(x, f64(0.84375))
  const near = either(isSmall, below084, mul(x, x), below125, plus(x, -1))
  const a = atLeast(x, 1.25)
  const t = div(one, mul(a, a))
  const tail = either(lt(a, f64(1 / 0.35)), below286, t, below6, t)
  // e^(−a²) as a product, so that squaring loses nothing
  const z = convert('f64', convert('f32', a))
  const first = exponential(sub(f64(-0.5625), mul(z, z)), 0)
  const second = exponential(madd(sub(z, a), add(z, a), tail), 0)
  const large = sub(one, div(mul(first, second), a))
  return select(isSmall, madd(x, near, x), select(lt(x, f64(1.25)), plus(near, 0.8450629115104675), large))
})

/** Those there are; sine, cosine and the like of large angles, and powers, need more than lanes of float64 have. */
export const doubles: { readonly [F in FunctionName]?: (x: Expr) => Expr } = {
  exp: (x) => exponential(x, 0),
  expm1,
  log,
  log1p,
  sinh,
  cosh,
  tanh,
  asinh,
  acosh,
  atanh,
  erf,
  sigmoid,
}

/** Replaces float64 calls by arithmetic where there is a way. */
export function expandDoubles(root: Expr, memo: Map<Expr, Expr>): Expr {
  const replace = (e: Expr): Expr => {
    const double = e.op === 'call' && e.type === 'f64' && e.name ? doubles[e.name] : undefined
    return double ? double(e.args[0]) : e
  }
  return rewrite(root, replace, memo)
}
