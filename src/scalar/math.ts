// The named functions in double precision: what a float64 kernel calls and what the float32 expansions are measured against.

import type { FunctionName } from './expr.ts'

/** Every function of the scalar language on JavaScript numbers, accurate to about 1e-15 relative. */
export const math: { readonly [F in FunctionName]: (...x: number[]) => number } = {
  exp: Math.exp,
  expm1: Math.expm1,
  log: Math.log,
  log1p: Math.log1p,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  asin: Math.asin,
  acos: Math.acos,
  atan: Math.atan,
  atan2: Math.atan2,
  sinh: Math.sinh,
  cosh: Math.cosh,
  tanh: Math.tanh,
  asinh: Math.asinh,
  acosh: Math.acosh,
  atanh: Math.atanh,
  erf,
  sigmoid,
  pow,
}

/** 1/(1 + e^-x), without overflow on either side. */
function sigmoid(x: number): number {
  const e = Math.exp(-Math.abs(x))
  return (x < 0 ? e : 1) / (1 + e)
}

/** x^y as in C and NumPy: 1^y and (±1)^±inf are 1, where JavaScript says NaN. */
function pow(x: number, y: number): number {
  return x === 1 || (x === -1 && Math.abs(y) === Infinity) ? 1 : x ** y
}

/** Coefficients of Sun's fdlibm (s_erf.c), one rational form for each range of |x|, lowest power first. */
export const below084 = {
  p: [0.12837916709551256, -0.3250421072470015, -0.02848174957559851, -0.005770270296489442, -0.000023763016656650163],
  q: [
    1, 0.39791722395915535, 0.0650222499887673, 0.005081306281875766, 0.00013249473800432164, -0.000003960228278775368,
  ],
}
export const below125 = {
  p: [
    -0.0023621185607526594, 0.41485611868374833, -0.3722078760357013, 0.31834661990116175, -0.11089469428239668,
    0.035478304325618236, -0.002166375594868791,
  ],
  q: [
    1, 0.10642088040084423, 0.540397917702171, 0.07182865441419627, 0.12617121980876164, 0.01363708391202905,
    0.011984499846799107,
  ],
}
export const below286 = {
  p: [
    -0.009864944034847148, -0.6938585727071818, -10.558626225323291, -62.375332450326006, -162.39666946257347,
    -184.60509290671104, -81.2874355063066, -9.814329344169145,
  ],
  q: [
    1, 19.651271667439257, 137.65775414351904, 434.56587747522923, 645.3872717332679, 429.00814002756783,
    108.63500554177944, 6.570249770319282, -0.0604244152148581,
  ],
}
export const below6 = {
  p: [
    -0.0098649429247001, -0.799283237680523, -17.757954917754752, -160.63638485582192, -637.5664433683896,
    -1025.0951316110772, -483.5191916086514,
  ],
  q: [
    1, 30.33806074348246, 325.7925129965739, 1536.729586084437, 3199.8582195085955, 2553.0504064331644,
    474.52854120695537, -22.44095244658582,
  ],
}

export interface Rational {
  readonly p: readonly number[]
  readonly q: readonly number[]
}

function erf(x: number): number {
  const a = Math.abs(x)
  if (a < 0.84375) return x + x * rational(below084, x * x)
  const sign = Math.sign(x)
  if (a < 1.25) return sign * (0.8450629115104675 + rational(below125, a - 1))
  if (a >= 6) return sign
  if (Number.isNaN(a)) return a
  const z = Math.fround(a)
  const tail = rational(a < 1 / 0.35 ? below286 : below6, 1 / (a * a))
  // e^(-a²) as a product, so that squaring loses nothing
  return sign * (1 - (Math.exp(-z * z - 0.5625) * Math.exp((z - a) * (z + a) + tail)) / a)
}

function rational({ p, q }: Rational, x: number): number {
  return horner(p, x) / horner(q, x)
}

function horner(coefficients: readonly number[], x: number): number {
  let sum = 0
  for (let i = coefficients.length - 1; i >= 0; i--) sum = sum * x + coefficients[i]
  return sum
}
