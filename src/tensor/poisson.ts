// Poisson numbers: by inversion where few events are expected, by transformed rejection where there are many.

import { checkRange } from '../graph/check.ts'
import type { Dims } from '../graph/shape.ts'
import { whileLoop } from './control.ts'
import { full, ones, zeros, zerosLike } from './create.ts'
import { lgamma } from './gamma.ts'
import { type FloatOptions, fold, type Key, nextKey, uniform } from './random-bits.ts'
import type { AnyDims, Writable } from './shape-types.ts'
import type { Tensor } from './tensor.ts'

/**
 * How many events happen where `rate` of them are expected: a number, or a tensor that broadcasts to the shape. Whole numbers as
 * floats; NaN where a tensor's rate is negative or no number. No gradients. Throws on such a number.
 *
 *     random.poisson([1000], 4).mean() // about 4
 */
export function poisson<const S extends AnyDims>(
  shape: S,
  rate: number | Tensor,
  options?: FloatOptions,
): Tensor<Writable<S>>
export function poisson(shape: Dims, rate: number | Tensor, options: FloatOptions = {}): Tensor {
  if (typeof rate === 'number') checkRange('random.poisson', { rate })
  const { dtype = 'float32', key: k = nextKey() } = options
  const given = typeof rate === 'number' ? full([], rate, 'float64') : rate.detach().cast('float64')
  const rates = given.broadcastTo(shape)
  const isFew = rates.less(few)
  const isMany = rates.greaterEqual(few).and(rates.less(Infinity))
  const drawn = isFew.where(
    byInversion(isFew.where(rates, 0).maximum(0), fold(k, 0)),
    byRejection(isMany.where(rates, few), fold(k, 1)),
  )
  const isRate = rates.greaterEqual(0)
  return isRate.where(isMany.or(isFew).where(drawn, rates), Number.NaN).cast(dtype).detach()
}

/** Below this rate inversion takes few turns; from it on rejection accepts most proposals. */
const few = 10

/** The first count whose cumulative probability exceeds a uniform number. */
function byInversion(rate: Tensor, k: Key): Tensor {
  const u = uniform(rate.shape, { dtype: 'float64', key: k })
  const first = rate.neg().exp()
  const start = { count: zerosLike(rate), term: first, cumulative: first, turn: zeros([], 'int32') }
  const { count } = whileLoop(
    ({ cumulative, turn }) => u.greaterEqual(cumulative).any().and(turn.less(mostTurns)),
    ({ count, term, cumulative, turn }) => {
      const isBeyond = u.greaterEqual(cumulative)
      const next = turn.add(1)
      const nextTerm = term.mul(rate).div(next.cast('float64'))
      return {
        count: isBeyond.where(next.cast('float64'), count),
        term: nextTerm,
        cumulative: cumulative.add(nextTerm),
        turn: next,
      }
    },
    start,
  )
  return count
}

/** At a rate of 10 more than 70 events have a probability below 2^-53, what a uniform number can tell. */
const mostTurns = 80

/** PTRS of Hörmann (1993): proposals from a table mountain, until each element has taken one. */
function byRejection(rate: Tensor, k: Key): Tensor {
  const b = rate.sqrt().mul(2.53).add(0.931)
  const a = b.mul(0.02483).add(-0.059)
  const inverseAlpha = b.sub(3.4).reciprocal().mul(1.1328).add(1.1239)
  const limit = b.sub(2).reciprocal().mul(-3.6224).add(0.9277)
  const logRate = rate.log()
  const start = { count: zerosLike(rate), isOpen: ones(rate.shape, 'bool'), turn: zeros([], 'int32') }
  const { count } = whileLoop(
    ({ isOpen, turn }) => isOpen.any().and(turn.less(mostProposals)),
    ({ count, isOpen, turn }) => {
      const own = fold(k, turn)
      const u = uniform(rate.shape, { dtype: 'float64', key: fold(own, 0) }).sub(0.5)
      const v = uniform(rate.shape, { dtype: 'float64', key: fold(own, 1) })
      const room = u.abs().neg().add(0.5)
      const proposal = a.mul(2).div(room).add(b).mul(u).add(rate).add(0.43).floor()
      const isSure = room.greaterEqual(0.07).and(v.lessEqual(limit))
      const isOut = proposal.less(0).or(room.less(0.013).and(v.greater(room)))
      const events = proposal.maximum(0)
      const height = v.mul(inverseAlpha).div(a.div(room.square()).add(b)).log()
      const isUnder = height.lessEqual(
        events
          .mul(logRate)
          .sub(rate)
          .sub(lgamma(events.add(1))),
      )
      const isTaken = isOpen.and(isSure.or(isOut.not().and(isUnder)))
      return { count: isTaken.where(events, count), isOpen: isOpen.and(isTaken.not()), turn: turn.add(1) }
    },
    start,
  )
  return count
}

/** Each proposal is taken with more than 70 %: after so many one in 10^40 elements is left. */
const mostProposals = 80
