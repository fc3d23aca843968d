/** separableConv2d: what it computes is a convolution whose kernel is a product; it is saved and rebuilt as its parts. */

import { expect, it } from 'vitest'
import * as nn from '../../src/nn/index.ts'
import { grad, random, type Tensor } from '../../src/tensor/index.ts'
import { forEachEngine } from '../support/backends.ts'

forEachEngine(() => {
  const drawn = (shape: readonly number[], seed: number): Tensor => random.normal(shape, { key: random.key(seed) })
  const values = (x: Tensor): number[] => [...x.dataSync()]

  it('is the convolution whose kernel is the product of both steps, and so is its gradient', () => {
    const net = nn.separableConv2d(3, 5, [3, 2], { stride: [2, 1], padding: 1, multiplier: 2 })
    const { 'depthwise.weight': depth, 'pointwise.weight': point, 'pointwise.bias': bias } = net.namedParameters()
    const x = drawn([2, 3, 6, 5], 1)
    // weight[o, c] = Σ over the channel's filters of point[o, filter] · depth[filter]
    const weight = point
      .reshape([5, 3, 2])
      .unsqueeze(-1)
      .mul(depth.reshape([3, 2, 6]))
      .sum(2)
      .reshape([5, 3, 3, 2])
    const whole = nn.functional.convolution(x, weight, bias, { stride: [2, 1], padding: 1 })
    const y = net(x)
    expect(y.shape).toEqual([2, 5, 3, 6])
    const expected = values(whole)
    values(y).forEach((v, i) => {
      expect(v).toBeCloseTo(expected[i], 4)
    })
    const weights = drawn(y.shape, 2)
    const slopes = values(grad(whole.mul(weights).sum(), x))
    values(grad(y.mul(weights).sum(), x)).forEach((v, i) => {
      expect(v).toBeCloseTo(slopes[i], 4)
    })
  })

  it('needs no kind of its own to be rebuilt', () => {
    const net = nn.separableConv2d(4, 2, 3, { bias: false })
    const again = nn.fromConfig(JSON.parse(JSON.stringify(net.config)))
    expect(again.config).toEqual(net.config)
    expect(Object.keys(again.state())).toEqual(['depthwise.weight', 'pointwise.weight'])
  })
})

it('refuses sizes that are none', () => {
  expect(() => nn.separableConv2d(3, 4, 3, { multiplier: 0 })).toThrow(/separableConv2d: multiplier is 0/)
  expect(() => nn.separableConv2d(0, 4, 3)).toThrow(/separableConv2d: inputs is 0/)
})
