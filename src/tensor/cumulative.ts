// Running sums, products and extremes along an axis.

import { build } from '../graph/build.ts'
import { recurrence, runningArgmax } from '../graph/routines/recurrence.ts'
import { normalizeAxis, type Range } from '../graph/shape.ts'
import { concat, onesLike, zerosLike } from './create.ts'
import { floating, type Tensor, wrap } from './tensor.ts'

export interface RunningOptions {
  /** From the end to the beginning; false unless told. */
  readonly reverse?: boolean
}

/** The sum of the elements up to each one, along an axis; bool counts as int32. */
export function cumsum(x: Tensor, axis = 0, options: RunningOptions = {}): Tensor {
  return alongLast(number(x), normalizeAxis(axis, x.rank, 'cumsum'), (last) => run([last], options))
}

/** The product of the elements up to each one, along an axis; zeros have their true gradients. */
export function cumprod(x: Tensor, axis = 0, options: RunningOptions = {}): Tensor {
  return alongLast(number(x), normalizeAxis(axis, x.rank, 'cumprod'), (last) => {
    const n = last.shape[last.rank - 1] as number
    if (n < 2) return last
    // hᵢ = xᵢ·hᵢ₋₁ from h₀ = x₀: the first element is a term, all others are factors.
    const { reverse = false } = options
    const first = part(last, reverse ? [n - 1] : [0, 1])
    const others = part(last, reverse ? [0, n - 1] : [1])
    const join = (edge: Tensor, rest: Tensor): Tensor => concat(reverse ? [rest, edge] : [edge, rest], -1)
    return run([join(onesLike(first), others), join(first, zerosLike(others))], options)
  })
}

/**
 * The linear recurrence hᵢ = factorᵢ·hᵢ₋₁ + termᵢ along an axis, with h before it 0: exponential averages, discounted
 * returns, linear state spaces. Both inputs have one shape.
 */
export function linearRecurrence(factors: Tensor, terms: Tensor, axis = 0, options: RunningOptions = {}): Tensor {
  const at = normalizeAxis(axis, terms.rank, 'linearRecurrence')
  return alongLast(floating(terms), at, (last) => run([floating(factors).transpose(at, -1), last], options))
}

/** The largest element up to each one, and its position, int32: the latest among equals, which gets the gradient. */
export function cummax(x: Tensor, axis = 0): { values: Tensor; indices: Tensor } {
  const at = normalizeAxis(axis, x.rank, 'cummax')
  const indices = alongLast(x, at, (last) =>
    wrap(build.node('routine', [last.node], { routine: runningArgmax, parameters: [] })),
  )
  return { values: x.takeAlong(indices, at), indices }
}

/** The smallest element up to each one, and its position, as `cummax`. */
export function cummin(x: Tensor, axis = 0): { values: Tensor; indices: Tensor } {
  const { indices } = cummax((x.dtype === 'bool' || x.dtype === 'uint8' ? x.cast('int32') : x).neg(), axis)
  return { values: x.takeAlong(indices, axis), indices }
}

/** log Σ eˣ over the elements up to each one, along an axis, without overflow. */
export function logcumsumexp(x: Tensor, axis = 0): Tensor {
  return alongLast(floating(x), normalizeAxis(axis, x.rank, 'logcumsumexp'), (last) => {
    const n = last.shape[last.rank - 1] as number
    if (n === 0) return last
    // Scaled by the largest so far, on which the result does not depend: it needs no gradient.
    const largest = cummax(last, -1).values.detach()
    const scale = largest.abs().equal(Infinity).where(0, largest)
    const before = concat([part(scale, [0, 1]), part(scale, [0, n - 1])], -1)
    const sum = run([before.sub(scale).exp(), last.sub(scale).exp()], {})
    // Nothing but −∞ so far: a constant, or its gradient, 0/0, would spoil those of what follows.
    const isNothing = sum.equal(0)
    return isNothing.where(-Infinity, isNothing.where(1, sum).log().add(scale))
  })
}

const number = (x: Tensor): Tensor => (x.dtype === 'bool' ? x.cast('int32') : x)

/** A range of the last axis. */
const part = (x: Tensor, range: Range): Tensor => x.slice(...x.shape.slice(1).map(() => null), range)

/** f of x with the axis at the end, and back. */
export const alongLast = (x: Tensor, axis: number, f: (x: Tensor) => Tensor): Tensor =>
  axis === x.rank - 1 ? f(x) : f(x.transpose(axis, -1)).transpose(axis, -1)

const run = (inputs: readonly Tensor[], options: RunningOptions): Tensor =>
  wrap(
    build.node(
      'routine',
      inputs.map((x) => x.node),
      { routine: recurrence, parameters: [options.reverse ? 1 : 0] },
    ),
  )
