// Transposed convolution is the adjoint of convolution: ⟨Aᵀx, y⟩ = ⟨x, A y⟩, whatever the stride leaves out.

import { expect, it } from 'vitest'
import * as nn from '../../src/nn/index.ts'
import { grad, random, type Tensor } from '../../src/tensor/index.ts'
import { forEachEngine } from '../support/backends.ts'

const { convolution, transposedConvolution } = nn.functional
const draw = (seed: number, shape: readonly number[]): Tensor => random.normal(shape, { key: random.key(seed) })
const dot = (a: Tensor, b: Tensor): number => a.mul(b).sum().itemSync()

const cases = [
  { kernel: [4, 4], stride: 2, padding: 1, outputPadding: 0, groups: 1 },
  { kernel: [2, 5], stride: 3, padding: 0, outputPadding: 2, groups: 2 },
  { kernel: [1, 1], stride: 2, padding: 0, outputPadding: 1, groups: 1 },
  { kernel: [3, 2], stride: 2, padding: 1, outputPadding: 1, groups: 2, dilation: 2 },
  // Phases with fewer taps are convolutions of their own where channels are many.
  { kernel: [3, 3], stride: 2, padding: 1, outputPadding: 1, groups: 1, channels: 17 },
  { kernel: [5, 4], stride: 3, padding: 0, outputPadding: 0, groups: 2, channels: 32 },
  { kernel: [7, 3], stride: 4, padding: 2, outputPadding: 1, groups: 1, channels: 16 },
]

forEachEngine(() => {
  for (const { kernel, channels = 6, ...options } of cases) {
    it(`kernel ${kernel}, ${channels} channels, ${JSON.stringify(options)}`, () => {
      const { stride, padding, dilation = 1, groups } = options
      const [x, w] = [draw(1, [2, 4, 3, 5]), draw(2, [4, channels / groups, ...kernel])]
      const up = transposedConvolution(x, w, undefined, options)
      const y = draw(3, up.shape)
      const down = convolution(y, w, undefined, { stride, padding, dilation, groups })
      expect(down.shape).toEqual(x.shape)
      const expected = dot(x, down)
      expect(dot(up, y)).toBeCloseTo(expected, 3)
      // Linear in each factor: the gradients of ⟨Aᵀx, y⟩ give it back.
      const [dx, dw] = grad(up.mul(y).sum(), [x, w])
      expect(dot(dx, x)).toBeCloseTo(expected, 3)
      expect(dot(dw, w)).toBeCloseTo(expected, 3)
      const near = dx.sub(down).abs().max().itemSync()
      expect(near).toBeLessThan(1e-4)
    })
  }
})

it('refuses padding that leaves nothing', () => {
  const x = draw(1, [1, 1, 1, 1])
  expect(() => transposedConvolution(x, draw(2, [1, 1, 2, 2]), undefined, { padding: 1 })).toThrow(/leaves nothing/)
})
