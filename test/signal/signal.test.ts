/** Fourier transforms against the defining sum and each other. */

import { expect, it } from 'vitest'
import * as signal from '../../src/signal/index.ts'
import { random, type Tensor, tensor } from '../../src/tensor/index.ts'
import { forEachEngine } from '../support/backends.ts'
import { checkFirstOrder } from '../support/derivative.ts'
import { randomOf } from '../support/random.ts'

const draw = (shape: readonly number[], seed = 1): Tensor =>
  random.normal(shape, { dtype: 'float64', key: random.key(seed) })
const distance = (a: Tensor, b: Tensor): number => {
  expect(a.shape).toEqual(b.shape)
  return a.sub(b).abs().max().itemSync()
}

/** Σⱼ xⱼ e^(−2πijk/n), term by term. */
function slow(x: Tensor): Tensor {
  const n = x.shape[0] as number
  const data = x.dataSync()
  const out = new Float64Array(2 * n)
  for (let k = 0; k < n; k++)
    for (let j = 0; j < n; j++) {
      const angle = (-2 * Math.PI * ((j * k) % n)) / n
      out[2 * k] += data[2 * j] * Math.cos(angle) - data[2 * j + 1] * Math.sin(angle)
      out[2 * k + 1] += data[2 * j] * Math.sin(angle) + data[2 * j + 1] * Math.cos(angle)
    }
  return tensor(out, { shape: [n, 2] })
}

forEachEngine(() => {
  it.each([1, 2, 3, 4, 7, 8, 12, 17, 64, 100, 127])(
    'of %d numbers is the defining sum, and its inverse goes back',
    (n) => {
      const x = draw([n, 2])
      expect(distance(signal.fft(x), slow(x))).toBeLessThan(1e-12 * n)
      expect(distance(signal.ifft(signal.fft(x)), x)).toBeLessThan(1e-13)
      const real = draw([3, n])
      expect(distance(signal.irfft(signal.rfft(real), n), real)).toBeLessThan(1e-13)
    },
  )
  it('has gradients', () => {
    for (const n of [5, 8]) {
      const at = [{ shape: [n], data: [...draw([n], 3).dataSync()] }]
      const f = ([x]: readonly Tensor[]): Tensor[] => [signal.irfft(signal.rfft(x).mul(signal.rfft(x)), n)]
      checkFirstOrder(f, at, randomOf(3))
    }
  })
  it('a sine has its power at its frequency', () => {
    const x = tensor(Float64Array.from({ length: 256 }, (_, i) => Math.sin((2 * Math.PI * 8 * i) / 64)))
    const spectrogram = signal.power(signal.stft(x, 64))
    expect(spectrogram.shape).toEqual([33, 17])
    expect(spectrogram.slice(null, [4, 13]).argmax(0).arraySync()).toEqual(new Array(9).fill(8))
  })
  it.each([
    [
      () => signal.fft(tensor([1, 2, 3])),
      'fft: complex numbers are [..., n, 2], real and imaginary parts; this is [3]',
    ],
    [() => signal.irfft(draw([4, 2]), 9), 'irfft: [4, 2] does not hold the 5 frequencies of 9 numbers'],
    [() => signal.stft(draw([10]), 16, { center: false }), 'stft: 10 samples of [10] do not fill a frame of 16'],
    [() => signal.stft(draw([64]), 16, { hop: 0 }), 'stft: hop is 0, it must be a whole number of at least 1'],
    [() => signal.stft(draw([64]), 16, { window: draw([8]) }), 'stft: a window [8] for frames of 16: it must be [16]'],
    [() => signal.window('hat' as 'hann', 4), "window: unknown window 'hat': use one of hann, hamming, rectangular"],
  ])('refuses %s', (f, message) => {
    expect(f).toThrow(message)
  })
})
