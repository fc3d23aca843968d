/** R33: softmax over many classes in clusters and over samples, against the whole. */

import { describe, expect, it } from 'vitest'
import * as loss from '../../src/loss/index.ts'
import * as nn from '../../src/nn/index.ts'
import { compile, grad, oneHot, random, type Tensor, tensor, zeros } from '../../src/tensor/index.ts'
import { forEachEngine } from '../support/backends.ts'

const dtype = 'float64'
const draw = (shape: readonly number[], seed = 1): Tensor => random.normal(shape, { key: random.key(seed), dtype })
const labels = (...values: readonly number[]): Tensor => tensor(new Int32Array(values), { shape: [values.length] })
const distance = (a: Tensor, b: Tensor): number => a.sub(b).abs().max().itemSync()

forEachEngine(({ backend }) => {
  describe('adaptive softmax', () => {
    const head = nn.adaptiveSoftmax(8, 11, [3, 7], { divide: 2, headBias: true, dtype })
    const x = draw([6, 8])
    const targets = labels(0, 2, 3, 6, 7, 10)

    it('is a distribution: head times cluster, by PyTorch’s names', () => {
      expect(Object.entries(head.namedParameters()).map(([name, p]) => [name, p.shape])).toEqual([
        ['head.weight', [5, 8]],
        ['head.bias', [5]],
        ['tail.0.0.weight', [4, 8]],
        ['tail.0.1.weight', [4, 4]],
        ['tail.1.0.weight', [2, 8]],
        ['tail.1.1.weight', [4, 2]],
      ])
      const all = head(x)
      expect(all.shape).toEqual([6, 11])
      expect(distance(all.exp().sum(1), zeros([6], dtype).add(1))).toBeLessThan(1e-12)
      const w = head.state()
      const first = nn.functional.linear(x, w['head.weight'], w['head.bias']).softmax(-1)
      const second = x.matmul(w['tail.1.0.weight'].transpose()).matmul(w['tail.1.1.weight'].transpose()).softmax(-1)
      const byHand = first.slice(null, [4, 5]).broadcastTo([6, 4]).mul(second)
      expect(distance(all.exp().slice(null, [7, 11]), byHand)).toBeLessThan(1e-12)
    })

    it('gives targets alone, with the gradients of the whole', () => {
      const { output, loss: value } = head.run(x, targets)
      const whole = head(x).takeAlong(targets.unsqueeze(1), 1).squeeze(1)
      expect(distance(output, whole)).toBeLessThan(1e-12)
      expect(distance(value, whole.mean().neg())).toBeLessThan(1e-12)
      const inputs = [x, ...head.parameters()]
      const expected = grad(whole.mean().neg(), inputs)
      grad(value, inputs).forEach((g, i) => {
        expect(distance(g, expected[i])).toBeLessThan(1e-12)
      })
      const extreme = head.run(x.mul(1e4), targets)
      expect(grad(extreme.loss, x).isFinite().all().itemSync()).toBe(1)
      expect(
        head
          .run(x, labels(0, 2, 3, 6, 7, 11))
          .output.isFinite()
          .cast('int32')
          .sum()
          .itemSync(),
      ).toBe(5)
    })

    it('runs the tails that targets ask for, on a part of the rows where that is enough', () => {
      const many = draw([80, 8], 5)
      // None of the last tail, a few of the first, then many of both.
      const few = Int32Array.from({ length: 80 }, (_, i) => (i % 9 === 0 ? 3 + (i % 4) : i % 3))
      const both = Int32Array.from({ length: 80 }, (_, i) => (i * 7) % 11)
      for (const values of [few, both]) {
        const wanted = labels(...values)
        const { output, loss: value } = head.run(many, wanted)
        const whole = head(many).takeAlong(wanted.unsqueeze(1), 1).squeeze(1)
        expect(distance(output, whole)).toBeLessThan(1e-12)
        const inputs = [many, ...head.parameters()]
        const expected = grad(whole.mean().neg(), inputs)
        grad(value, inputs).forEach((g, i) => {
          expect(distance(g, expected[i])).toBeLessThan(1e-12)
        })
      }
      // What does not run cannot spoil anything: NaN times 0 would be NaN.
      const spoilt = head.with({ 'tail.1.1.weight': zeros([4, 2], dtype).add(Number.NaN) })
      const { loss: value } = (spoilt as typeof head).run(many, labels(...few))
      const slopes = grad(value, [many, ...head.parameters()])
      for (const t of [value, ...slopes]) expect(t.isFinite().all().itemSync()).toBe(1)
    })

    it('comes back from its configuration', () => {
      const again = nn.fromConfig(JSON.parse(JSON.stringify(head.config)))
      again.loadState(head.state())
      expect(distance(again(x), head(x))).toBe(0)
    })
  })

  describe('sampled softmax', () => {
    const [classes, n, d] = [40, 5, 6]
    const [x, weight, bias] = [draw([n, d]), draw([classes, d], 2), draw([classes], 3)]
    const targets = labels(0, 3, 9, 20, 39)
    const whole = loss.softmaxCrossEntropy(x.matmul(weight.transpose()).add(bias), targets, { reduction: 'none' })

    it('comes near the whole with many samples, for either sampler, gradients too', () => {
      const samples = backend === 'reference' ? 1 << 10 : 1 << 14
      const scores = x.matmul(weight.transpose()).add(bias)
      const slope = scores.softmax(-1).sub(oneHot(targets, classes).cast(dtype)).transpose().matmul(x)
      for (const sampler of ['logUniform', 'uniform'] as const) {
        const sampled = compile((w: Tensor) => {
          const options = { samples, sampler, key: random.key(4), reduction: 'none' } as const
          const l = loss.sampledSoftmax(x, w, bias, targets, options)
          return [l, grad(l.sum(), w)]
        })
        const [l, g] = sampled(weight)
        // Standard errors shrink by √samples; the heaviest score has a chance of 1/150 to be drawn.
        expect(distance(l, whole)).toBeLessThan(30 / Math.sqrt(samples))
        expect(g.sub(slope).square().sum().div(slope.square().sum()).sqrt().itemSync()).toBeLessThan(
          30 / Math.sqrt(samples),
        )
      }
    })

    it('draws log-uniform classes by their law: log((k + 2) / (k + 1)) / log(classes + 1)', () => {
      // With one class that is certain to be the target, all samples are hits, and the loss is 0.
      expect(loss.sampledSoftmax(x, weight.slice([0, 1]), undefined, labels(0, 0, 0, 0, 0)).itemSync()).toBe(0)
      const drawn = random
        .uniform([3000], { key: random.key(6) })
        .mul(Math.log(41))
        .expm1()
        .floor()
      for (const k of [0, 1, 7]) {
        const share = drawn.equal(k).cast('float32').mean().itemSync()
        const p = Math.log((k + 2) / (k + 1)) / Math.log(41)
        expect(Math.abs(share - p)).toBeLessThan(5 * Math.sqrt((p * (1 - p)) / 3000))
      }
    })
  })
})

describe('refusals', () => {
  const x: Tensor = zeros([2, 3])
  it.each([
    [
      'targets',
      () => loss.sampledSoftmax(x, zeros([9, 3]), undefined, x),
      /sampledSoftmax: .*targets float32 \[2, 3\]/,
    ],
    ['bias', () => loss.sampledSoftmax(x, zeros([9, 3]), zeros([8]), labels(0, 1)), /bias \[8\]/],
    ['samples', () => loss.sampledSoftmax(x, zeros([9, 3]), undefined, labels(0, 1), { samples: 0 }), /samples is 0/],
    [
      'sampler',
      () => loss.sampledSoftmax(x, zeros([9, 3]), undefined, labels(0, 1), { sampler: 'zipf' as 'uniform' }),
      /unknown sampler 'zipf'/,
    ],
  ] as const)('%s', (_, refused, message) => {
    expect(refused).toThrow(message)
  })
})
