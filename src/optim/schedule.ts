// Learning-rate schedules: pure functions from the step's index, from 0, to the rate.

/** The rate at a step. */
export type Schedule = (step: number) => number

/** The rate as a number, or by the step. */
export type Rate = number | Schedule

export const rateAt = (rate: Rate, step: number): number => (typeof rate === 'number' ? rate : rate(step))

export const constant =
  (rate: number): Schedule =>
  () =>
    rate

export interface CosineOptions {
  /** The rate from the first to the last step's end. */
  readonly steps: number
  /** Where it ends, and stays; 0 unless told. */
  readonly minimum?: number
}

/** Half a cosine from `rate` down to the minimum (Loshchilov & Hutter 2017). */
export function cosine(rate: number, { steps, minimum = 0 }: CosineOptions): Schedule {
  checkSteps('cosine', steps)
  return (step) => minimum + ((rate - minimum) * (1 + Math.cos(Math.PI * Math.min(1, step / steps)))) / 2
}

export interface WarmupOptions {
  readonly steps: number
  /** The part of the rate to begin with; 1 / (steps + 1) unless told, so that the first step moves. */
  readonly start?: number
}

/** Rises linearly to the first rate of `after` in `steps` steps, then goes on with it, whose steps count from there. */
export function warmup(after: Rate, { steps, start = 1 / (steps + 1) }: WarmupOptions): Schedule {
  checkSteps('warmup', steps)
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
  checkSteps('oneCycle', steps)
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
  checkSteps('decay', every)
  return (step) => rate * factor ** Math.floor(step / every)
}

function checkSteps(name: string, steps: number): void {
  if (!(Number.isInteger(steps) && steps > 0))
    throw new RangeError(`${name}: steps is ${steps}, it must be a whole number of at least 1`)
}
