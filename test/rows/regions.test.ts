/** Rows 46, 50 and 51: the linear regions of a network are counted exactly, and their maps are its derivatives. */

import { expect, it } from 'vitest'
import { affineAt, linearRegions, regionBound, regionsSvg } from '../../src/inspect/index.ts'
import * as nn from '../../src/nn/index.ts'
import { configure, jvp, random, type Tensor, tensor } from '../../src/tensor/index.ts'
import { forEachEngine } from '../support/backends.ts'

const f64 = (values: readonly number[], shape: readonly number[] = [values.length]): Tensor =>
  tensor(new Float64Array(values), { shape })
const drawn = (seed: number, ...shape: number[]): Tensor =>
  random.normal(shape, { key: random.key(seed), dtype: 'float64' })
const square = (half: number) => [[-half, half] as const, [-half, half] as const]
const of = { dtype: 'float64' } as const
const largest = async (x: Tensor): Promise<number> => Math.max(0, ...(await x.abs().data()))

forEachEngine(() => {
  it('R46: |x| as relu(x) + relu(−x) has 2 pieces that meet at 0', async () => {
    const { count, breakpoints, regions } = await linearRegions((x) => x.relu().add(x.neg().relu()), [[-1, 1]])
    expect([count, breakpoints]).toEqual([2, [0]])
    expect(regions).toEqual([
      { parts: [[[-1], [0]]], weight: [[-1]], offset: [0] },
      { parts: [[[0], [1]]], weight: [[1]], offset: [0] },
    ])
  })
})

it('R46: slopes and values of a map are the derivative (jvp) and the output, in every kind of network', async () => {
  configure({ backend: 'reference' })
  const convolutional = nn.sequential(
    nn.conv2d(1, 2, 3, { padding: 1, ...of }),
    nn.batchNorm(2, of),
    nn.leakyRelu(),
    nn.maxPool2d(2),
    nn.flatten(),
    nn.residual(nn.sequential(nn.linear(8, 8, of), nn.hardTanh())),
    nn.linear(8, 3, of),
  )
  const maxout = (x: Tensor): Tensor =>
    x
      .matmul(drawn(5, 16, 12))
      .reshape([-1, 4, 3])
      .max(-1)
      .abs()
  for (const [net, shape] of [
    [convolutional, [1, 4, 4]],
    [maxout, [16]],
  ] as const)
    for (const seed of [1, 2]) {
      const [x, v] = [drawn(seed, ...shape), drawn(seed + 9, ...shape)]
      const { weight, offset } = await affineAt(net, x)
      const [y, dy] = jvp((z: Tensor) => net(z), [x.unsqueeze(0)], [v.unsqueeze(0)])
      const along = (z: Tensor): Tensor => weight.reshape([-1, 16]).matmul(z.reshape([16]))
      expect(await largest(along(v).sub(dy.reshape([-1])))).toBeLessThan(1e-12)
      expect(
        await largest(
          along(x)
            .add(offset)
            .sub(y.reshape([-1])),
        ),
      ).toBeLessThan(1e-12)
    }
})

it('R50: a layer of n units cuts the plane into 1 + n + n(n − 1)/2 regions', async () => {
  configure({ backend: 'reference' })
  for (const [units, regions] of [
    [3, 7],
    [4, 11],
    [8, 37],
    [16, 137],
  ] as const) {
    const angles = Array.from({ length: units }, (_, i) => (Math.PI * (i + 0.3)) / units)
    const directions = f64([...angles.map(Math.cos), ...angles.map(Math.sin)], [2, units])
    const shifts = random.uniform([units], { key: random.key(units), dtype: 'float64' }).sub(0.5)
    const net = (x: Tensor): Tensor =>
      x
        .matmul(directions)
        .add(shifts)
        .relu()
        .matmul(drawn(units, units, 1))
    const found = await linearRegions(net, square(100))
    expect(found.count).toBe(regions)
    expect(regionBound([units], 2)).toBe(regions)
    expect(regionsSvg(found).match(/<path/g)).toHaveLength(regions)
  }
})

it('R50: bounds for one layer, and for several', () => {
  const one = [
    [[32], 2, 529],
    [[10], 3, 176],
    [[24], 2, 301],
    [[1], 5, 2],
  ] as const
  for (const [widths, inputs, bound] of one) expect(regionBound(widths, inputs)).toBe(bound)
  expect(regionBound([4, 4], 2)).toBe(44)
  expect(regionBound([8, 8, 8], 2)).toBe(9472)
  expect(regionBound(new Array<number>(8).fill(4), 2)).toBe(180224)
  expect(regionBound([], 2)).toBe(1)
})

it.each([3, 5, 10])('R51: %i folds make 2 to that many pieces with two units each', async (times) => {
  configure({ backend: 'reference' })
  const net = nn.fold(times, of)
  const units = net.parameters().filter(({ name }) => name === 'bias')
  expect(units.reduce((sum, bias) => sum + bias.size, 0)).toBe(2 * times)
  const { count, breakpoints, regions } = await linearRegions(net, [[0, 1]])
  expect(count).toBe(2 ** times)
  expect(breakpoints).toEqual(Array.from({ length: 2 ** times - 1 }, (_, i) => (i + 1) / 2 ** times))
  expect(regions.map(({ weight: [[slope]] }) => slope)).toEqual(regions.map((_, i) => (i % 2 ? -1 : 1) * 2 ** times))
  // One layer has a kink for each unit at most.
  expect(regionBound([2 ** times - 1], 1)).toBe(2 ** times)
})
