/** Divergence: the verdict on quadratics is the theorem's, scatter is not taken for growth, and fit stops with what to do. */
import { describe, expect, it } from 'vitest'
import { dataset } from '../../src/data/index.ts'
import * as loss from '../../src/loss/index.ts'
import * as nn from '../../src/nn/index.ts'
import * as optim from '../../src/optim/index.ts'
import { configure } from '../../src/tensor/index.ts'
import * as tenon from '../../src/train/index.ts'
import { randomOf } from '../support/random.ts'

const { DivergenceError, divergence, stopOnDivergence } = tenon

/** Losses of gradient descent on ½ Σ λ x², from x = 1. */
function descend(curvatures: readonly number[], rate: number, steps: number): number[] {
  const x = curvatures.map(() => 1)
  return Array.from({ length: steps }, () => {
    const value = curvatures.reduce((sum, c, i) => sum + (c * x[i] ** 2) / 2, 0)
    curvatures.forEach((c, i) => {
      x[i] *= 1 - rate * c
    })
    return value
  })
}

describe('R58: on quadratics the verdict is η > 2/L, and the factor (1 − ηL)²', () => {
  const curvatures = [[1], [10], [1, 10], [0.01, 0.5, 4], [1, 2, 3, 5, 8, 13]]
  it.each(curvatures.map((c) => [c]))('curvatures %j', (c) => {
    const largest = Math.max(...c)
    for (const times of [0.01, 0.3, 0.5, 0.9, 0.99, 0.999, 1.001, 1.01, 1.1, 1.5, 3]) {
      // As many as there are before the numbers end.
      const losses = descend(c, (times * 2) / largest, 5000).filter((l) => l > 1e-300 && l < 1e300)
      const { diverges, factor } = divergence(losses)
      expect(diverges, `${times} of 2/L`).toBe(times > 1)
      if (diverges) expect(factor).toBeCloseTo((1 - times * 2) ** 2, 6)
    }
  })
  it('at 2/L itself the loss stays: that is no divergence', () => {
    expect(divergence(descend([4], 0.5, 100))).toEqual({ diverges: false, factor: 1 })
  })
})

it('losses that scatter around a level, or fall, are not taken for diverging ones', () => {
  const random = randomOf(7)
  for (let trial = 0; trial < 200; trial++) {
    const level = Array.from({ length: 100 }, () => 1 + random())
    expect(divergence(level, { growth: 1.9 }).diverges).toBe(false)
    const falling = level.map((value, i) => value * 0.97 ** i)
    expect(divergence(falling).diverges).toBe(false)
    const rising = level.map((value, i) => value * 1.1 ** i)
    expect(divergence(rising)).toEqual({ diverges: true, factor: expect.closeTo(1.1, 1) })
  }
})

it('few losses, and losses at or below 0, have no verdict; one that is no number has', () => {
  expect(divergence([])).toEqual({ diverges: false, factor: Number.NaN })
  expect(divergence([1, 2, 4])).toEqual({ diverges: false, factor: Number.NaN })
  expect(divergence([1, 2, 4, 8])).toEqual({ diverges: true, factor: expect.closeTo(2, 12) })
  expect(divergence([-1, -2, -4, -8, -16]).diverges).toBe(false)
  expect(divergence([0, 0, 0, 0, 0]).diverges).toBe(false)
  expect(divergence([1, Number.NaN])).toEqual({ diverges: true, factor: Infinity })
  expect(divergence([1, Infinity]).diverges).toBe(true)
})

it.each([
  [{ window: 3 }, 'divergence: window is 3, it must be a whole number of at least 4'],
  [{ window: 5.5 }, 'divergence: window is 5.5'],
  [{ growth: 0.5 }, 'divergence: growth is 0.5, it must be at least 1'],
])('%j is refused', (options, message) => {
  expect(() => divergence([1, 2], options)).toThrow(message)
  expect(() => stopOnDivergence(options)).toThrow(message)
})

const line = dataset({
  name: 'line',
  inputs: Float32Array.from({ length: 32 }, (_, i) => i / 16 - 1),
  inputShape: [1],
  targets: Float32Array.from({ length: 32 }, (_, i) => i / 8 - 2),
  targetShape: [1],
})
const train = (learningRate: number, epochs = 50): Promise<unknown> => {
  configure({ backend: 'reference', seed: 1 })
  return tenon.fit(nn.linear(1, 1), line, {
    loss: loss.mse,
    optimizer: optim.sgd({ learningRate }),
    epochs,
    callbacks: stopOnDivergence(),
    progress: false,
  })
}

it('fit stops long before the loss is no number, and says where, how fast and what to do', async () => {
  const error = await train(1.5).catch((e: unknown) => e)
  expect(error).toBeInstanceOf(DivergenceError)
  // Curvature of the offset: 2, so (1 − 1.5 · 2)² = 4 in the end.
  expect(String(error)).toMatch(
    /^DivergenceError: fit: training diverges in epoch \d+, batch 1 of 1, after \d+ updates: the loss went from \S+ to \S+, by a factor of [34]\.\d\d at each update lately: choose a smaller learning rate/,
  )
})

it('fit goes on where the rate is small enough', async () => {
  expect(await train(0.9)).toMatchObject({ ending: 'done' })
})
