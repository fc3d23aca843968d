/** Initial values: scales, orthogonality, and that seed and order of construction determine them. */

import { beforeAll, describe, expect, it } from 'vitest'
import * as nn from '../../src/nn/index.ts'
import { randomStream } from '../../src/nn/stream.ts'
import { configure } from '../../src/tensor/index.ts'
import { gains } from '../conformance/schedules.ts'
import { reference } from '../support/reference.ts'

const { init } = nn

beforeAll(() => configure({ backend: 'reference' }))

const draw = (initializer: nn.Initializer, shape: readonly number[], ordinal = 0): number[] =>
  Array.from(initializer(shape, randomStream(1, ordinal)))

const moments = (values: readonly number[]): { mean: number; deviation: number; largest: number } => {
  const mean = values.reduce((a, b) => a + b, 0) / values.length
  const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length
  return { mean, deviation: Math.sqrt(variance), largest: Math.max(...values.map(Math.abs)) }
}

it('gains are PyTorch’s', () => {
  expect(Object.keys(gains)).toEqual(Object.keys(reference.gains))
  for (const [name, gain] of Object.entries(reference.gains)) expect(gains[name]).toBeCloseTo(gain, 15)
})

describe('standard deviations', () => {
  // Fan in 100, fan out 300.
  const cases: { readonly [name: string]: readonly [nn.Initializer, number, boolean] } = {
    glorotUniform: [init.glorotUniform(), Math.sqrt(2 / 400), true],
    glorotNormal: [init.glorotNormal({ gain: 2 }), 2 * Math.sqrt(2 / 400), false],
    heUniform: [init.heUniform(), Math.sqrt(2 / 100), true],
    heNormal: [init.heNormal(), Math.sqrt(2 / 100), false],
    'heNormal, fan out': [init.heNormal({ mode: 'fanOut' }), Math.sqrt(2 / 300), false],
    lecunUniform: [init.lecunUniform(), 0.1, true],
    lecunNormal: [init.lecunNormal(), 0.1, false],
    torchUniform: [init.torchUniform(), 0.1 / Math.sqrt(3), true],
    uniform: [init.uniform(-1, 1), 1 / Math.sqrt(3), true],
    normal: [init.normal(0, 0.02), 0.02, false],
  }
  it.each(Object.keys(cases))('%s', (name) => {
    const [initializer, expected, bounded] = cases[name]
    const { mean, deviation, largest } = moments(draw(initializer, [300, 100]))
    expect(Math.abs(mean)).toBeLessThan(0.03 * expected)
    expect(deviation / expected).toBeCloseTo(1, 1)
    if (bounded) expect(largest).toBeLessThanOrEqual(Math.sqrt(3) * expected)
    else expect(largest).toBeGreaterThan(3 * expected)
  })

  it('count the kernel of a convolution', () => {
    expect(init.fans([6, 3, 5, 5])).toEqual({ fanIn: 75, fanOut: 150 })
    expect(() => init.fans([3])).toThrow(/two axes or more, not \[3\]/)
  })
})

it.each([[[4, 10]], [[10, 4]], [[6, 2, 3]]])('orthogonal %j has orthonormal rows or columns', (shape) => {
  const values = draw(init.orthogonal({ gain: 2 }), shape)
  const rows = shape[0]
  const columns = values.length / rows
  const [count, length] = rows <= columns ? [rows, columns] : [columns, rows]
  const element = (i: number, j: number): number =>
    rows <= columns ? values[i * columns + j] : values[j * columns + i]
  for (let a = 0; a < count; a++) {
    for (let b = 0; b < count; b++) {
      let dot = 0
      for (let j = 0; j < length; j++) dot += element(a, j) * element(b, j)
      expect(dot).toBeCloseTo(a === b ? 4 : 0, 12)
    }
  }
})

it('a linear layer starts within ±1/√inputs, weight and bias', () => {
  const [weight, bias] = nn
    .linear(16, 200)
    .parameters()
    .map((v) => moments([...v.dataSync()]))
  expect(weight.largest).toBeLessThanOrEqual(0.25)
  expect(weight.largest).toBeGreaterThan(0.24)
  expect(bias.largest).toBeLessThanOrEqual(0.25)
  expect(bias.largest).toBeGreaterThan(0.2)
})

it('the same seed and order of construction give the same numbers, another seed others', () => {
  const make = (seed: number, first: number): readonly (readonly number[])[] => {
    configure({ backend: 'reference', seed })
    return nn
      .sequential(nn.linear(first, 3), nn.linear(3, 2))
      .parameters()
      .map((v) => [...v.dataSync()])
  }
  const once = make(5, 4)
  expect(make(5, 4)).toEqual(once)
  expect(make(6, 4)[0]).not.toEqual(once[0])
  // A wider first layer leaves the second as it is.
  expect(make(5, 40)[2]).toEqual(once[2])
  expect(once[0].slice(0, 3)).not.toEqual(once[2].slice(0, 3))
})

it('is Threefry-2x32: uniform bits pass a χ² test, streams of neighbouring ordinals differ', () => {
  const bins = new Array<number>(64).fill(0)
  const random = randomStream(3, 9)
  for (let i = 0; i < 64000; i++) bins[Math.floor(random.uniform() * 64)]++
  const chi = bins.reduce((sum, n) => sum + (n - 1000) ** 2 / 1000, 0)
  // 63 degrees of freedom: mean 63, deviation 11.2.
  expect(chi).toBeGreaterThan(30)
  expect(chi).toBeLessThan(105)
  expect(randomStream(3, 9).uniform()).not.toBe(randomStream(3, 10).uniform())
  expect(randomStream(2 ** 32 + 3, 9).uniform()).not.toBe(randomStream(3, 9).uniform())
})

it('takes numbers as they are, and refuses the wrong number of them', () => {
  const layer = nn.linear(2, 1, { init: init.values([3, 4]), biasInit: init.constant(5) })
  expect(layer.parameters().map((v) => [...v.dataSync()])).toEqual([[3, 4], [5]])
  expect(() => nn.linear(2, 2, { init: init.values([3, 4]) })).toThrow(
    /weight \[2, 2\]: the initializer gave 2 values for 4 elements/,
  )
})
