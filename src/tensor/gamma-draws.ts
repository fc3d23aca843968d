// Gamma and beta numbers: of several proposals the first that is accepted.

import { misfit } from '../graph/refuse.ts'
import type { Dims } from '../graph/shape.ts'
import { exponential, normal } from './distributions.ts'
import { type FloatOptions, fold, nextKey } from './random-bits.ts'
import type { Writable } from './shape-types.ts'
import type { Tensor } from './tensor.ts'

/**
 * Gamma-distributed numbers of the given shape parameter, above 0, and scale 1, by Marsaglia and Tsang (2000): of eight proposals, of
 * which each is taken with more than 95 %, the first that is. No gradients.
 */
export function gamma<const S extends Dims>(
  shape: S,
  concentration: number,
  options?: FloatOptions,
): Tensor<Writable<S>>
export function gamma(shape: Dims, concentration: number, options: FloatOptions = {}): Tensor {
  return logGamma('random.gamma', shape, concentration, options).exp()
}

/** Beta-distributed numbers in [0, 1] of two parameters above 0: γ(a) / (γ(a) + γ(b)). No gradients. */
export function beta<const S extends Dims>(shape: S, a: number, b: number, options?: FloatOptions): Tensor<Writable<S>>
export function beta(shape: Dims, a: number, b: number, options: FloatOptions = {}): Tensor {
  const { key: k = nextKey() } = options
  const draw = (concentration: number, stream: number): Tensor =>
    logGamma('random.beta', shape, concentration, { ...options, key: fold(k, stream) })
  return draw(a, 0).sub(draw(b, 1)).sigmoid()
}

/** The logarithm: numbers of a small parameter are too near to 0 themselves. */
function logGamma(what: string, shape: Dims, concentration: number, options: FloatOptions): Tensor {
  const { dtype = 'float32', key: k = nextKey() } = options
  if (!(concentration > 0 && concentration < Infinity))
    throw misfit(`${what}: a parameter is ${concentration}, it must be positive and finite`)
  // Below 1 the method needs the next higher parameter: γ(a) = γ(a + 1) · u^(1/a).
  const isSmall = concentration < 1
  const d = (isSmall ? concentration + 1 : concentration) - 1 / 3
  const c = 1 / Math.sqrt(9 * d)
  const proposals = [8, ...shape]
  const x = normal(proposals, { dtype, key: fold(k, 0) })
  const root = x.mul(c).add(1)
  const isPositive = root.greater(0)
  const logV = isPositive.where(root, 1).log().mul(3)
  const bound = x.square().mul(0.5).add(logV.exp().neg().add(1).add(logV).mul(d))
  const chance = exponential(proposals, { dtype, key: fold(k, 1) })
  const isTaken = isPositive.and(chance.neg().less(bound))
  const first = isTaken.cast('int32').argmax(0).unsqueeze(0)
  const drawn = logV.takeAlong(first, 0).squeeze(0).add(Math.log(d))
  if (!isSmall) return drawn.detach()
  return drawn.sub(exponential(shape, { dtype, key: fold(k, 2) }).div(concentration)).detach()
}
