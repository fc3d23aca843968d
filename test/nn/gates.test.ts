/** Multiplicative interaction, gating, and mixtures of experts against their identities. */

import { describe, expect, it } from 'vitest'
import * as nn from '../../src/nn/index.ts'
import { adam } from '../../src/optim/index.ts'
import {
  compile,
  concat,
  einsum,
  grad,
  random,
  type Tensor,
  tensor,
  withTraining,
  zeros,
} from '../../src/tensor/index.ts'
import { forEachEngine } from '../support/backends.ts'

const dtype = 'float64'
const input = (shape: readonly number[], seed = 1): Tensor => random.normal(shape, { key: random.key(seed), dtype })
const distance = (a: Tensor, b: Tensor): number => a.sub(b).abs().max().itemSync()

forEachEngine(() => {
  describe('multiplicative interaction', () => {
    const [x, z] = [input([5, 4]), input([5, 3], 2)]

    it('is zᵀWx + zᵀU + Vx + b, with so many parameters', () => {
      const block = nn.multiplicativeInteraction(4, 3, 2, { dtype })
      const w = block.state()
      const y = einsum('bm,mnk,bn->bk', z, w.weight, x)
        .add(z.matmul(w.weight_z))
        .add(nn.functional.linear(x, w.weight_x, w.bias))
      expect(distance(block.run(x, z), y)).toBeLessThan(1e-12)
      expect(block.parameters().reduce((n, p) => n + p.size, 0)).toBe(3 * 4 * 2 + 3 * 2 + 4 * 2 + 2)
    })

    it('contains a linear map of both inputs side by side: W = 0', () => {
      const block = nn.multiplicativeInteraction(4, 3, 2, { dtype })
      const w = block.state()
      const plain = nn.functional.linear(concat([x, z], 1), concat([w.weight_x, w.weight_z.transpose()], 1), w.bias)
      expect(distance(block.with({ weight: zeros([3, 4, 2], dtype) }).run(x, z), plain)).toBeLessThan(1e-14)
    })

    it('diagonal is FiLM', () => {
      const block = nn.multiplicativeInteraction(4, 3, 4, { form: 'diagonal', dtype })
      const w = block.state()
      const film = nn.film(4, 3, { dtype }).with({
        'scale.weight': w.weight.transpose(),
        'scale.bias': w.weight_x,
        'shift.weight': w.weight_z.transpose(),
        'shift.bias': w.bias,
      })
      expect(distance(block.run(x, z), film.run(x, z))).toBeLessThan(1e-12)
      expect(film.run(input([5, 4, 2, 2]), z).shape).toEqual([5, 4, 2, 2])
    })

    it('of low rank is the full one with that tensor', () => {
      const low = nn.multiplicativeInteraction(4, 3, 2, { form: 'lowRank', rank: 2, dtype })
      const { weight_a, weight_b, weight_c, ...rest } = low.state()
      const weight = einsum('rm,rn,rk->mnk', weight_a, weight_b, weight_c)
      const full = nn.multiplicativeInteraction(4, 3, 2, { dtype }).with({ weight, ...rest })
      expect(distance(low.run(x, z), full.run(x, z))).toBeLessThan(1e-12)
    })

    it('is a hypernetwork of one layer, whose generator gets its gradients', () => {
      const block = nn.multiplicativeInteraction(4, 3, 2, { dtype })
      const w = block.state()
      // From z to the weights, [outputs, inputs] row-major, then the biases.
      const toWeights = w.weight.permute([2, 1, 0]).reshape([8, 3])
      const hyper = nn.hypernetwork(4, 2, nn.linear(3, 10, { dtype }))
      const made = hyper.with({
        'generator.weight': concat([toWeights, w.weight_z.transpose()]),
        'generator.bias': concat([w.weight_x.reshape([8]), w.bias]),
      })
      expect(distance(made.run(x, z), block.run(x, z))).toBeLessThan(1e-12)
      const [g] = grad(hyper.run(x, z).square().sum(), hyper.parameters())
      const at = (d: number): number =>
        hyper
          .with({
            'generator.weight': hyper.parameters()[0].add(
              tensor([d], { dtype })
                .reshape([1, 1])
                .pad([
                  [4, 5],
                  [1, 1],
                ]),
            ),
          })
          .run(x, z)
          .square()
          .sum()
          .itemSync()
      expect(Math.abs((at(1e-5) - at(-1e-5)) / 2e-5 - g.at(4).at(1).itemSync())).toBeLessThan(
        1e-7 * Math.max(1, Math.abs(at(0))),
      )
    })

    it('gives the logits of attention: qᵀk = xᵀ(W_QᵀW_K)z', () => {
      const [query, key] = [input([6, 4], 3), input([6, 3], 4)]
      const q = x.matmul(query.transpose())
      const k = z.matmul(key.transpose())
      const weight = query.transpose().matmul(key).unsqueeze(0)
      const block = nn.bilinear(4, 3, 1, { bias: false, dtype }).with({ weight })
      expect(distance(block.run(x, z).squeeze(1), q.mul(k).sum(1))).toBeLessThan(1e-12)
    })

    it('computes x·z without error', () => {
      const block = nn.bilinear(3, 3, 1, { bias: false, dtype }).with({
        weight: tensor(
          [
            [
              [1, 0, 0],
              [0, 1, 0],
              [0, 0, 1],
            ],
          ],
          { dtype },
        ),
      })
      const other = input([5, 3], 9)
      expect(distance(block.run(z, other).squeeze(1), z.mul(other).sum(1))).toBeLessThan(1e-14)
    })
  })

  it('a highway with a gate bias of −10 is the identity to 5e-5', () => {
    const x = input([50, 6])
    const block = nn.highway(6, { gateBias: -10, dtype })
    const small = block.with({ 'gate.weight': zeros([6, 6], dtype) })
    expect(distance(small(x), x)).toBeLessThan(4.54e-5 * 5)
    expect(distance(small(x.mul(0.2)), x.mul(0.2))).toBeLessThan(5e-5)
  })

  describe('a mixture of experts', () => {
    it('keeps the k best, with weights that sum to 1, and no gradient to the others', () => {
      const experts = [0, 1, 2].map(() => nn.linear(2, 1, { dtype }))
      const net = nn.mixtureOfExperts(nn.linear(2, 3, { dtype }), experts, { top: 1 })
      const x = input([1, 2])
      const { weights, output } = net.run(x)
      const best = weights.argmax(-1).itemSync()
      expect(weights.sum().itemSync()).toBe(1)
      expect(weights.max().itemSync()).toBe(1)
      expect(distance(output, experts[best](x))).toBe(0)
      experts.forEach((expert, i) => {
        const [g] = grad(output.sum(), expert.parameters())
        expect(g.abs().max().itemSync() > 0).toBe(i === best)
      })
    })

    it('has a balance of 1 for even use and of the number of experts for one alone', () => {
      const net = nn.mixtureOfExperts(
        nn.linear(2, 2, { bias: false, dtype }),
        [0, 1].map(() => nn.linear(2, 1, { dtype })),
      )
      const even = net.with({
        'gate.weight': tensor(
          [
            [20, 0],
            [-20, 0],
          ],
          { dtype },
        ),
      })
      expect(
        even
          .run(
            tensor(
              [
                [3, 0],
                [-3, 0],
              ],
              { dtype },
            ),
          )
          .balance.itemSync(),
      ).toBeCloseTo(1, 12)
      expect(
        even
          .run(
            tensor(
              [
                [3, 0],
                [3, 0],
              ],
              { dtype },
            ),
          )
          .balance.itemSync(),
      ).toBeCloseTo(2, 12)
    })
  })
})

describe('two regimes, y = x₁ if s else −x₁', () => {
  const s = random.bernoulli([256, 1], 0.5, { key: random.key(5) }).cast('float32')
  const x = random.normal([256, 1], { key: random.key(6) })
  const target = s.mul(2).sub(1).mul(x)
  const inputs = concat([x, s], 1)

  /** The error after training, with experts of x alone and a gate that sees both. */
  const errorOf = (top: number): number => {
    const only = (): nn.Module => nn.linear(2, 1, { bias: false })
    const net = nn.mixtureOfExperts(nn.linear(2, 2), [only(), only()], { top })
    const optimizer = adam({ learningRate: 0.05 })
    const step = compile(() => {
      const loss = net(inputs).sub(target).square().mean()
      optimizer.step(net.parameters(), grad(loss, net.parameters()))
      return loss
    })
    let error = Infinity
    for (let i = 0; i < 600; i++) error = step().itemSync()
    return error
  }

  it('are learned with a soft gate', () => {
    expect(errorOf(2)).toBeLessThan(1e-3)
  })

  it('are not learned with a hard one, which gets no gradient', () => {
    const net = nn.mixtureOfExperts(nn.linear(2, 2), [nn.linear(2, 1), nn.linear(2, 1)], { top: 1 })
    const [toGate] = grad(net(inputs).sub(target).square().mean(), [net.parameters()[0]])
    expect(toGate.abs().max().itemSync()).toBe(0)
  })

  it('a siamese network measures both inputs by one body', () => {
    const net = nn.siamese(nn.linear(4, 3, { dtype }), nn.mahalanobis(3, { dtype }))
    const [a, b] = [input([5, 4]), input([5, 4], 2)]
    expect(distance(net.run(a, b), net(a).sub(net(b)).square().sum(1))).toBeLessThan(1e-12)
    expect(net.run(a, a).abs().max().itemSync()).toBe(0)
    expect(nn.fromConfig(net.config).config).toEqual(net.config)
    expect(() => nn.siamese(nn.relu(), nn.relu() as unknown as nn.Contextual)).toThrow(/a module of two inputs/)
    expect(() => net.run(a, input([4, 4]))).toThrow(/\[5, 3\] and \[4, 3\]/)
    expect(() => nn.mahalanobis(3, { rank: 0 })).toThrow(/rank is 0/)
  })

  it('noise on weights is there while training, another one in each call, and leaves biases alone', () => {
    const layer = nn.linear(4, 200)
    const net = nn.weightNoise(layer, 0.5)
    const x = input([3, 4]).cast('float32')
    expect(distance(net(x), layer(x))).toBe(0)
    const [first, second] = withTraining(true, () => [net(x), net(x)])
    expect(distance(first, second)).toBeGreaterThan(0)
    // The output's variance is that of the weights times ‖x‖².
    const spread = first.sub(layer(x)).square().mean(1).div(x.square().sum(1)).dataSync()
    for (const variance of spread) expect(Math.abs(variance / 0.25 - 1)).toBeLessThan(0.5)
    expect(withTraining(true, () => distance(net(x.mul(0)), layer(x.mul(0))))).toBe(0)
    expect(Object.keys(net.namedParameters())).toEqual(['layer.weight', 'layer.bias'])
    expect(nn.fromConfig(net.config).config).toEqual(net.config)
    expect(() => nn.weightNoise(layer, -1)).toThrow(/standardDeviation is -1/)
  })
})
