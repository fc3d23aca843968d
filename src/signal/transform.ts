// Fourier transforms of tensors. Complex numbers are a last axis of 2: real and imaginary part.

import { build } from '../graph/build.ts'
import { misfit } from '../graph/refuse.ts'
import { show } from '../graph/shape.ts'
import { floating, stack, type Tensor, wrap, zerosLike } from '../tensor/index.ts'
import { fourierRoutine } from './routine.ts'

const transform = (x: Tensor, direction: 1 | -1): Tensor =>
  wrap(build.node('routine', [x.node], { routine: fourierRoutine, parameters: [direction] }))

/** Σⱼ xⱼ e^(−2πijk/n) of complex x [..., n, 2]; any n. */
export const fft = (x: Tensor): Tensor => transform(floating(x), 1)

/** The inverse of `fft`: 1/n Σₖ Xₖ e^(2πijk/n). */
export const ifft = (x: Tensor): Tensor => transform(floating(x), -1).div(Math.max(1, x.shape[x.rank - 2] ?? 1))

/** The transform of real x [..., n] at the frequencies 0 … ⌊n/2⌋, which hold all of it: [..., ⌊n/2⌋ + 1, 2]. */
export function rfft(x: Tensor): Tensor {
  if (x.rank === 0) throw misfit('rfft: a scalar has no axis to transform')
  const real = floating(x)
  const n = x.shape[x.rank - 1] as number
  const whole = fft(stack([real, zerosLike(real)], -1))
  return whole.slice(...real.shape.slice(1).map(() => null), [0, Math.floor(n / 2) + 1])
}

/** The inverse of `rfft`: real [..., n]; n is even unless told. Throws when n does not fit the number of frequencies. */
export function irfft(x: Tensor, n: number = 2 * ((x.shape[x.rank - 2] ?? 0) - 1)): Tensor {
  const frequencies = x.shape[x.rank - 2]
  if (n < 1 || frequencies !== Math.floor(n / 2) + 1)
    throw misfit(`irfft: ${show(x.shape)} does not hold the ${Math.floor(n / 2) + 1} frequencies of ${n} numbers`)
  const spectrum = floating(x)
  const lead = spectrum.shape.slice(2).map(() => null)
  // Frequencies n − k are the conjugates of k: each but 0 and n/2 counts twice, and of the sum the real part is taken.
  const padded = spectrum.pad([
    ...spectrum.shape.slice(2).map((): [number, number] => [0, 0]),
    [0, n - frequencies],
    [0, 0],
  ])
  const once = transform(padded, -1).at(0, -1)
  const first = spectrum.slice(...lead, [0, 1]).at(0, -1)
  const isEven = n % 2 === 0
  const real = once.mul(2).sub(first)
  if (!isEven) return real.div(n)
  const signs = wrap(build.iota([n], 0))
    .remainder(2)
    .mul(-2)
    .add(1)
    .cast(spectrum.dtype)
  const middle = spectrum.slice(...lead, [frequencies - 1, frequencies]).at(0, -1)
  return real.sub(middle.mul(signs)).div(n)
}

/** re² + im² of complex x [..., 2]. */
export const power = (x: Tensor): Tensor => x.square().sum(-1)
