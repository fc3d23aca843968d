// Fourier transforms of tenon/signal, with their derivatives. Complex numbers are a last axis of 2: real and imaginary part.

import type { Piece } from './piece.ts'

export const signals: { readonly [name: string]: Piece } = {
  fft: {
    also: ['ifft'],
    about: 'The Fourier transform of complex numbers; ifft its inverse.',
    output: 'Yₖ = Σⱼ xⱼ e^(−2πijk/n)',
    adjust: 'dx = n·ifft(dY): it is linear, its transpose turns the other way',
    shapes: '[..., n, 2] → the same, any n',
    example: {
      code: 'signal.fft(x)',
      x: [
        [1, 0],
        [2, 0],
      ],
      gives: [
        [3, 0],
        [-1, 0],
      ],
      adjusts: [
        [2, 2],
        [0, 0],
      ],
    },
  },
  rfft: {
    also: ['irfft'],
    about: 'The transform of real numbers at the frequencies up to the half; irfft its inverse.',
    output: 'Yₖ = Σⱼ xⱼ e^(−2πijk/n), k ≤ n/2',
    adjust: 'dxⱼ = Σₖ Re(dYₖ) cos(2πjk/n) − Im(dYₖ) sin(2πjk/n)',
    shapes: '[..., n] → [..., ⌊n/2⌋ + 1, 2]',
    watch: 'irfft takes n as even unless told.',
    example: {
      code: 'signal.rfft(x)',
      x: [1, 2],
      gives: [
        [3, 0],
        [-1, 0],
      ],
      adjusts: [2, 0],
    },
  },
  power: {
    about: 'The squared absolute value of complex numbers: power spectra.',
    output: 'y = re² + im²',
    adjust: 'dre = 2·dy·re; dim = 2·dy·im',
    shapes: '[..., 2] → [...]',
    example: { code: 'signal.power(x)', x: [[3, 4]], gives: [25], adjusts: [[6, 8]] },
  },
  stft: {
    about: 'The transform of short frames: power of it is the spectrogram.',
    output: 'frame t: rfft(window ⊙ x[t·hop − frame/2 …])',
    adjust: 'frames transformed back, windowed, and added where they overlap',
    shapes: '[..., n] → [..., ⌊frame/2⌋ + 1, frames, 2]',
    defaults: 'hop a quarter of a frame, Hann’s window, centred',
    example: { code: 'signal.stft(x, 4)', shape: [8], gives: [3, 9, 2] },
  },
  melFilters: {
    also: ['mel'],
    about: 'Weights that sum a power spectrum into bands as ears hear them; mel gives the mels of a frequency.',
    output: 'triangles between neighbouring middles, equally far apart in 2595·log₁₀(1 + f/700)',
    adjust: 'constants',
    shapes: '→ [bands, ⌊frame/2⌋ + 1]',
    defaults: 'bands 40 from 0 to half the rate',
    watch: 'With many bands and short frames the lowest bands may hold no frequency at all.',
    source: 'O’Shaughnessy 1987',
    example: { code: 'signal.melFilters(8000, 16, { bands: 3 }).add(x)', shape: [1], gives: [3, 9] },
  },
  logMel: {
    about: 'Logarithms of the energies in mel bands of short frames: what recognisers of speech begin with.',
    output: 'log(filters · |stft(x)|² + ε)',
    adjust: 'through logarithm, bands and transform back to the samples',
    shapes: '[..., n] → [..., bands, frames]',
    defaults: 'bands 40, epsilon 1e-10, else as stft',
    source: 'Davis & Mermelstein 1980',
    example: { code: 'signal.logMel(x, 8000, 16, { bands: 3 })', shape: [32], gives: [3, 9] },
  },
  delta: {
    about: 'How features change: the slope of a line through neighbours.',
    output: 'y[t] = Σ i·(x[t + i] − x[t − i]) / (2 Σ i²), i = 1 … width',
    adjust: 'the same sum, the other way round',
    shapes: '[..., frames] → the same',
    defaults: 'width 2, the last axis',
    example: { code: 'signal.delta(x, 1)', x: [0, 2, 4], gives: [1, 2, 1], adjusts: [-1, 0, 1] },
  },
  window: {
    about: 'Weights of a frame, small at its ends: of Hann, of Hamming, or all 1.',
    output: 'Hann: wᵢ = ½ − ½ cos(2πi/n)',
    adjust: 'a constant',
    shapes: 'n → [n]',
    example: {
      code: "signal.window('hann', 4, 'float64').mul(x)",
      x: [1, 1, 1, 1],
      gives: [0, 0.5, 1, 0.5],
      adjusts: [0, 0.5, 1, 0.5],
    },
  },
}
