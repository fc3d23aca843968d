// Functions of one or two arguments composed of primitives, in forms that neither overflow nor lose digits.

import { floating, type Operand, type Tensor } from './tensor.ts'

/** √(x² + y²) without overflow; the gradient at (0, 0) and at infinity is 0. */
export function hypot(x: Tensor, y: Tensor): Tensor {
  const [a, b] = [floating(x), floating(y)]
  // The result does not depend on the scale, which therefore needs no gradient.
  const largest = a.abs().maximum(b.abs()).detach()
  const isRegular = largest.greater(0).and(largest.less(Infinity))
  const scale = isRegular.where(largest, 1)
  const [u, v] = [isRegular.where(a, 1).div(scale), isRegular.where(b, 1).div(scale)]
  return isRegular.where(u.square().add(v.square()).sqrt().mul(scale), largest)
}

/** log(e^x + e^y), finite wherever the result is. */
export function logAddExp(x: Tensor, y: Tensor): Tensor {
  const [a, b] = [floating(x), floating(y)]
  const yWins = a.less(b)
  const difference = yWins.where(a.sub(b), b.sub(a))
  // Equal infinities differ by NaN, and their sum is the same infinity.
  const isEqual = a.equal(b)
  const isInfinite = isEqual.and(a.abs().equal(Infinity))
  return yWins.where(b, a).add(isInfinite.where(0, difference).exp().log1p())
}

/** x·log(y), and 0 where x is 0, as the limit is. */
export function xlogy(x: Tensor, y: Tensor): Tensor {
  const safe = floating(y)
  const isLimit = x.equal(0).and(safe.lessEqual(0).or(safe.equal(Infinity)))
  return x.mul(isLimit.where(1, safe).log())
}

/** start + weight·(end − start). */
export const lerp = (start: Tensor, end: Tensor, weight: Operand): Tensor => start.add(end.sub(start).mul(weight))

/** sin(πx) / (πx), 1 at 0. */
export function sinc(x: Tensor): Tensor {
  const angle = floating(x).mul(Math.PI)
  // Near 0 the quotient's derivatives cancel; the series has none of that.
  const isSmall = angle.abs().less(0.3)
  const t = isSmall.where(angle, 0).square()
  const series = [1 / 39916800, 1 / 362880, 1 / 5040, 1 / 120, 1 / 6].reduce<Tensor>(
    (sum, coefficient) => sum.mul(t).neg().add(coefficient),
    t.mul(0).add(1 / 6227020800),
  )
  const far = isSmall.where(1, angle)
  return isSmall.where(series.mul(t).neg().add(1), far.sin().div(far))
}
