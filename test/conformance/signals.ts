/** The Fourier transforms of the PyTorch fixture, in the library's words. */

import * as signal from '../../src/signal/index.ts'
import type { CaseFunctions } from './check-case.ts'

export const signals: CaseFunctions = {
  stft_power: ([x]) => signal.power(signal.stft(x, 16, { hop: 8, center: false })),
  rfft_abs2: ([x]) => signal.power(signal.rfft(x)),
}
