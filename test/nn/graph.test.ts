/** R07 and R54: networks as graphs of named nodes, modules side by side; R11: threshold units. */

import { describe, expect, it } from 'vitest'
import * as loss from '../../src/loss/index.ts'
import * as nn from '../../src/nn/index.ts'
import { checkGradient, grad, random, type Tensor, tensor } from '../../src/tensor/index.ts'
import { forEachEngine } from '../support/backends.ts'

const of = { dtype: 'float64' } as const
const drawn = (seed: number, ...shape: number[]): Tensor => random.normal(shape, { key: random.key(seed), ...of })
const distance = (a: Tensor, b: Tensor): number => a.sub(b).abs().max().itemSync()
const modules = (...list: unknown[]): nn.Module[] => list as nn.Module[]

forEachEngine(() => {
  describe('a graph', () => {
    const [a, b, c] = modules(nn.linear(3, 4, of), nn.linear(4, 4, of), nn.linear(8, 2, of))
    // A diamond, told from its end; b stands at two nodes.
    const diamond = nn.graph({
      nodes: {
        out: { module: c, from: ['left', 'right'], join: 'concat', axis: -1 },
        right: { module: b, from: 'bent' },
        left: { module: b, from: 'start' },
        bent: { module: nn.tanh() as nn.Module, from: 'start' },
        start: { module: a, from: 'x' },
      },
      outputs: ['out', 'left'],
    })
    const byHand = (x: Tensor): Tensor => {
      const start = a(x)
      const [w, bias] = c.parameters() as unknown as [Tensor, Tensor]
      const [left, right] = [b(start), b(start.tanh())]
      // Row by row of the weight: no concat.
      return left
        .matmul(w.slice(null, [0, 4]).transpose())
        .add(right.matmul(w.slice(null, [4, 8]).transpose()))
        .add(bias)
    }

    it('computes what its nodes say, and gradients add up over those who read a node', async () => {
      const x = drawn(1, 5, 3)
      const { out, left } = diamond.run({ x })
      expect(distance(out, byHand(x))).toBeLessThan(1e-12)
      expect(distance(diamond(x), out)).toBe(0)
      expect(distance(left, b(a(x)))).toBe(0)
      const weights = [...diamond.parameters(), x]
      const seeds = drawn(2, 5, 2)
      const expected = grad(byHand(x).mul(seeds).sum(), weights)
      grad(out.mul(seeds).sum(), weights).forEach((g, i) => {
        expect(distance(g, expected[i])).toBeLessThan(1e-12)
      })
      await checkGradient((v: Tensor) => diamond(v), [x], { tolerance: 1e-7 })
    })

    it('counts a module at two nodes once, saved and rebuilt too', () => {
      expect(diamond.parameters().reduce((n, p) => n + p.size, 0)).toBe(16 + 20 + 18)
      const again = nn.fromConfig(JSON.parse(JSON.stringify(diamond.config))) as typeof diamond
      expect(again.config).toEqual(diamond.config)
      expect(again.parameters()).toHaveLength(6)
      again.loadState(diamond.state())
      const x = drawn(3, 2, 3)
      expect(distance(again.run({ x }).out, diamond.run({ x }).out)).toBe(0)
      expect(again.summary([2, 3], of).parameters).toBe(54)
    })

    it('takes several inputs, gives several to a module that runs on them, and refuses what is not there', () => {
      const net = nn.graph({
        inputs: ['image', 'text'],
        nodes: {
          score: { module: nn.bilinear(3, 2, 4, of) as nn.Module, from: ['image', 'text'] },
          gated: { from: ['score', 'score'], join: 'product' },
        },
      })
      const [image, text] = [drawn(1, 5, 3), drawn(2, 5, 2)]
      const score = (net.children.score as unknown as nn.Contextual).run(image, text)
      expect(distance(net.run({ image, text }).gated, score.square())).toBe(0)
      expect(() => net.run({ image })).toThrow(/net \(graph .*run takes the tensors image, text; text missing/)
      expect(() => net.run({ image, text, more: text })).toThrow(/more unknown/)
      expect(() => net.run({ image: text, text })).toThrow(/net\.score .*\[5, 2\]/)
    })
  })

  it('modules side by side: joined, added up, by name; an Inception block', () => {
    const [wide, narrow] = modules(nn.conv2d(2, 3, 3, { padding: 1, ...of }), nn.conv2d(2, 3, 1, of))
    const x = drawn(1, 2, 2, 4, 5)
    const both = nn.parallel({ wide, narrow })
    expect(both(x).shape).toEqual([2, 6, 4, 5])
    expect(distance(both(x).slice(null, [3, 6]), narrow(x))).toBe(0)
    expect(distance(nn.parallel([wide, narrow], { join: 'sum' })(x), wide(x).add(narrow(x)))).toBe(0)
    expect(distance(nn.parallel([wide, narrow], { join: 'product' })(x), wide(x).mul(narrow(x)))).toBe(0)
    const named = both.run(x)
    expect(Object.keys(named)).toEqual(['wide', 'narrow'])
    expect(distance(named.narrow, narrow(x))).toBe(0)
    const again = nn.fromConfig(JSON.parse(JSON.stringify(both.config)))
    again.loadState(both.state())
    expect(distance(again(x), both(x))).toBe(0)
    expect(() => nn.parallel([wide, ...modules(nn.conv2d(2, 3, 2, of))])(x)).toThrow(/concat: .*\[2, 3, 4, 5\]/)
  })

  it('R11: threshold units are gates, and gates make XOR', () => {
    const x = tensor([
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
    ])
    const gates = nn.thresholdUnit(2, 2, { init: nn.init.ones(), biasInit: nn.init.values([-0.5, -1.5]) })
    expect(gates(x).arraySync()).toEqual([
      [0, 0],
      [1, 0],
      [1, 0],
      [1, 1],
    ])
    const last = nn.thresholdUnit(2, 1, { init: nn.init.values([1, -1]), biasInit: nn.init.constant(-0.5) })
    const xor = nn.sequential(gates, last)
    expect([...xor(x).dataSync()]).toEqual([0, 1, 1, 0])
    expect(grad(loss.mse(xor(x), x.sum(1, true)), xor.parameters()).every((g) => !g.any().itemSync())).toBe(true)
  })
})
