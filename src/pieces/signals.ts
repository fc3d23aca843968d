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
