/** findLearningRate: the ramp, what is read off it, that it leaves no trace, and what it refuses. */
import { expect, it } from 'vitest'
import { dataset } from '../../src/data/index.ts'
import * as loss from '../../src/loss/index.ts'
import * as nn from '../../src/nn/index.ts'
import * as optim from '../../src/optim/index.ts'
import { configure, random, runtime } from '../../src/tensor/index.ts'
import { findLearningRate, type RateFinderOptions } from '../../src/train/index.ts'
import { forEachEngine } from '../support/backends.ts'

const line = dataset({
  name: 'line',
  inputs: Float32Array.from({ length: 48 }, (_, i) => (i - 23.5) / 24),
  inputShape: [1],
  targets: Float32Array.from({ length: 48 }, (_, i) => (i - 23.5) / 12),
  targetShape: [1],
})
const sgd = (learningRate: optim.Rate) => optim.sgd({ learningRate })
const find = (options: Partial<RateFinderOptions> = {}, net: nn.Module = nn.linear(1, 1)) =>
  findLearningRate(net, line, { loss: loss.mse, optimizer: sgd, from: 1e-4, to: 100, steps: 61, ...options })

forEachEngine((on) => {
  it('on a quadratic training blows up beyond 2/L = 1, and the proposed rate teaches', async () => {
    configure({ ...on, seed: 1 })
    const { points, smoothed, suggested = 0, lowest, diverged = 0 } = await find({ batchSize: 48 })
    // Six decades in 60 steps: a factor of 10^0.1 each.
    for (const [i, { rate }] of points.entries()) expect(rate / (1e-4 * 10 ** (i / 10))).toBeCloseTo(1, 12)
    expect(points.at(-1)?.rate).toBe(diverged)
    expect(diverged).toBeGreaterThan(1)
    expect(diverged).toBeLessThan(20)
    expect(suggested).toBeGreaterThan(0.01)
    expect(suggested).toBeLessThan(1)
    expect(lowest).toBeGreaterThanOrEqual(suggested)
    expect(smoothed).toHaveLength(points.length)
  })

  it('network and random numbers are as they were, also after an error', async () => {
    configure({ ...on, seed: 4 })
    const net = nn.sequential(nn.linear(1, 3), nn.batchNorm(3), nn.dropout(0.5), nn.linear(3, 1))
    random.uniform([2]).dataSync()
    const state = () => Object.values(net.state()).map((v) => [...v.dataSync()])
    const [before, drawn] = [state(), { ...runtime.random }]
    await find({ seed: 9 }, net)
    expect(state()).toEqual(before)
    expect(runtime.random).toEqual(drawn)
    let made = 0
    const onStep = () => {
      if (++made === 5) throw new Error('enough')
    }
    await expect(find({ onStep }, net)).rejects.toThrow('enough')
    expect(state()).toEqual(before)
    expect(runtime.random).toEqual(drawn)
    expect(made).toBe(5)
  })
})

it('the same seed finds the same', async () => {
  configure({ backend: 'reference', seed: 2 })
  const net = nn.linear(1, 1)
  const [a, b, c] = [await find({ seed: 5 }, net), await find({ seed: 5 }, net), await find({ seed: 6 }, net)]
  expect(b).toEqual(a)
  expect(c.points).not.toEqual(a.points)
})

it('where nothing gets better, no rate is proposed', async () => {
  configure({ backend: 'reference', seed: 2 })
  const uphill = (rate: optim.Rate) => sgd((step) => -(typeof rate === 'number' ? rate : rate(step)))
  const { suggested, lowest } = await find({ optimizer: uphill, batchSize: 48, to: 1 })
  expect(suggested).toBeUndefined()
  expect(lowest).toBe(1e-4)
})

it.each([
  [{ from: 0 }, 'findLearningRate: the rate goes from 0 to 100: from must be above 0 and below to'],
  [{ from: 1, to: 1 }, 'findLearningRate: the rate goes from 1 to 1'],
  [{ to: Infinity }, 'findLearningRate: the rate goes from 0.0001 to Infinity'],
  [{ steps: 9 }, 'findLearningRate: steps is 9, it must be a whole number of at least 10'],
  [{ clipNorm: 0 }, 'clipNorm is 0, it must be above 0'],
])('%j is refused before any work', async (options, message) => {
  await expect(find(options)).rejects.toThrow(message)
})

it('an aborted signal ends it with its reason', async () => {
  await expect(find({ signal: AbortSignal.abort(new Error('no time')) })).rejects.toThrow('no time')
})
