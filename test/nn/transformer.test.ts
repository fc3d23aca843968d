/** Attention and transformer blocks: masks, shared keys, rotary positions, kept keys, decoders, names. */

import { describe, expect, it } from 'vitest'
import * as nn from '../../src/nn/index.ts'
import { compile, concat, grad, random, type Tensor, tensor, withTraining, zeros } from '../../src/tensor/index.ts'
import { forEachEngine } from '../support/backends.ts'
import { casesOf } from '../support/reference.ts'

const dtype = 'float64'
const input = (shape: readonly number[], seed = 1): Tensor => random.normal(shape, { key: random.key(seed), dtype })
const distance = (a: Tensor, b: Tensor): number => a.sub(b).abs().max().itemSync()

forEachEngine(() => {
  describe('attention', () => {
    it('of a padded batch is that of the sequence alone', () => {
      const layer = nn.attention(8, { heads: 2, dtype })
      const x = input([2, 5, 8])
      const present = tensor(
        [
          [1, 1, 1, 0, 0],
          [1, 1, 1, 1, 1],
        ],
        { dtype: 'bool' },
      )
      const { output, weights } = layer.run(x, { present })
      const alone = layer(x.slice([0, 1], [0, 3]))
      expect(distance(output.slice([0, 1], [0, 3]), alone)).toBeLessThan(1e-14)
      expect(distance(output.at(1), layer(x).at(1))).toBeLessThan(1e-14)
      expect(weights.slice([0, 1], null, null, [3, 5]).abs().max().itemSync()).toBe(0)
      const toAdd = layer.run(x, { present, mask: zeros([5, 5], dtype) })
      expect(distance(toAdd.output, output)).toBe(0)
    })

    it('of a query that may see nothing is out_proj of 0, with finite gradients', () => {
      const layer = nn.attention(4, { heads: 2, dtype })
      const x = input([1, 3, 4])
      const { output } = layer.run(x, { present: zeros([1, 3], 'bool') })
      expect(distance(output.at(0).at(1), layer.state()['out_proj.bias'])).toBe(0)
      for (const g of grad(output.sum(), layer.parameters())) expect(g.isFinite().all().itemSync()).toBe(1)
    })

    it('with as many heads of keys is the plain one, with fewer it shares them', () => {
      const shared = nn.attention(8, { heads: 4, keyHeads: 2, dtype })
      expect(shared.state().in_proj_weight.shape).toEqual([16, 8])
      const x = input([2, 3, 8])
      // The same as four heads whose keys and values are copies.
      const [q, k, v] = [
        [0, 8],
        [8, 12],
        [12, 16],
      ].map(([a, b]) => shared.state().in_proj_weight.slice([a, b]))
      const twice = (w: Tensor): Tensor => w.reshape([2, 1, 2, 8]).broadcastTo([2, 2, 2, 8]).reshape([8, 8])
      const { in_proj_weight: _, in_proj_bias: __, ...rest } = shared.state()
      const whole = nn
        .attention(8, { heads: 4, dtype })
        .with({ ...rest, in_proj_weight: concat([q, twice(k), twice(v)]) })
      expect(distance(shared(x), whole(x))).toBeLessThan(1e-14)
      expect(distance(shared(x), shared.run(x, { key: x }).output)).toBeLessThan(1e-14)
    })

    it('with rotary positions depends on distances alone', () => {
      const x = input([6, 4])
      const scores = (offset: number): Tensor => {
        const turned = nn.functional.rotary(x, { offset })
        return turned.matmul(turned.transpose())
      }
      expect(distance(scores(0), scores(13))).toBeLessThan(1e-12)
      expect(distance(nn.functional.rotary(x).at(0), x.at(0))).toBe(0)
    })

    it('gives the whole sequence position by position with kept keys', () => {
      const layer = nn.attention(8, { heads: 4, keyHeads: 2, causal: true, rotary: true, dtype })
      const x = input([2, 5, 8])
      let cache: nn.AttentionCache | undefined
      const outputs = [
        [0, 2],
        [2, 3],
        [3, 5],
      ].map(([from, to]) => {
        const result = layer.run(x.slice(null, [from, to]), { cache })
        cache = result.cache
        return result.output
      })
      expect(distance(concat(outputs, 1), layer(x))).toBeLessThan(1e-14)
    })
  })

  describe('a decoder', () => {
    it.each([true, false])('sees no later inputs, and its memory (normFirst %s)', (normFirst) => {
      const net = nn.transformerDecoder(8, { layers: 2, heads: 2, feed: 12, normFirst, dtype })
      const [x, memory] = [input([2, 4, 8]), input([2, 3, 8], 2)]
      const changed = concat([x.slice(null, [0, 3]), x.slice(null, [3, 4]).mul(2)], 1)
      // One program for both
      for (const input of [x, changed]) input.dataSync()
      const [y, z] = [net.run(x, memory), net.run(changed, memory)]
      for (const output of [y, z]) output.dataSync()
      expect(distance(y.slice(null, [0, 3]), z.slice(null, [0, 3]))).toBe(0)
      expect(distance(y, z)).toBeGreaterThan(1e-2)
      expect(distance(y, net.run(x, memory.mul(2)))).toBeGreaterThan(1e-3)
      const memoryPresent = tensor(
        [
          [1, 1, 0],
          [1, 1, 0],
        ],
        { dtype: 'bool' },
      )
      expect(distance(net.run(x, memory, { memoryPresent }), net.run(x, memory.slice(null, [0, 2])))).toBeLessThan(
        1e-14,
      )
    })

    it('is its formula, written out', () => {
      const layer = nn.transformerDecoderLayer(4, { heads: 2, feed: 6, dtype })
      const [x, memory] = [input([1, 3, 4]), input([1, 2, 4], 2)]
      const own = layer.state()
      const f = nn.functional
      const attend = (name: string, query: Tensor, key: Tensor, causal: boolean): Tensor => {
        const [q, k, v] = [query, key, key].map((z, i) =>
          f.splitHeads(
            f.linear(
              z,
              own[`${name}.in_proj_weight`].slice([4 * i, 4 * i + 4]),
              own[`${name}.in_proj_bias`].slice([4 * i, 4 * i + 4]),
            ),
            2,
          ),
        )
        const y = f.joinHeads(f.scaledDotProductAttention(q, k, v, { causal }))
        return f.linear(y, own[`${name}.out_proj.weight`], own[`${name}.out_proj.bias`])
      }
      const norm = (z: Tensor): Tensor => f.layerNorm(z, [4])
      const a = norm(x.add(attend('self_attn', x, x, true)))
      const b = norm(a.add(attend('multihead_attn', a, memory, false)))
      const hidden = f.linear(b, own['linear1.weight'], own['linear1.bias']).relu()
      const c = norm(b.add(f.linear(hidden, own['linear2.weight'], own['linear2.bias'])))
      expect(distance(layer.run(x, memory), c)).toBeLessThan(1e-14)
    })
  })

  it('an encoder with dropout trains in a compiled step', () => {
    const net = nn.transformerEncoder(8, { layers: 2, heads: 2, dropout: 0.2, normFirst: true, causal: true, dtype })
    const x = input([2, 3, 8])
    const step = compile((x: Tensor) => grad(net(x).square().mean(), net.parameters()))
    for (const g of withTraining(true, () => step(x))) expect(g.isFinite().all().itemSync()).toBe(1)
    expect(distance(net(x), net(x))).toBe(0)
    withTraining(true, () => expect(distance(net(x), net(x))).toBeGreaterThan(0))
  })
})

it('names are PyTorch’s, in its order', () => {
  const names = casesOf('module').get('transformer_encoder_layer_prenormFalse_relu')?.attrs.params
  expect(Object.keys(nn.transformerEncoderLayer(8, { heads: 2 }).state())).toEqual(names)
  const stack = Object.keys(nn.transformerDecoder(8, { heads: 2, layers: 2, norm: true }).state())
  expect(stack).toContain('layers.1.multihead_attn.in_proj_weight')
  expect(stack.at(-1)).toBe('norm.bias')
})

it.each([
  nn.attention(8, { heads: 4, keyHeads: 2, causal: true, rotary: true, dropout: 0.1, bias: false }),
  nn.transformerEncoderLayer(8, {
    heads: 2,
    feed: 5,
    activation: 'gelu',
    normFirst: true,
    causal: true,
    epsilon: 1e-3,
  }),
  nn.transformerDecoderLayer(8, { heads: 2, causal: false, dropout: 0.1 }),
  nn.transformerEncoder(8, { heads: 2, layers: 2, normFirst: true, norm: false }),
  nn.transformerDecoder(8, { heads: 2, layers: 1, dtype: 'float64' }),
])('$kind comes back from its configuration', (module: nn.Module) => {
  const again = nn.fromConfig(JSON.parse(JSON.stringify(module.config)))
  expect(again.config).toEqual(module.config)
  again.loadState(module.state())
  const x = random.normal([2, 3, 8], { key: random.key(3), dtype: module.parameters()[0].dtype as 'float32' })
  expect(distance(again(x), module(x))).toBe(0)
  const summary = module.summary([2, 3, 8])
  expect(summary.parameters).toBe(module.parameters().reduce((n, p) => n + p.size, 0))
  // Nothing is counted in a part that is not in the whole.
  expect(Math.min(...summary.rows.map((row) => row.flops))).toBeGreaterThanOrEqual(0)
})

it('mistakes are told with path and shapes', () => {
  expect(() => nn.attention(8, { heads: 4, keyHeads: 3 })).toThrow(/4 heads do not divide into 3/)
  expect(() => nn.attention(6, { heads: 2, rotary: true })).toThrow(/width 3/)
  expect(() => nn.transformerEncoder(8, { heads: 2, layers: 0 })).toThrow(/layers is 0/)
  const net = nn.transformerDecoder(8, { heads: 2, layers: 2 })
  expect(() => net.run(zeros([2, 3, 8]), zeros([2, 3, 7]))).toThrow(/net\.layers\.0\.multihead_attn.*\[2, 3, 7\]/)
  expect(() => nn.attention(8, { heads: 2 }).run(zeros([2, 3, 8]), { present: zeros([2, 4], 'bool') })).toThrow(
    /bool \[\.\.\., 3\]/,
  )
})
