/** R03: mel bands against the formula, a tone in its band, slopes of straight lines, gradients. */

import { expect, it } from 'vitest'
import * as signal from '../../src/signal/index.ts'
import { checkGradient, random, type Tensor, tensor } from '../../src/tensor/index.ts'
import { forEachEngine } from '../support/backends.ts'

it('mels are those of the formula, filters rise to 1 and overlap to 1', () => {
  expect(signal.mel(0)).toBe(0)
  expect(signal.mel(700)).toBeCloseTo(2595 * Math.log10(2), 10)
  expect(signal.mel(1000)).toBeCloseTo(999.9855, 3)
  const filters = signal.melFilters(8000, 512, { bands: 20, dtype: 'float64' })
  expect(filters.shape).toEqual([20, 257])
  // Neighbouring triangles add up to 1 between the first and the last middle.
  const middles = [1, 20].map((i) => 700 * (10 ** ((signal.mel(4000) * i) / 21 / 2595) - 1))
  const sums = [...filters.sum(0).dataSync()]
  sums.forEach((sum, bin) => {
    const f = (bin * 8000) / 512
    if (f > middles[0] && f < middles[1]) expect(sum).toBeCloseTo(1, 12)
  })
  expect(filters.max().itemSync()).toBeLessThanOrEqual(1)
})

forEachEngine(() => {
  it('R03: a tone is loudest in the band around it, and silence is log ε', () => {
    const f = 1000
    const tone = tensor(Float64Array.from({ length: 2000 }, (_, i) => Math.sin((2 * Math.PI * f * i) / 8000)))
    const bands = signal.logMel(tone, 8000, 256, { hop: 128, bands: 20 })
    expect(bands.shape).toEqual([20, 16])
    // The middle of band i lies at mel(4000)·(i + 1)/21.
    const nearest = Math.round((21 * signal.mel(f)) / signal.mel(4000)) - 1
    expect([...bands.mean(1).argmax(0).dataSync()]).toEqual([nearest])
    const silence = signal.logMel(tone.mul(0), 8000, 256, { bands: 4, epsilon: 1e-6 })
    expect(silence.sub(Math.log(1e-6)).abs().max().itemSync()).toBeLessThan(1e-12)
  })

  it('has gradients', async () => {
    const x = random.normal([2, 24], { key: random.key(1), dtype: 'float64' })
    await checkGradient((v: Tensor) => signal.logMel(v, 8000, 8, { bands: 2, epsilon: 1 }), [x], { order: 1 })
    await checkGradient((v: Tensor) => signal.delta(v, 2, 0), [x.transpose()], { order: 1 })
  })

  it('delta is the slope of a line, less at the ends, which go on level', () => {
    const line = tensor([1, 4, 7, 10, 13, 16], { dtype: 'float64' })
    expect([...signal.delta(line, 2).dataSync()].slice(2, 4)).toEqual([3, 3])
    expect([...signal.delta(line, 1).dataSync()]).toEqual([1.5, 3, 3, 3, 3, 1.5])
    expect([...signal.delta(tensor([5])).dataSync()]).toEqual([0])
  })
})
