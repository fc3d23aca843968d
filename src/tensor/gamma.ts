// The logarithm of the gamma function and its derivatives, and the inverse of erf: composed of primitives, to the last digits but a few.

import { misfit } from '../graph/refuse.ts'
import { withGradient } from './differentiate.ts'
import { floating, type Tensor } from './tensor.ts'

/** From here on the asymptotic series are exact to the dtype's precision; smaller arguments are shifted up by as many steps. */
const shifts = { float32: 4, float64: 9 } as const
const shiftOf = (x: Tensor): number => (x.dtype === 'float64' ? shifts.float64 : shifts.float32)

const horner = (x: Tensor, coefficients: readonly number[]): Tensor =>
  coefficients.reduceRight((sum, c) => sum.mul(x).add(c), x.mul(0))

/** log |Γ(x)|; infinite at 0 and the negative integers. Its derivative is `digamma`. */
export const lgamma = (x: Tensor): Tensor => lgammaOf(floating(x))

const lgammaOf = /* @__PURE__ */ withGradient(
  (x) =>
    continued(x, lgammaPositive, (above, fraction) =>
      // Γ(x)·Γ(1 − x) = π / sin πx
      fraction.sin().abs().log().neg().add(Math.log(Math.PI)).sub(above),
    ),
  (g, [x]) => [g.mul(digamma(x))],
)

/** Stirling's series (Abramowitz and Stegun 6.1.41) at x, or at x + shift less log x(x + 1)… */
const stirling = [1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156, -3617 / 122400]

function lgammaPositive(x: Tensor): Tensor {
  const { far, steps } = shifted(x)
  const inverse = far.reciprocal()
  const series = horner(inverse.square(), stirling).mul(inverse)
  const product = steps.reduce((p, step) => p.mul(step))
  const value = far
    .sub(0.5)
    .mul(far.log().sub(1))
    .add(series)
    .add(0.5 * Math.log(2 * Math.PI) - 0.5)
  return value.sub(x.less(shiftOf(x)).where(product.log(), 0))
}

/** The derivative of log Γ. Its derivative is `polygamma(1, x)`. */
export const digamma = (x: Tensor): Tensor => polygamma(0, x)

/** The derivative of order n + 1 of log Γ; infinite or not a number at 0 and the negative integers. Throws when n is no whole number ≥ 0. */
export function polygamma(n: number, x: Tensor): Tensor {
  if (!Number.isInteger(n) || n < 0)
    throw misfit(`polygamma: the order is ${n}, it must be a whole number of at least 0`)
  const sign = n % 2 === 0 ? 1 : -1
  const cotangent = cotangentDerivative(n)
  const of = withGradient(
    (y) =>
      continued(
        y,
        (p) => (n === 0 ? digammaPositive(p) : polygammaPositive(n, p)),
        (above, fraction) => above.mul(sign).sub(horner(fraction.tan().reciprocal(), cotangent)),
      ),
    (g, [y]) => [g.mul(polygamma(n + 1, y))],
  )
  return of(floating(x))
}

/** Abramowitz and Stegun 6.3.18. */
const digammaSeries = [1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12]

function digammaPositive(x: Tensor): Tensor {
  const { far, steps } = shifted(x)
  const inverse = far.reciprocal()
  const squared = inverse.square()
  const value = far.log().sub(inverse.mul(0.5)).sub(horner(squared, digammaSeries).mul(squared))
  const sum = steps.map((step) => step.reciprocal()).reduce((s, term) => s.add(term))
  return value.sub(x.less(shiftOf(x)).where(sum, 0))
}

const bernoulli = [1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510]

/** (−1)^(n+1) n! ζ(n + 1, x), Hurwitz's zeta function by the Euler–Maclaurin formula. */
function polygammaPositive(n: number, x: Tensor): Tensor {
  const { far, steps } = shifted(x)
  const factorial = range(1, n).reduce((p, k) => p * k, 1)
  const inverse = far.reciprocal()
  const power = inverse.pow(n)
  // B₂ⱼ/(2j)! · (n + 1)(n + 2)…(n + 2j − 1)
  const coefficients = bernoulli.map((b, i) => {
    const j = i + 1
    return (b * range(n + 1, n + 2 * j - 1).reduce((p, k) => p * k, 1)) / range(1, 2 * j).reduce((p, k) => p * k, 1)
  })
  const squared = inverse.square()
  const tail = power
    .mul(1 / n)
    .add(power.mul(inverse).mul(0.5))
    .add(horner(squared, coefficients).mul(squared).mul(power))
  const sum = steps.map((step) => step.reciprocal().pow(n + 1)).reduce((s, term) => s.add(term))
  return tail.add(x.less(shiftOf(x)).where(sum, 0)).mul(n % 2 === 0 ? -factorial : factorial)
}

const range = (from: number, to: number): number[] =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i)

/** Where the series holds, and what lies between it and x: x, x + 1, … for small x, ones elsewhere. */
function shifted(x: Tensor): { far: Tensor; steps: Tensor[] } {
  const count = shiftOf(x)
  const isSmall = x.less(count)
  const near = isSmall.where(x, 1)
  return {
    far: isSmall.where(x.add(count), x),
    steps: range(0, count - 1).map((k) => near.add(k)),
  }
}

/**
 * f(x) for x ≥ ½; below it the reflection, given f(1 − x) and π times the distance of x to the nearest integer, so that
 * no digits are lost. At −∞ as at +∞.
 */
function continued(x: Tensor, f: (x: Tensor) => Tensor, reflect: (above: Tensor, fraction: Tensor) => Tensor): Tensor {
  const isLeft = x.less(0.5)
  const value = f(isLeft.where(x.neg().add(1), x))
  const finite = isLeft.and(x.greater(-Infinity))
  const fraction = finite.where(x.sub(x.round()), 0.25).mul(Math.PI)
  return finite.where(reflect(value, fraction), value)
}

/** Coefficients of the polynomial in c = cot πx that dⁿ/dxⁿ π·cot πx is. */
function cotangentDerivative(n: number): number[] {
  let p = [0, Math.PI]
  for (let k = 0; k < n; k++) {
    const derivative = p.slice(1).map((c, i) => -Math.PI * c * (i + 1))
    // times 1 + c²
    p = Array.from({ length: derivative.length + 2 }, (_, i) => (derivative[i] ?? 0) + (derivative[i - 2] ?? 0))
  }
  return p
}

/** Polynomials of Giles ("Approximating the erfinv function", 2010) in w = −log(1 − x²): near the middle, and in the tails. */
const middle = [
  1.50140941, 0.246640727, -0.00417768164, -0.00125372503, 0.00021858087, -4.39150654e-6, -3.5233877e-6, 3.43273939e-7,
  2.81022636e-8,
]
const tails = [
  2.83297682, 1.00167406, 0.00943887047, -0.0076224613, 0.00573950773, -0.00367342844, 0.00134934322, 0.000100950558,
  -0.000200214257,
]

/** The inverse of erf: infinite at ±1, not a number beyond. */
export const erfinv = (x: Tensor): Tensor => erfinvOf(floating(x))

const erfinvOf = /* @__PURE__ */ withGradient(
  (x) => {
    const isInside = x.abs().less(1)
    const inside = isInside.where(x, 0)
    const w = inside.neg().add(1).log().add(inside.log1p()).neg()
    const isMiddle = w.less(5)
    const near = horner(w.sub(2.5), middle)
    const far = horner(isMiddle.where(5, w).sqrt().sub(3), tails)
    let y = isMiddle.where(near, far).mul(inside)
    // Each of Newton's steps doubles the digits.
    if (x.dtype === 'float64') for (let i = 0; i < 2; i++) y = y.sub(y.erf().sub(inside).mul(inverseSlope(y)))
    const outside = x.abs().equal(1).where(x.mul(Infinity), NaN)
    return isInside.where(y, outside)
  },
  (g, _, y) => [g.mul(inverseSlope(y))],
)

/** 1 / erf′(y). */
const inverseSlope = (y: Tensor): Tensor =>
  y
    .square()
    .exp()
    .mul(Math.sqrt(Math.PI) / 2)
