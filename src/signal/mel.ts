// What ears hear of a spectrum: bands on the mel scale, their logarithms, and how they change.

import { checkPositive, checkRange, checkWhole } from '../graph/check.ts'
import { misfit } from '../graph/refuse.ts'
import { normalizeAxis, show } from '../graph/shape.ts'
import { padWith, type Tensor, tensor } from '../tensor/index.ts'
import { power } from './transform.ts'
import { type StftOptions, stft } from './window.ts'

/** Mels of a frequency in Hz: 2595·log₁₀(1 + f/700) (O'Shaughnessy 1987). */
export const mel = (frequency: number): number => 2595 * Math.log10(1 + frequency / 700)

const frequencyOf = (mels: number): number => 700 * (10 ** (mels / 2595) - 1)

export interface MelOptions {
  /** 40 unless told. */
  readonly bands?: number
  /** In Hz; 0 unless told. */
  readonly low?: number
  /** In Hz; half the rate unless told. */
  readonly high?: number
  readonly dtype?: 'float32' | 'float64'
}

/**
 * Weights [bands, ⌊frame/2⌋ + 1] that sum a power spectrum of frames at `rate` samples a second into bands: triangles of height 1, each from
 * the middle of the band before to that of the next, equally far apart in mels. Throws where the band is empty or goes beyond half the rate.
 *
 *     const energies = signal.melFilters(8000, 256).matmul(signal.power(signal.stft(x, 256)))
 */
export function melFilters(rate: number, frame: number, options: MelOptions = {}): Tensor {
  const { bands = 40, low = 0, high = rate / 2, dtype = 'float32' } = options
  checkPositive('melFilters', { rate })
  checkWhole('melFilters', { frame, bands })
  checkRange('melFilters', { low, high })
  if (!(low < high && high <= rate / 2))
    throw misfit(`melFilters: from ${low} to ${high} Hz: low must be less, and high at most half the rate, ${rate / 2}`)
  const [from, to] = [mel(low), mel(high)]
  const edges = Array.from({ length: bands + 2 }, (_, i) => frequencyOf(from + ((to - from) * i) / (bands + 1)))
  const bins = Math.floor(frame / 2) + 1
  const weights = new Float64Array(bands * bins)
  for (let band = 0; band < bands; band++) {
    const [start, middle, end] = edges.slice(band, band + 3)
    for (let bin = 0; bin < bins; bin++) {
      const f = (bin * rate) / frame
      weights[band * bins + bin] = Math.max(0, Math.min((f - start) / (middle - start), (end - f) / (end - middle)))
    }
  }
  return tensor(weights, { shape: [bands, bins], dtype })
}

export interface LogMelOptions extends Omit<MelOptions, 'dtype'>, StftOptions {
  /** Added before the logarithm; 1e-10 unless told. */
  readonly epsilon?: number
}

/**
 * log(energy + ε) in mel bands of short frames of a real signal x [..., n] at `rate` samples a second: [..., bands, frames], what most
 * recognisers of speech begin with (Davis and Mermelstein 1980).
 *
 *     const features = signal.logMel(recording, 8000, 256, { hop: 80, bands: 40 })
 */
export function logMel(x: Tensor, rate: number, frame: number, options: LogMelOptions = {}): Tensor {
  const { epsilon = 1e-10, bands, low, high, ...frames } = options
  checkPositive('logMel', { epsilon })
  const given = Object.fromEntries(Object.entries({ bands, low, high }).filter(([, value]) => value !== undefined))
  const spectrum = power(stft(x, frame, frames))
  const filters = melFilters(rate, frame, { ...given, dtype: spectrum.dtype === 'float64' ? 'float64' : 'float32' })
  return filters.matmul(spectrum).add(epsilon).log()
}

/**
 * How features change along an axis, the last unless told: the slope of the line through each value and its `width` neighbours on either
 * side (2 unless told), Σ i·(x[t + i] − x[t − i]) / (2 Σ i²); beyond the ends the last value goes on.
 */
export function delta(x: Tensor, width = 2, axis = -1): Tensor {
  checkWhole('delta', { width })
  const at = normalizeAxis(axis, x.rank, 'delta')
  const extent = x.shape[at]
  if (extent === 0) throw misfit(`delta: ${show(x.shape)} has nothing along axis ${at}`)
  const padded = padWith(
    x,
    x.shape.map((_, a): [number, number] => (a === at ? [width, width] : [0, 0])),
    'replicate',
  )
  const from = (start: number): Tensor =>
    padded.slice(...x.shape.map((_, a): [] | [number, number] => (a === at ? [start, start + extent] : [])))
  const steps = Array.from({ length: width }, (_, i) => i + 1)
  const total = steps
    .map((i) =>
      from(width + i)
        .sub(from(width - i))
        .mul(i),
    )
    .reduce((sum, term) => sum.add(term))
  return total.div(2 * steps.reduce((sum, i) => sum + i * i, 0))
}
