/** Signals: Fourier transforms of any length with gradients, windows, spectrograms. */

export { fft, ifft, irfft, power, rfft } from './transform.ts'
export { type StftOptions, stft, type WindowName, window } from './window.ts'
