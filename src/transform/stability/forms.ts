// Stable forms: functions of nodes whose parts neither overflow nor lose digits, with gradients to match.

import { build as b } from '../../graph/build.ts'
import type { Node } from '../../graph/node.ts'
import type { Dims } from '../../graph/shape.ts'
import { pullBack } from '../grad.ts'

/** The largest elements along the axes, or 0 where these are infinite; a constant to every gradient, as no result depends on it. */
function shiftOf(x: Node, axes: Dims): { top: Node; shift: Node } {
  const top = b.node('stopGradient', [b.node('max', [x], { axes, ties: 'even' })], {})
  return { top, shift: b.where(b.binary('equal', b.unary('abs', top), Infinity), 0, top) }
}

const lessShift = (x: Node, shift: Node, axes: Dims): Node => b.binary('sub', x, b.spread(shift, x.shape, axes))

/**
 * log Σ w·eˣ over the axes, w = 1 unless given. Where all elements are −∞, or have no weight, the result is −∞ and the
 * gradient 0.
 */
export function logSumExp(x: Node, axes: Dims, weight?: Node): Node {
  // What counts for nothing must not set the scale.
  const counted = weight ? b.where(b.binary('equal', weight, 0), -Infinity, x) : x
  const { top, shift } = shiftOf(counted, axes)
  const e = b.unary('exp', lessShift(counted, shift, axes))
  const isEmpty = b.binary('equal', top, -Infinity)
  const total = b.where(isEmpty, 1, b.sum(weight ? b.binary('mul', weight, e) : e, axes))
  return b.where(isEmpty, -Infinity, b.binary('add', b.unary('log', total), shift))
}

/** `value`, with its derivative by x given in a form that loses nothing; the same derivative as that of `value` itself. */
export function withVjp(value: Node, x: Node, vjp: (g: Node, y: Node) => Node): Node {
  const node: Node = b.node('custom', [value, x], { vjp: (g) => [vjp(g, node)], isExact: true })
  return node
}

/**
 * `value`, each element of which depends on that of x alone, with the derivative g·f'(x): one number for each element is kept
 * for the backward pass, where the rules of its parts would each keep theirs. The slope may be that of another function of another
 * argument, the same where it counts.
 */
export const withSlope = (value: Node, x: Node, y = value, at = x): Node =>
  withVjp(value, x, (g) => {
    const [slope] = pullBack([y], [b.constant(1, y.shape, y.dtype)], [at], (node) => node === at)
    return slope ? b.binary('mul', g, slope) : b.constant(0, x.shape, x.dtype)
  })

/** x itself, as a node of its own. */
export const identity = (x: Node): Node => withVjp(x, x, (g) => g)

const lessTop = (x: Node, axes: Dims): Node =>
  lessShift(x, b.node('stopGradient', [b.node('max', [x], { axes, ties: 'even' })], {}), axes)

/** eˣ / Σ eˣ over the axes. */
export function softmax(x: Node, axes: Dims): Node {
  const e = b.unary('exp', lessTop(x, axes))
  // y ⊙ (g − ⟨g, y⟩): needs the result alone, and loses no digits where the composition would.
  return withVjp(b.binary('div', e, b.spread(b.sum(e, axes), x.shape, axes)), x, (g, y) => {
    const product = b.sum(b.binary('mul', g, y), axes)
    return b.binary('mul', y, b.binary('sub', g, b.spread(product, y.shape, axes)))
  })
}

/** w·eˣ / Σ w·eˣ over the axes. */
export function weightedSoftmax(x: Node, weight: Node, axes: Dims): Node {
  const counted = b.where(b.binary('equal', weight, 0), -Infinity, x)
  const e = b.binary('mul', weight, b.unary('exp', lessShift(counted, shiftOf(counted, axes).shift, axes)))
  return b.binary('div', e, b.spread(b.sum(e, axes), x.shape, axes))
}

/** log(eˣ / Σ eˣ) over the axes. */
export function logSoftmax(x: Node, axes: Dims): Node {
  return withVjp(logSoftmaxOfShifted(lessTop(x, axes), axes), x, (g, y) =>
    b.binary('sub', g, b.binary('mul', b.unary('exp', y), b.spread(b.sum(g, axes), y.shape, axes))),
  )
}

/** logSoftmax of values whose maximum is 0 already. */
export function logSoftmaxOfShifted(x: Node, axes: Dims): Node {
  const total = b.unary('log', b.sum(b.unary('exp', x), axes))
  return b.binary('sub', x, b.spread(total, x.shape, axes))
}

/** log(1 + eˣ). */
export function softplus(x: Node): Node {
  // The exponent is never positive; both branches have the derivative sigmoid(x), also at 0.
  const isPositive = b.binary('less', 0, x)
  const tail = b.unary('log1p', b.unary('exp', b.where(isPositive, b.unary('neg', x), x)))
  return b.binary('add', b.where(isPositive, x, 0), tail)
}

/** log(sigmoid(x)). */
export const logSigmoid = (x: Node): Node => b.unary('neg', softplus(b.unary('neg', x)))

/** log(eˣ + eʸ). */
export function logAddExp(x: Node, y: Node): Node {
  const yWins = b.binary('less', x, y)
  const difference = b.where(yWins, b.binary('sub', x, y), b.binary('sub', y, x))
  // Equal infinities differ by NaN, and their sum is the same infinity.
  const isEqual = b.binary('equal', x, y)
  const isInfinite = b.binary('and', isEqual, b.binary('equal', b.unary('abs', x), Infinity))
  const tail = b.unary('log1p', b.unary('exp', b.where(isInfinite, 0, difference)))
  return b.binary('add', b.where(yWins, y, x), tail)
}

/** log(1 − eˣ) for x ≤ 0 (Mächler 2012): each half of the axis by the formula that loses nothing there. */
export function log1mExp(x: Node): Node {
  const isFar = b.binary('less', x, -Math.LN2)
  const far = b.unary('log1p', b.unary('neg', b.unary('exp', b.where(isFar, x, -1))))
  const near = b.unary('log', b.unary('neg', b.unary('expm1', b.where(isFar, -Math.LN2, x))))
  return b.where(isFar, far, near)
}

/** √(x² + y²) without overflow; the gradient at (0, 0) and at infinity is 0. */
export function hypot(x: Node, y: Node): Node {
  // The result does not depend on the scale, which therefore needs no gradient.
  const largest = b.node('stopGradient', [b.binary('maximum', b.unary('abs', x), b.unary('abs', y))], {})
  const isRegular = b.binary('and', b.binary('less', 0, largest), b.binary('less', largest, Infinity))
  const scale = b.where(isRegular, largest, 1)
  const part = (v: Node): Node => b.binary('div', b.where(isRegular, v, 1), scale)
  const [u, v] = [part(x), part(y)]
  const root = b.unary('sqrt', b.binary('add', b.binary('mul', u, u), b.binary('mul', v, v)))
  return b.where(isRegular, b.binary('mul', root, scale), largest)
}

/** √x with the derivative 0, not infinity, at 0. */
export function safeRoot(x: Node): Node {
  const isZero = b.binary('equal', x, 0)
  return b.where(isZero, 0, b.unary('sqrt', b.where(isZero, 1, x)))
}

/** x·log y, and 0 where x is 0 and log y infinite, as the limit is. */
export function xlogy(x: Node, y: Node): Node {
  const isEdge = b.binary('or', b.binary('lessEqual', y, 0), b.binary('equal', y, Infinity))
  const isLimit = b.binary('and', b.binary('equal', x, 0), isEdge)
  return b.binary('mul', x, b.unary('log', b.where(isLimit, 1, y)))
}
