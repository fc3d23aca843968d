/** R61: a rate that is reduced when nothing gets better, as PyTorch's ReduceLROnPlateau. */

import { expect, it } from 'vitest'
import * as optim from '../../src/optim/index.ts'
import { grad, variable, zeros } from '../../src/tensor/index.ts'

/** The rate after each of the values. */
const rates = (values: readonly number[], options: optim.PlateauOptions): number[] => {
  const rate = optim.reduceOnPlateau(1, options)
  return values.map((value) => {
    rate.observe(value)
    return rate(0)
  })
}

it('is reduced when more than `patience` values in a row are not better', () => {
  expect(rates([5, 4, 4, 4, 4, 4], { patience: 2, factor: 0.5 })).toEqual([1, 1, 1, 1, 0.5, 0.5])
  // Waiting begins anew with what is better, and after each reduction.
  expect(rates([5, 5, 5, 4, 4, 4, 4, 4, 4], { patience: 2, factor: 0.5 })).toEqual([1, 1, 1, 1, 1, 1, 0.5, 0.5, 0.5])
})

it('asks for a part of the best, or with absolute for a difference; more is better with max', () => {
  expect(rates([100, 95, 91, 89], { patience: 0, factor: 0.5, threshold: 0.1 })).toEqual([1, 0.5, 0.25, 0.25])
  expect(rates([10, 9.5, 8.9], { patience: 0, factor: 0.5, threshold: 1, absolute: true })).toEqual([1, 0.5, 0.5])
  expect(rates([1, 1.05, 1.2], { patience: 0, factor: 0.5, threshold: 0.1, mode: 'max' })).toEqual([1, 0.5, 0.5])
})

it('rests for the cooldown, stops at the minimum, and takes NaN for no better', () => {
  expect(rates([1, 1, 1, 1, 1, 1], { patience: 0, factor: 0.5, cooldown: 2 })).toEqual([1, 0.5, 0.5, 0.5, 0.25, 0.25])
  expect(rates([1, 1, 1], { patience: 0, factor: 0.1, minimum: 0.05 })).toEqual([1, 0.1, 0.05])
  expect(rates([Number.NaN, Number.NaN], { patience: 1, factor: 0.5 })).toEqual([1, 0.5])
})

it('an optimizer goes by it, also under a warm-up', () => {
  const rate = optim.reduceOnPlateau(0.5, { patience: 0, factor: 0.1 })
  const optimizer = optim.sgd({ learningRate: optim.warmup(rate, { steps: 1, start: 0 }) })
  const w = variable(zeros([1]))
  const step = (): number => {
    optimizer.step([w], [grad(w.sum(), w)])
    return w.itemSync()
  }
  expect([step(), step()]).toEqual([0, -0.5])
  rate.observe(1)
  rate.observe(1)
  expect(step()).toBeCloseTo(-0.55, 6)
})
