/** A sparse mixture of experts against the dense one: the same function and gradients, for the products of the chosen alone. */

import { describe, expect, it } from 'vitest'
import * as nn from '../../src/nn/index.ts'
import { compile, grad, random, type Tensor, tensor, withTraining } from '../../src/tensor/index.ts'
import { forEachEngine } from '../support/backends.ts'

const input = (shape: readonly number[], seed = 1): Tensor => random.normal(shape, { key: random.key(seed) })
const distance = (a: Tensor, b: Tensor): number => a.sub(b).abs().max().itemSync()
const expert = (): nn.Module => nn.sequential(nn.linear(5, 8), nn.tanh(), nn.linear(8, 3))
const experts = (count: number): nn.Module[] => Array.from({ length: count }, expert)

forEachEngine(() => {
  it.each([
    [40, 8, 2],
    [37, 4, 1],
    [64, 5, 3],
  ])('%i rows, %i experts, top %i: as dense', (n, count, top) => {
    const [gate, list] = [nn.linear(5, count), experts(count)]
    const [sparse, dense] = [{ top }, { top, dense: true }].map((o) => nn.mixtureOfExperts(gate, list, o))
    const [x, g] = [input([n, 5]), input([n, 3], 2)]
    const both = compile((x: Tensor) =>
      [sparse, dense].map((m) => {
        const { output, weights, balance } = m.run(x)
        const loss = output.mul(g).sum().add(balance)
        return { output, weights, balance, gradients: grad(loss, [x, ...m.parameters()]) }
      }),
    )
    const [a, b] = both(x)
    expect(distance(a.output, b.output)).toBeLessThan(2e-6)
    expect(distance(a.weights, b.weights)).toBe(0)
    expect(distance(a.balance, b.balance)).toBe(0)
    a.gradients.forEach((d, i) => {
      expect(distance(d, b.gradients[i])).toBeLessThan(2e-5)
    })
  })

  it('all rows may choose one expert, and nothing is dropped', () => {
    const list = experts(6)
    const gate = nn
      .linear(5, 6)
      .with({ weight: tensor(new Float32Array(30), { shape: [6, 5] }), bias: tensor([0, 9, 0, 0, 0, 0]) })
    const x = input([50, 5])
    expect(distance(nn.mixtureOfExperts(gate, list, { top: 1 })(x), list[1](x))).toBeLessThan(2e-6)
  })

  it('a capacity drops what comes later in the batch, one that is large enough nothing', () => {
    const list = experts(2)
    const gate = nn.linear(5, 2).with({ weight: tensor(new Float32Array(10), { shape: [2, 5] }), bias: tensor([1, 0]) })
    const x = input([8, 5])
    const y = nn.mixtureOfExperts(gate, list, { top: 1, capacity: 1 })(x)
    // Each takes 1 · 8 / 2 rows; all rows want the first.
    expect(distance(y.slice([0, 4]), list[0](x.slice([0, 4])))).toBeLessThan(2e-6)
    expect(y.slice([4, 8]).abs().max().itemSync()).toBe(0)
    const wide = nn.mixtureOfExperts(gate, list, { top: 1, capacity: 2 })
    expect(distance(wide(x), list[0](x))).toBeLessThan(2e-6)
    expect(nn.fromConfig(wide.config).config).toEqual(wide.config)
  })

  it('draws dropout for each row, shares experts, and takes images', () => {
    const noisy = Array.from({ length: 4 }, () => nn.sequential(nn.linear(5, 64), nn.dropout(0.5)))
    const moe = nn.mixtureOfExperts(nn.linear(5, 4), noisy, { top: 1 })
    const same = tensor([[1, 2, 3, 4, 5]]).broadcastTo([32, 5])
    const y = withTraining(true, () => moe(same))
    expect(distance(y.slice([0, 1]), y.slice([31, 32]))).toBeGreaterThan(0)
    const one = expert()
    const x = input([32, 5])
    expect(distance(nn.mixtureOfExperts(nn.linear(5, 4), [one, one, one, one], { top: 1 })(x), one(x))).toBeLessThan(
      2e-6,
    )
    const filters = Array.from({ length: 4 }, () => nn.conv2d(2, 3, 3))
    const gate = nn.sequential(nn.globalAveragePool(), nn.linear(2, 4))
    const images = input([16, 2, 5, 4])
    const [sparse, dense] = [{ top: 1 }, { top: 1, dense: true }].map((o) => nn.mixtureOfExperts(gate, filters, o))
    expect(distance(sparse(images), dense(images))).toBeLessThan(5e-6)
  })
})

describe('what it costs', () => {
  it('the products of the chosen alone, and of blocks that are not full', () => {
    const [gate, list] = [nn.linear(5, 8), experts(8)]
    const [few, all] = [{ top: 2 }, { top: 2, dense: true }].map((o) =>
      nn.mixtureOfExperts(gate, list, o).summary([256, 5]),
    )
    const [sparse, dense] = [few, all].map((s) => s.flops - 256 * 5 * 8 * 2)
    expect(few.parameters).toBe(all.parameters)
    // 2 of 8 experts, a quarter; blocks of 32 rows may be half empty: 736 rows of 2048.
    expect(sparse / dense).toBeCloseTo(736 / 2048, 12)
  })

  it('experts that differ or have buffers see the whole batch, as before', () => {
    const mixed = [nn.linear(5, 3) as nn.Module, expert(), nn.sequential(nn.linear(5, 3), nn.batchNorm(3)), expert()]
    const moe = nn.mixtureOfExperts(nn.linear(5, 4), mixed, { top: 1 })
    expect(moe(input([32, 5])).shape).toEqual([32, 3])
  })
})
