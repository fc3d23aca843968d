// A rate that goes by results: smaller whenever a watched number has not become better for a while.

import { checkPositive, checkRange, checkWhole } from '../graph/check.ts'
import { misfit } from '../graph/refuse.ts'
import type { Schedule } from './schedule.ts'

export interface PlateauOptions {
  /** The next rate over the last; 0.1 unless told. */
  readonly factor?: number
  /** Observations to wait for a better one before the rate is reduced; 10 unless told. */
  readonly patience?: number
  /** What counts as better: by more than this part of the best, or with `absolute` by more than this; 1e-4 unless told. */
  readonly threshold?: number
  readonly absolute?: boolean
  /** Observations after a reduction that do not count; 0 unless told. */
  readonly cooldown?: number
  /** The rate goes no lower; 0 unless told. */
  readonly minimum?: number
  /** Whether less is better, as of a loss, or more; `min` unless told. */
  readonly mode?: 'min' | 'max'
}

/** A schedule that is told how training goes. */
export interface Plateau extends Schedule {
  /** The watched number after an epoch; NaN is never better. */
  observe(value: number): void
  /** The rate now, whatever the step. */
  readonly rate: number
}

/**
 * A schedule that multiplies the rate by `factor` once the numbers it is told have not become better for more than `patience` times, as
 * PyTorch's `ReduceLROnPlateau`. `fit` tells it the loss after each epoch where it is given as `plateau`, and after a resume those of the
 * epochs before; in a loop of your own call `observe`. Throws on numbers outside their range.
 *
 *     const rate = optim.reduceOnPlateau(1e-3, { patience: 3 })
 *     await fit(net, data, { loss, optimizer: optim.adam({ learningRate: rate }), plateau: rate, epochs: 30 })
 */
export function reduceOnPlateau(rate: number, options: PlateauOptions = {}): Plateau {
  const kind = 'reduceOnPlateau'
  const { factor = 0.1, patience = 10, threshold = 1e-4, absolute = false, cooldown = 0, minimum = 0 } = options
  const { mode = 'min' } = options
  checkPositive(kind, { factor })
  if (factor >= 1) throw misfit(`${kind}: factor is ${factor}, it must be less than 1`)
  checkRange(kind, { rate, threshold, minimum })
  checkWhole(kind, { patience, cooldown }, 0)
  if (mode !== 'min' && mode !== 'max') throw misfit(`${kind}: unknown mode '${String(mode)}': use 'min' or 'max'`)

  const sign = mode === 'min' ? 1 : -1
  const now = { rate, best: sign * Infinity, waited: 0, cooling: 0 }
  const isBetter = (value: number): boolean => {
    const bar = absolute ? now.best - sign * threshold : now.best * (1 - sign * threshold)
    return sign * value < sign * bar
  }
  const observe = (value: number): void => {
    if (isBetter(value)) {
      now.best = value
      now.waited = 0
    } else now.waited++
    if (now.cooling > 0) {
      now.cooling--
      now.waited = 0
    }
    if (now.waited <= patience) return
    const next = Math.max(now.rate * factor, minimum)
    // PyTorch's: what would change the rate by less than this is not worth it.
    if (now.rate - next > 1e-8) now.rate = next
    now.cooling = cooldown
    now.waited = 0
  }
  return Object.defineProperty(
    Object.assign(() => now.rate, { observe }),
    'rate',
    { get: () => now.rate },
  ) as unknown as Plateau
}
