/** Convolutions with a kernel for each example, bags of embeddings, and whitening from data. */

import { describe, expect, it } from 'vitest'
import * as linalg from '../../src/linalg/index.ts'
import * as nn from '../../src/nn/index.ts'
import { sgd } from '../../src/optim/index.ts'
import { compile, concat, eye, grad, random, type Tensor, tensor, zeros } from '../../src/tensor/index.ts'
import { forEachEngine } from '../support/backends.ts'
import { checkFirstOrder } from '../support/derivative.ts'
import { normals, randomOf } from '../support/random.ts'

const f = nn.functional
const draw = (shape: readonly number[], seed = 1, dtype: 'float32' | 'float64' = 'float64'): Tensor =>
  random.normal(shape, { key: random.key(seed), dtype })
const whole = (...values: readonly number[]): Tensor => tensor(new Int32Array(values), { shape: [values.length] })
const distance = (a: Tensor, b: Tensor): number => (a.size === 0 ? 0 : a.sub(b).abs().max().itemSync())

forEachEngine(() => {
  describe('dynamic convolution', () => {
    it('is each example’s own convolution, in 1 to 3 dimensions, with groups', () => {
      for (const [kernel, extents, options] of [
        [[3], [6], { padding: 1, groups: 2 }],
        [[2, 3], [5, 4], { stride: 2 }],
        [[1, 2, 2], [2, 3, 3], {}],
      ] as const) {
        const groups = 'groups' in options ? options.groups : 1
        const [x, w, b] = [draw([3, 4, ...extents]), draw([3, 2, 4 / groups, ...kernel], 2), draw([3, 2], 3)]
        const y = f.convolutionPerExample(x, w, b, options)
        const each = [0, 1, 2].map((i) => f.convolution(x.slice([i, i + 1]), w.at(i), b.at(i), options))
        expect(distance(y, concat(each))).toBeLessThan(1e-12)
      }
    })

    it('takes its weights from a network, to which gradients flow', () => {
      const layer = nn.dynamicConvolution(2, 3, [2, 2], nn.linear(4, 27, { dtype: 'float64' }), { padding: 1 })
      const [x, z] = [draw([3, 2, 4, 5]), draw([3, 4], 2)]
      const made = layer.children.generator(z)
      const y = f.convolutionPerExample(
        x,
        made.slice(null, [0, 24]).reshape([3, 3, 2, 2, 2]),
        made.slice(null, [24, 27]),
        {
          padding: 1,
        },
      )
      expect(distance(layer.run(x, z), y)).toBe(0)
      const points = [
        [3, 2, 4, 5],
        [3, 4],
      ].map((shape, i) => ({
        shape,
        data: normals(
          randomOf(i),
          shape.reduce((a, b) => a * b),
        ),
      }))
      checkFirstOrder(([a, b]) => [layer.run(a, b)], points, randomOf(5))
      // Called alone its context is what its channels are on average.
      const own = nn.dynamicConvolution(2, 1, [1], nn.linear(2, 3, { dtype: 'float64' }))
      const line = draw([3, 2, 5])
      expect(distance(own(line), own.run(line, line.mean(2)))).toBe(0)
      const again = nn.fromConfig(JSON.parse(JSON.stringify(layer.config)))
      expect(again.config).toEqual(layer.config)
      expect(f.convolutionPerExample(draw([0, 2, 4]), draw([0, 3, 2, 2]), draw([0, 3])).shape).toEqual([0, 3, 3])
    })
  })

  describe('embeddingBag', () => {
    const weight = tensor([
      [1, 10],
      [2, 20],
      [3, 30],
      [4, 40],
    ])
    const bag = (options: nn.EmbeddingBagOptions) => nn.embeddingBag(4, 2, options).with([weight])

    it('sums, averages and takes maxima of bags of one length', () => {
      const indices = tensor(
        [
          [0, 2],
          [3, 3],
        ],
        { dtype: 'int32' },
      )
      expect(bag({ mode: 'sum' })(indices).arraySync()).toEqual([
        [4, 40],
        [8, 80],
      ])
      expect(bag({})(indices).arraySync()).toEqual([
        [2, 20],
        [4, 40],
      ])
      expect(bag({ mode: 'max' })(indices).arraySync()).toEqual([
        [3, 30],
        [4, 40],
      ])
    })

    it('of different lengths by offsets, empty ones too, and without what is padding', () => {
      const [indices, offsets] = [whole(0, 2, 1, 3, 1), whole(0, 2, 2, 5)]
      expect(bag({ mode: 'sum' }).run(indices, { offsets }).arraySync()).toEqual([
        [4, 40],
        [0, 0],
        [8, 80],
        [0, 0],
      ])
      expect(bag({ mode: 'max' }).run(indices, { offsets }).arraySync()).toEqual([
        [3, 30],
        [0, 0],
        [4, 40],
        [0, 0],
      ])
      const mean = bag({ paddingIndex: 1 })
      expect(mean.run(indices, { offsets }).arraySync()).toEqual([
        [2, 20],
        [0, 0],
        [4, 40],
        [0, 0],
      ])
      const factors = tensor([1, 0.5, 0, 2, 1])
      expect(bag({ mode: 'sum' }).run(indices, { offsets, factors }).arraySync()).toEqual([
        [2.5, 25],
        [0, 0],
        [10, 100],
        [0, 0],
      ])
      expect(mean(zeros([0, 3], 'int32')).shape).toEqual([0, 2])
    })

    it('gives gradients to the rows that counted', () => {
      for (const mode of ['sum', 'mean', 'max'] as const) {
        const net = nn.embeddingBag(4, 2, { mode, paddingIndex: 0, dtype: 'float64' })
        const { weight: w } = net.state()
        const padded = grad(net(tensor([[0, 1, 2]], { dtype: 'int32' })).sum(), w)
        const offset = grad(net.run(whole(0, 1, 2), { offsets: whole(0) }).sum(), w)
        expect(distance(padded, offset)).toBe(0)
        expect(padded.at(0).abs().max().itemSync()).toBe(0)
        expect(padded.sum().itemSync()).toBeCloseTo(mode === 'sum' ? 4 : 2, 12)
      }
    })
  })

  describe('whitening', () => {
    const images = draw([30, 2, 6, 5])
      .mul(tensor([3, 0.5]).cast('float64').reshape([2, 1, 1]))
      .add(1)

    it('leaves patches uncorrelated and of unit size', () => {
      const layer = nn.whitening(2, 2, { dtype: 'float64' })
      nn.whiten(layer, images, { eigh: linalg.eigh, epsilon: 1e-12 })
      const y = layer(images)
        .slice(null, [0, 8])
        .transpose(1, 3)
        .reshape([30 * 5 * 4, 8])
      expect(
        distance(
          y
            .transpose()
            .matmul(y)
            .div(30 * 5 * 4),
          eye(8, 8, 'float64'),
        ),
      ).toBeLessThan(1e-8)
      // And each filter's negative.
      const all = layer(images)
      expect(distance(all.slice(null, [8, 16]), all.slice(null, [0, 8]).neg())).toBeLessThan(1e-12)
    })

    it('stays as it is while the rest is trained, and comes back from a file', () => {
      const layer = nn.whitening(2, [2, 1])
      nn.whiten(layer, images.cast('float32'), { eigh: linalg.eigh })
      const net = nn.sequential(layer, nn.relu(), nn.globalAveragePool(), nn.linear(8, 1))
      expect(Object.keys(net.namedParameters())).toEqual(['0.bias', '3.weight', '3.bias'])
      const before = [...layer.namedBuffers().weight.dataSync()]
      const optimizer = sgd({ learningRate: 0.1 })
      const step = compile((x: Tensor) => {
        const l = net(x).square().mean()
        optimizer.step(net.parameters(), grad(l, net.parameters()))
        return l
      })
      const x = images.cast('float32')
      const first = step(x).itemSync()
      step(x)
      expect(step(x).itemSync()).toBeLessThan(first)
      expect([...layer.namedBuffers().weight.dataSync()]).toEqual(before)
      const again = nn.fromConfig(JSON.parse(JSON.stringify(net.config)))
      again.loadState(net.state())
      expect(distance(again(x), net(x))).toBe(0)
    })
  })
})
