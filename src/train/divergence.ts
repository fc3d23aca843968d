/** Divergence: losses that grow geometrically, told from losses that only scatter. */
import type { Callbacks } from './callbacks.ts'

export interface DivergenceOptions {
  /** The last losses that are looked at; 20 unless told. */
  readonly window?: number
  /** How many times the first loss the last one has to be; 1 unless told: above it. */
  readonly growth?: number
}

export interface Divergence {
  readonly diverges: boolean
  /** By which the loss was multiplied at each update of the window, in the mean; NaN where losses are not above 0, ∞ once one is not finite. */
  readonly factor: number
}

/**
 * Whether training diverges: a loss is not finite, or the logarithms of the last losses rise in a straight line, by more than their
 * scatter explains (five standard errors of the slope), to above the first loss. On a quadratic of curvature L, descent with rate η
 * multiplies the loss by (1 − ηL)² at each update, so this is the theorem's η > 2/L.
 *
 *     divergence([1, 1.21, 1.4641, 1.771561]) // { diverges: true, factor: 1.21 }
 */
export function divergence(losses: readonly number[], options: DivergenceOptions = {}): Divergence {
  const { window, growth } = checked(options)
  if (losses.some((loss) => !Number.isFinite(loss))) return { diverges: true, factor: Infinity }
  const last = losses.slice(-window)
  if (last.length < leastWindow || last.some((loss) => loss <= 0)) return { diverges: false, factor: Number.NaN }
  const { slope, error } = line(last.map(Math.log))
  const rises = slope > Math.max(standardErrors * error, rounding)
  return { diverges: rises && last[last.length - 1] > growth * losses[0], factor: Math.exp(slope) }
}

/** Training was given up because the loss grew without end. */
export class DivergenceError extends Error {
  override readonly name = 'DivergenceError'
}

/**
 * A callback for `fit` that ends a diverging run with a `DivergenceError`, long before the loss is no number any more: as soon as
 * it grows geometrically and is `growth` (10 unless told) times the first.
 *
 *     await fit(net, data, { …, callbacks: stopOnDivergence() })
 */
export function stopOnDivergence(options: DivergenceOptions = {}): Callbacks {
  const { window, growth } = checked({ growth: 10, ...options })
  let losses: number[] = []
  return {
    onStart: () => {
      losses = []
    },
    onStep: ({ loss, step, epoch, batch, batches }) => {
      losses.push(loss)
      // The first loss stays, what is measured against.
      if (losses.length > window + 1) losses.splice(1, 1)
      const { diverges, factor } = divergence(losses, { window, growth })
      if (!diverges) return
      const [first, last] = [losses[0], loss].map((value) => value.toPrecision(3))
      throw new DivergenceError(
        `fit: training diverges in epoch ${epoch}, batch ${batch} of ${batches}, after ${step} updates: the loss went from ${first} to ${last}, by a factor of ${factor.toPrecision(3)} at each update lately: choose a smaller learning rate (findLearningRate proposes one) or clip gradients (clipNorm)`,
      )
    },
  }
}

const leastWindow = 4
const standardErrors = 5
/** A slope that is no more than what rounding makes of a constant loss. */
const rounding = 1e-12

function checked({ window = 20, growth = 1 }: DivergenceOptions): Required<DivergenceOptions> {
  if (!Number.isInteger(window) || window < leastWindow)
    throw new RangeError(`divergence: window is ${window}, it must be a whole number of at least ${leastWindow}`)
  if (!(growth >= 1)) throw new RangeError(`divergence: growth is ${growth}, it must be at least 1`)
  return { window, growth }
}

/** The least-squares line through equally spaced values: its slope, and the standard error of that. */
function line(values: readonly number[]): { readonly slope: number; readonly error: number } {
  const n = values.length
  const [middle, mean] = [(n - 1) / 2, values.reduce((a, b) => a + b) / n]
  const spread = (n * (n * n - 1)) / 12
  const slope = values.reduce((sum, value, i) => sum + (i - middle) * (value - mean), 0) / spread
  const residual = values.reduce((sum, value, i) => sum + (value - mean - slope * (i - middle)) ** 2, 0)
  return { slope, error: Math.sqrt(residual / (n - 2) / spread) }
}
