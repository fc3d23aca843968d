/** Signals: Fourier transforms of any length with gradients, windows, spectrograms, mel bands. */

export { delta, type LogMelOptions, logMel, type MelOptions, mel, melFilters } from './mel.ts'
export { fft, ifft, irfft, power, rfft } from './transform.ts'
export { type StftOptions, stft, type WindowName, window } from './window.ts'
