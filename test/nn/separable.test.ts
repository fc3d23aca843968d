/** separableConv2d: what it computes is a convolution whose kernel is a product; it is saved and rebuilt as its parts. */

import { expect, it } from 'vitest'
import * as nn from '../../src/nn/index.ts'
import { concat, einsum, grad, random, type Tensor } from '../../src/tensor/index.ts'
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

  it.each([
    ['strides', { stride: [2, 3] }],
    ['dilation and padding', { dilation: [2, 1], padding: [3, 1] }],
    ['several filters a channel, same extents', { multiplier: 3, padding: 'same' }],
    ['all of them, without a bias', { stride: 2, dilation: 2, padding: 2, multiplier: 2, bias: false }],
  ] as const)('is a grouped convolution, then one of 1 × 1: %s', (_, options) => {
    const { multiplier = 1, ...depthwise } = { ...options } as nn.SeparableOptions
    const { bias: hasBias = true, ...moves } = depthwise
    const net = nn.separableConv2d(2, 3, [3, 2], options as nn.SeparableOptions)
    const { 'depthwise.weight': depth, 'pointwise.weight': point, 'pointwise.bias': bias } = net.state()
    expect([depth.shape, point.shape, bias?.shape]).toEqual([
      [2 * multiplier, 1, 3, 2],
      [3, 2 * multiplier, 1, 1],
      hasBias ? [3] : undefined,
    ])
    const x = drawn([2, 2, 7, 6], 3)
    // Channel by channel: no grouped convolution.
    const filtered = concat(
      [0, 1].map((c) => {
        const own = depth.slice([c * multiplier, (c + 1) * multiplier])
        return nn.functional.convolution(
          x.slice(null, [c, c + 1]),
          own,
          undefined,
          moves as nn.functional.ConvolutionOptions,
        )
      }),
      1,
    )
    const mixed = einsum('nchw,oc->nohw', filtered, point.reshape([3, 2 * multiplier]))
    const expected = bias ? mixed.add(bias.reshape([1, 3, 1, 1])) : mixed
    const y = net(x)
    expect(y.shape).toEqual(expected.shape)
    expect(values(y.sub(expected).abs().max())[0]).toBeLessThan(1e-5)
    const weights = drawn(y.shape, 4)
    const wrt = [x, depth, point]
    const slopes = grad(expected.mul(weights).sum(), wrt)
    grad(y.mul(weights).sum(), wrt).forEach((slope, i) => {
      expect(values(slope.sub(slopes[i]).abs().max())[0]).toBeLessThan(2e-5)
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
