/** Estimators through hard choices, softmax as a tree, and blocks that keep promises for any parameters. */

import { describe, expect, it } from 'vitest'
import { contractionFlops } from '../../src/graph/flops.ts'
import { topologicalOrder } from '../../src/graph/walk.ts'
import * as nn from '../../src/nn/index.ts'
import { compile, cond, eye, grad, iota, oneHot, random, type Tensor, tensor } from '../../src/tensor/index.ts'
import { forEachEngine } from '../support/backends.ts'

const dtype = 'float64'
const input = (shape: readonly number[], seed = 1): Tensor => random.normal(shape, { key: random.key(seed), dtype })
const distance = (a: Tensor, b: Tensor): number => a.sub(b).abs().max().itemSync()
const f = nn.functional

forEachEngine(({ backend }) => {
  describe('choices', () => {
    const logits = tensor([0.2, -0.4, 1], { dtype })
    const values = tensor([1, -2, 0.5], { dtype })
    // All backends draw the same bits: the slow one draws fewer.
    const n = backend === 'reference' ? 20_000 : 100_000
    const many = (): Tensor => logits.reshape([1, 3]).broadcastTo([n, 3])

    it('straight through: values of the hard one, gradient of the soft one', () => {
      const x = input([4])
      const y = f.straightThrough(x.greater(0).cast(dtype), x.sigmoid())
      expect(distance(y, x.greater(0).cast(dtype))).toBeLessThan(1e-15)
      const s = x.sigmoid()
      expect(distance(grad(y.sum(), [x])[0], s.mul(s.neg().add(1)))).toBeLessThan(1e-15)
    })

    it('R76: hard Gumbel-softmax has the frequencies of softmax (χ² at n = 1e5), and a gradient', () => {
      const drawn = f.gumbelSoftmax(many(), { hard: true, key: random.key(3) })
      const expected = logits.softmax().mul(n)
      const chi = drawn.sum(0).sub(expected).square().div(expected).sum().itemSync()
      expect(chi).toBeLessThan(13.8) // 0.999 of χ² with 2 degrees of freedom
      expect(distance(drawn.sum(1), drawn.sum(1).mul(0).add(1))).toBeLessThan(1e-12)
      const soft = (x: Tensor): Tensor => f.gumbelSoftmax(x, { hard: true, temperature: 0.7, key: random.key(4) })
      expect(grad(soft(logits).mul(values).sum(), [logits])[0].abs().max().itemSync()).toBeGreaterThan(0)
    })

    it('R76: the score function’s mean lies within 3 standard errors of the exact gradient', () => {
      const exact = grad(logits.softmax().mul(values).sum(), [logits])[0]
      const p = logits.softmax()
      const drawn = f.gumbelSoftmax(many(), { hard: true, key: random.key(5) }).detach()
      const value = drawn.matmul(values.reshape([3, 1])).squeeze(1)
      const rows = many()
      const chosen = rows.logSoftmax(-1).mul(drawn).sum(1)
      const each = grad(f.scoreFunction(value, chosen).sum(), [rows])[0]
      expect(distance(each.at(0), value.at(0).mul(drawn.at(0).sub(p)))).toBeLessThan(1e-12)
      const error = each.std(0).div(Math.sqrt(n))
      expect(each.mean(0).sub(exact).abs().div(error).max().itemSync()).toBeLessThan(3)
    })

    it('R77: a module behind a condition runs only where it is chosen', () => {
      const [one, two] = [nn.linear(2, 2, { dtype }), nn.linear(2, 2, { dtype })]
      const x = input([3, 2])
      const choose = compile((which: Tensor, x: Tensor) => {
        const y = cond(
          which,
          (x: Tensor) => one(x),
          (x: Tensor) => two(x).div(0),
          x,
        )
        return { y, gradients: grad(y.sum(), [...one.parameters(), ...two.parameters()]) }
      })
      const { y, gradients } = choose(tensor(1, { dtype: 'bool' }), x)
      expect(distance(y, one(x))).toBe(0)
      expect(gradients[2].abs().max().itemSync()).toBe(0)
    })
  })

  describe('a softmax as a tree', () => {
    it.each([2, 3, 7, 16, 33])('R33: of %d classes has probabilities that sum to 1, the same one by one', (classes) => {
      const head = nn.hierarchicalSoftmax(4, classes, { dtype })
      const x = input([5, 4])
      const all = head(x)
      expect(distance(all.exp().sum(-1), all.exp().sum(-1).mul(0).add(1))).toBeLessThan(1e-12)
      const targets = iota([5], 0).remainder(classes)
      const own = all.mul(oneHot(targets, classes, dtype)).sum(-1)
      expect(distance(head.run(x, targets), own)).toBeLessThan(1e-12)
      const [a] = grad(head.run(x, targets).sum(), head.parameters())
      const [b] = grad(own.sum(), head.parameters())
      expect(distance(a, b)).toBeLessThan(1e-12)
    })

    it('R33: asks for 16 scalar products where a softmax of 2¹⁶ classes asks for 65 536', () => {
      const head = nn.hierarchicalSoftmax(1, 2 ** 16)
      const x = tensor([[0.5]])
      const flops = (y: Tensor): number =>
        topologicalOrder([y.node], () => false).reduce((n, node) => n + contractionFlops(node), 0)
      const one = head.run(x, tensor([77], { dtype: 'int32' }))
      expect(flops(one)).toBe(2 * 16)
      expect(flops(head(x))).toBe(2 * 65_535)
      expect(one.itemSync()).toBeLessThan(0)
    })
  })

  describe('promises for random parameters', () => {
    const pairs = [input([200, 3], 7), input([200, 3], 8)] as const

    it('monotone', () => {
      const net = nn.sequential(nn.monotoneLinear(3, 8, { dtype }), nn.tanh(), nn.monotoneLinear(8, 2, { dtype }))
      const [x, step] = pairs
      expect(net(x.add(step.abs())).less(net(x)).any().itemSync()).toBe(0)
    })

    it('convex', () => {
      const net = nn.inputConvex(3, [8, 8], 1, { dtype })
      const [a, b] = pairs
      for (const t of [0.1, 0.5, 0.9]) {
        const between = net(a.mul(t).add(b.mul(1 - t)))
        expect(
          between
            .greater(
              net(a)
                .mul(t)
                .add(net(b).mul(1 - t))
                .add(1e-12),
            )
            .any()
            .itemSync(),
        ).toBe(0)
      }
    })

    it('orthogonal: WᵀW = I', () => {
      const w = nn.orthogonal(7, { dtype })(eye(7, 7, dtype))
      expect(distance(w.transpose().matmul(w), eye(7, 7, dtype))).toBeLessThan(1e-13)
    })

    it('blind to order', () => {
      const net = nn.deepSet(nn.sequential(nn.linear(3, 8, { dtype }), nn.tanh()), nn.linear(8, 2, { dtype }))
      const x = pairs[0].reshape([20, 10, 3])
      expect(distance(net(x), net(x.flip(1)))).toBeLessThan(1e-13)
    })
  })
})

it.each([
  nn.hierarchicalSoftmax(3, 5),
  nn.monotoneLinear(3, 2),
  nn.inputConvex(3, [4, 5], 2),
  nn.orthogonal(3, { reflections: 2 }),
  nn.deepSet(nn.linear(3, 4), nn.linear(4, 2)),
])('$kind comes back from its configuration', (module: nn.Module) => {
  const again = nn.fromConfig(JSON.parse(JSON.stringify(module.config)))
  expect(again.config).toEqual(module.config)
  again.loadState(module.state())
  const x = random.normal([2, 3], { key: random.key(1) })
  expect(distance(again(x), module(x))).toBe(0)
})

it('refusals', () => {
  expect(() => f.gumbelSoftmax(tensor([1, 2]), { temperature: 0 })).toThrow(/temperature is 0/)
  expect(() => nn.hierarchicalSoftmax(3, 1)).toThrow(/classes is 1/)
  expect(() => nn.hierarchicalSoftmax(3, 4).run(tensor([[1, 2, 3]]), tensor([1, 2]))).toThrow(/int32 \[\.\.\.\]/)
  expect(() => nn.orthogonal(3, { reflections: 0 })).toThrow(/reflections is 0/)
  expect(() => nn.inputConvex(3, [0], 1)).toThrow(/hidden is 0/)
})
