// Windows, and the transform of short frames.

import { build } from '../graph/build.ts'
import { checkWhole } from '../graph/check.ts'
import { misfit } from '../graph/refuse.ts'
import { show } from '../graph/shape.ts'
import { padWith, type Tensor, tensor, wrap } from '../tensor/index.ts'
import { rfft } from './transform.ts'

export type WindowName = 'hann' | 'hamming' | 'rectangular'

const shapes: { readonly [W in WindowName]: (phase: number) => number } = {
  hann: (phase) => 0.5 - 0.5 * Math.cos(phase),
  hamming: (phase) => 0.54 - 0.46 * Math.cos(phase),
  rectangular: () => 1,
}

/** A window of `length` numbers, periodic as spectra want it. Throws on an unknown name. */
export function window(name: WindowName, length: number, dtype: 'float32' | 'float64' = 'float32'): Tensor {
  if (!Object.hasOwn(shapes, name))
    throw misfit(`window: unknown window '${name}': use one of ${Object.keys(shapes).join(', ')}`)
  checkWhole('window', { length })
  return tensor(
    Float64Array.from({ length }, (_, i) => shapes[name]((2 * Math.PI * i) / length)),
    { dtype },
  )
}

export interface StftOptions {
  /** Samples from frame to frame; a quarter of the frame unless told. */
  readonly hop?: number
  /** A window of the frame's length, or its name; Hann's unless told. */
  readonly window?: WindowName | Tensor
  /** Pads half a frame on both sides, mirrored, so that frame t is centred on sample t·hop; true unless told. */
  readonly center?: boolean
}

/**
 * The short-time Fourier transform: frames of a real signal x [..., n], windowed and transformed. Gives
 * [..., ⌊frame/2⌋ + 1, frames, 2]; `power` of it is the spectrogram. Throws when the signal is shorter than a frame.
 */
export function stft(x: Tensor, frame: number, options: StftOptions = {}): Tensor {
  const { hop = Math.max(1, Math.floor(frame / 4)), window: shape = 'hann', center = true } = options
  checkWhole('stft', { frame, hop })
  const weights =
    typeof shape === 'string' ? window(shape, frame, x.dtype === 'float64' ? 'float64' : 'float32') : shape
  if (weights.rank !== 1 || weights.size !== frame)
    throw misfit(`stft: a window ${show(weights.shape)} for frames of ${frame}: it must be [${frame}]`)
  const half = Math.floor(frame / 2)
  const padding = x.shape.map((_, axis): [number, number] => (axis === x.rank - 1 ? [half, half] : [0, 0]))
  const signal = center ? padWith(x, padding, 'reflect') : x
  const length = signal.shape[signal.rank - 1] ?? 0
  if (length < frame) throw misfit(`stft: ${length} samples of ${show(x.shape)} do not fill a frame of ${frame}`)
  const frames = wrap(build.node('windows', [signal.node], { size: [frame], stride: [hop], dilation: [1] }))
  return rfft(frames.mul(weights.cast(frames.dtype))).transpose(-3, -2)
}
