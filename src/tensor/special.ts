// Functions of one or two arguments composed of primitives, in forms that neither overflow nor lose digits.

import { checkRange } from '../graph/check.ts'
import * as forms from '../transform/stability/forms.ts'
import { floating, type Operand, type Tensor, wrap } from './tensor.ts'

/** √(x² + y²) without overflow; the gradient at (0, 0) and at infinity is 0. */
export const hypot = (x: Tensor, y: Tensor): Tensor => wrap(forms.hypot(floating(x).node, floating(y).node))

/** log(e^x + e^y), finite wherever the result is. */
export const logAddExp = (x: Tensor, y: Tensor): Tensor => wrap(forms.logAddExp(floating(x).node, floating(y).node))

/** x·log(y), and 0 where x is 0, as the limit is. */
export const xlogy = (x: Tensor, y: Tensor): Tensor => wrap(forms.xlogy(x.node, floating(y).node))

/** start + weight·(end − start). */
export const lerp = (start: Tensor, end: Tensor, weight: Operand): Tensor => start.add(end.sub(start).mul(weight))

/** sin(πx) / (πx), 1 at 0 and 0 at infinity. */
export function sinc(x: Tensor): Tensor {
  const angle = floating(x).mul(Math.PI)
  // Near 0 the quotient's derivatives cancel; the series has none of that.
  const isSmall = angle.abs().less(0.3)
  const t = isSmall.where(angle, 0).square()
  const series = [1 / 39916800, 1 / 362880, 1 / 5040, 1 / 120, 1 / 6].reduce<Tensor>(
    (sum, coefficient) => sum.mul(t).neg().add(coefficient),
    t.mul(0).add(1 / 6227020800),
  )
  const isInfinite = angle.abs().equal(Infinity)
  const far = isSmall.or(isInfinite).where(1, angle)
  return isSmall.where(series.mul(t).neg().add(1), isInfinite.where(0, far.sin().div(far)))
}

/** What replaces values that are no finite numbers; 0, and the largest and smallest finite numbers of the dtype, unless told. */
export interface ReplacedValues {
  readonly nan?: number
  readonly positive?: number
  readonly negative?: number
}

/** x with numbers in place of NaN, ∞ and −∞; no gradient goes to those. */
export function nanToNum(x: Tensor, { nan = 0, positive, negative }: ReplacedValues = {}): Tensor {
  const value = floating(x)
  const most = value.dtype === 'float64' ? Number.MAX_VALUE : (2 - 2 ** -23) * 2 ** 127
  const [high, low] = [positive ?? most, negative ?? -most]
  const finite = value.equal(Infinity).where(high, value.equal(-Infinity).where(low, value))
  return value.isNaN().where(nan, finite)
}

/** Tolerances as NumPy's `isclose`: |x − y| ≤ absolute + relative·|y|. */
export interface Tolerances {
  /** 1e-5 unless told. */
  readonly relative?: number
  /** 1e-8 unless told. */
  readonly absolute?: number
  /** Whether NaN is close to NaN; not unless told. */
  readonly equalNaN?: boolean
}

/** Where x is about y: bool. Infinities are close to themselves alone. */
export function isClose(x: Tensor, y: Tensor, tolerances: Tolerances = {}): Tensor {
  const { relative = 1e-5, absolute = 1e-8, equalNaN = false } = tolerances
  checkRange('isClose', { relative, absolute })
  const [a, b] = [floating(x), floating(y)]
  const isNear = a.sub(b).abs().lessEqual(b.abs().mul(relative).add(absolute)).and(b.isFinite())
  const isClose = isNear.or(a.equal(b))
  return equalNaN ? isClose.or(a.isNaN().and(b.isNaN())) : isClose
}

/** Whether all elements of x are about those of y: a bool scalar. */
export const allClose = (x: Tensor, y: Tensor, tolerances: Tolerances = {}): Tensor => isClose(x, y, tolerances).all()
