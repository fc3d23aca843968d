/** Linear regions: they cover the box and agree with the network, pieces are counted and not patterns, and what is smooth is refused. */

import { expect, it } from 'vitest'
import { affineAt, linearRegions, regionBound } from '../../src/inspect/index.ts'
import * as nn from '../../src/nn/index.ts'
import * as t from '../../src/tensor/index.ts'
import { configure, type Tensor, tensor } from '../../src/tensor/index.ts'

const f64 = (values: readonly number[], shape: readonly number[] = [values.length]): Tensor =>
  tensor(new Float64Array(values), { shape })
const square = (half: number) => [[-half, half] as const, [-half, half] as const]
const counted = async (net: (x: Tensor) => Tensor, low = -1, high = 1): Promise<number> =>
  (await linearRegions(net, [[low, high]])).count

it('the pieces of a random network cover the box, agree with it, and meet', async () => {
  configure({ backend: 'reference' })
  const net = nn.sequential(nn.linear(2, 6), nn.relu(), nn.linear(6, 6), nn.leakyRelu(), nn.linear(6, 1))
  const { regions, count } = await linearRegions(net, square(2))
  expect(count).toBeGreaterThan(8)
  let area = 0
  for (const {
    parts,
    weight: [[a, b]],
    offset: [c],
  } of regions)
    for (const part of parts) {
      part.forEach(([x, y], i) => {
        const [u, v] = part[(i + 1) % part.length]
        area += (x * v - u * y) / 2
      })
      const values = await net(f64(part.flat(), [part.length, 2])).data()
      part.forEach(([x, y], i) => {
        expect(values[i]).toBeCloseTo(a * x + b * y + c, 10)
      })
    }
  expect(area).toBeCloseTo(16, 9)
})

it('counts pieces of the function, not patterns of units', async () => {
  configure({ backend: 'reference' })
  expect(await counted((x) => x.relu().sub(x.neg().relu()))).toBe(1)
  expect(await counted((x) => x.mul(3).add(1))).toBe(1)
  expect(await counted(() => t.ones([1, 1]))).toBe(1)
  expect(await counted((x) => x.clamp(-0.5, 0.5))).toBe(3)
  expect(await counted((x) => t.concat([x, x.neg(), x.mul(0).add(0.25)], -1).max(-1))).toBe(3)
  expect(await counted((x) => t.concat([x, x.neg(), x.mul(0).add(0.25)], -1).min(-1))).toBe(2)
  expect(await counted((x) => x.sign())).toBe(2)
  expect(await counted((x) => x.greater(0.25).cast('float64').mul(x.abs()))).toBe(2)
  expect(await counted((x) => t.softShrink(x, 0.5))).toBe(3)
  expect(await counted((x) => x.abs().sub(0.5).abs().sub(0.25).abs(), -1, 1)).toBe(8)
  // Equal maps that do not touch are two pieces.
  expect(await counted((x) => x.add(0.5).relu().sub(x.relu()).sub(x.sub(0.25).relu()).add(x.sub(0.75).relu()))).toBe(5)
  // Kinks in a corner, on the border, or that touch no inside, cut nothing.
  expect(await counted((x) => x.add(1).relu().add(x.sub(1).relu()))).toBe(1)
  const touching = await linearRegions((x) => x.sum(-1).sub(2).relu(), square(1))
  expect(touching.count).toBe(1)
  // Around the corner of a square: not convex, still one region.
  const bent = await linearRegions((x) => x.relu().min(-1), square(1))
  expect(bent.regions.map(({ parts }) => parts.length > 1)).toContain(true)
  expect(bent.count).toBe(3)
})

it('at a kink the map is the one whose derivative the library takes', async () => {
  configure({ backend: 'reference' })
  const slopes = async (f: (x: Tensor) => Tensor): Promise<number[]> => [
    ...(await (await affineAt(f, f64([0, 0]))).weight.data()),
  ]
  expect(await slopes((x) => x.relu().sum(-1))).toEqual([0, 0])
  expect(await slopes((x) => x.abs().sum(-1))).toEqual([0, 0])
  expect(await slopes((x) => x.max(-1))).toEqual([1, 0])
})

it('refuses what is not piecewise linear, by operation, module and shape', async () => {
  configure({ backend: 'reference' })
  const refusal = async (f: (x: Tensor) => Tensor, box: readonly (readonly [number, number])[] = [[-1, 1]]) =>
    linearRegions(f, box).then(
      () => 'accepted',
      (error: Error) => error.message,
    )
  expect(await refusal(nn.sequential(nn.linear(1, 3), nn.tanh()))).toMatch(
    /net\.1 tanh: tanh of \[1, 3\] is not piecewise/,
  )
  expect(await refusal((x) => x.mul(x))).toMatch(/mul of \[1, 1\] multiplies two values that both depend on the input/)
  expect(await refusal((x) => t.ones([1, 1]).div(x))).toMatch(/div .*divides by a value that depends/)
  expect(await refusal((x) => x.cast('int32'))).toMatch(/cast .*makes int32/)
  expect(await refusal((x) => t.sort(x))).toMatch(/routine|sort/)
  expect(await refusal((x) => x.mul(Number.NaN))).toMatch(/slope or an offset of the network is NaN/)
  expect(await refusal((x) => tensor(x.dataSync()))).toMatch(/reads a value that depends on its input/)
  for (const box of [
    [],
    [[1, 1]],
    [[0, Infinity]],
    [
      [0, 1],
      [0, 1],
      [0, 1],
    ],
  ] as (readonly [number, number])[][])
    expect(await refusal((x) => x, box)).toMatch(/the box is .*one or two inputs/)
  await expect(linearRegions(nn.fold(5), [[0, 1]], { limit: 30 })).rejects.toThrow(/more than 30 parts/)
  await expect(linearRegions(nn.fold(5), [[0, 1]], { limit: 0 })).rejects.toThrow(/limit is 0/)
  await expect(affineAt((x) => x.relu(), f64([Number.NaN]))).rejects.toThrow(/x is not finite/)
  expect(() => regionBound([0], 2)).toThrow(/width is 0/)
  expect(() => nn.fold(0)).toThrow(/times is 0/)
})
