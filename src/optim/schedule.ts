// Learning-rate schedules: pure functions from the step's index, from 0, to the rate.

import { checkPositive, checkProbability, checkRange, checkWhole } from '../graph/check.ts'
import { misfit } from '../graph/refuse.ts'

/** The rate at a step. */
export type Schedule = (step: number) => number

/** The rate as a number, or by the step. */
export type Rate = number | Schedule

export const rateAt = (rate: Rate, step: number): number => (typeof rate === 'number' ? rate : rate(step))

/** The same rate at every step. */
export function constant(rate: number): Schedule {
  checkRange('constant', { rate })
  return () => rate
}

export interface CosineOptions {
  /** The rate from the first to the last step's end. */
  readonly steps: number
  /** Where it ends, and stays; 0 unless told. */
  readonly minimum?: number
}

/** Half a cosine from `rate` down to the minimum (Loshchilov & Hutter 2017). */
export function cosine(rate: number, { steps, minimum = 0 }: CosineOptions): Schedule {
  checkWhole('cosine', { steps })
  checkRange('cosine', { rate, minimum })
  return (step) => minimum + ((rate - minimum) * (1 + Math.cos(Math.PI * Math.min(1, step / steps)))) / 2
}

export interface WarmupOptions {
  readonly steps: number
  /** The part of the rate to begin with; 1 / (steps + 1) unless told, so that the first step moves. */
  readonly start?: number
}

/** Rises linearly to the first rate of `after` in `steps` steps, then goes on with it, whose steps count from there. */
export function warmup(after: Rate, { steps, start = 1 / (steps + 1) }: WarmupOptions): Schedule {
  checkWhole('warmup', { steps })
  checkProbability('warmup', start, 'start')
  if (typeof after === 'number') checkRange('warmup', { after })
  return (step) =>
    step < steps ? rateAt(after, 0) * (start + ((1 - start) * step) / steps) : rateAt(after, step - steps)
}

export interface OneCycleOptions {
  readonly steps: number
  /** The part of the steps that rises; 0.3 unless told. */
  readonly rise?: number
  /** The peak over the first rate; 25 unless told. */
  readonly startDivisor?: number
  /** The first rate over the last; 10,000 unless told. */
  readonly endDivisor?: number
}

/** One rise to the peak and one fall far below the start, both half cosines, as PyTorch's `OneCycleLR` (Smith & Topin 2018). */
export function oneCycle(
  peak: number,
  { steps, rise = 0.3, startDivisor = 25, endDivisor = 1e4 }: OneCycleOptions,
): Schedule {
  checkWhole('oneCycle', { steps })
  checkRange('oneCycle', { peak })
  checkPositive('oneCycle', { startDivisor, endDivisor })
  checkProbability('oneCycle', rise, 'rise')
  const first = peak / startDivisor
  const last = first / endDivisor
  const top = rise * steps - 1
  const between = (from: number, to: number, part: number): number =>
    to + ((from - to) / 2) * (1 + Math.cos(Math.PI * Math.min(1, part)))
  return (step) =>
    step <= top ? between(first, peak, step / top) : between(peak, last, (step - top) / (steps - 1 - top))
}

export interface DecayOptions {
  /** Steps between two reductions; 1 unless told. */
  readonly every?: number
  readonly factor: number
}

/** The rate times `factor` after every so many steps: a staircase, or an exponential where `every` is 1. */
export function decay(rate: number, { every = 1, factor }: DecayOptions): Schedule {
  checkWhole('decay', { every })
  checkRange('decay', { rate, factor })
  return (step) => rate * factor ** Math.floor(step / every)
}

/** The rate times `factor` once each of the milestones is reached. */
export function piecewise(
  rate: number,
  { milestones, factor }: { readonly milestones: readonly number[]; readonly factor: number },
): Schedule {
  checkRange('piecewise', { rate, factor })
  for (const milestone of milestones) checkWhole('piecewise', { milestone }, 0)
  return (step) => rate * factor ** milestones.filter((m) => m <= step).length
}

export interface PolynomialOptions {
  readonly steps: number
  /** 1, a straight line, unless told. */
  readonly power?: number
  /** Where it ends, and stays; 0 unless told. */
  readonly minimum?: number
}

/** From `rate` down to the minimum as a power of the part that is left. */
export function polynomial(rate: number, { steps, power = 1, minimum = 0 }: PolynomialOptions): Schedule {
  checkWhole('polynomial', { steps })
  checkRange('polynomial', { rate, power, minimum })
  return (step) => minimum + (rate - minimum) * (1 - Math.min(1, step / steps)) ** power
}

export interface RestartOptions {
  /** Steps of the first period. */
  readonly period: number
  /** Each period over the one before; 1 unless told. */
  readonly growth?: number
  readonly minimum?: number
}

/** Half cosines down to the minimum, one after the other (Loshchilov & Hutter 2017). */
export function cosineRestarts(rate: number, { period, growth = 1, minimum = 0 }: RestartOptions): Schedule {
  checkWhole('cosineRestarts', { period })
  checkRange('cosineRestarts', { rate, minimum })
  if (!(growth >= 1 && growth < Infinity))
    throw misfit(`cosineRestarts: growth is ${growth}, it must be finite and at least 1`)
  return (step) => {
    let [start, length] = [0, period]
    while (step - start >= length) {
      start += length
      length *= growth
    }
    return minimum + ((rate - minimum) * (1 + Math.cos((Math.PI * (step - start)) / length))) / 2
  }
}

export interface CyclicOptions {
  readonly low: number
  readonly high: number
  /** Steps from low to high, and from high to low. */
  readonly steps: number
  /** What is left of the height after each cycle; 1 unless told, ½ for PyTorch's `triangular2`. */
  readonly factor?: number
}

/** Up and down along straight lines (Smith 2017). */
export function cyclic({ low, high, steps, factor = 1 }: CyclicOptions): Schedule {
  checkWhole('cyclic', { steps })
  checkRange('cyclic', { low, high, factor })
  return (step) => {
    const cycle = Math.floor(step / (2 * steps))
    const height = 1 - Math.abs(step / steps - 2 * cycle - 1)
    return low + (high - low) * height * factor ** cycle
  }
}
