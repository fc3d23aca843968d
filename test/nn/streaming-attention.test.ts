/** Attention block by block against its formula with all weights in memory: values, gradients of any order, masks, edges, memory. */

import { describe, expect, it } from 'vitest'
import { compileGraph } from '../../src/compile/index.ts'
import { isOp } from '../../src/graph/node.ts'
import { topologicalOrder } from '../../src/graph/walk.ts'
import type { AttentionOptions } from '../../src/nn/functional/attention.ts'
import { attentionWeights, scaledDotProductAttention } from '../../src/nn/functional/index.ts'
import { streamingAttention } from '../../src/nn/functional/streaming-attention.ts'
import { grad, jvp, ones, random, type Tensor, tensor, vmap, zeros } from '../../src/tensor/index.ts'
import { simplify } from '../../src/transform/simplify.ts'
import { forEachEngine } from '../support/backends.ts'

const input = (shape: readonly number[], seed: number): Tensor =>
  random.normal(shape, { key: random.key(seed), dtype: 'float64' })
const distance = (a: Tensor, b: Tensor): number => a.sub(b).abs().max().itemSync()
const energy = (gradients: readonly Tensor[]): Tensor =>
  gradients.map((g) => g.square().sum()).reduce((a, b) => a.add(b))

const dense = (q: Tensor, k: Tensor, v: Tensor, options: AttentionOptions = {}): Tensor =>
  attentionWeights(q, k, options).matmul(v)

/** Blocks of four of eleven keys: the last one is not full. */
const streamed = (q: Tensor, k: Tensor, v: Tensor, options: AttentionOptions = {}): Tensor =>
  streamingAttention(q, k, v, options, 4)

const [q, k, v] = [input([2, 7, 3], 1), input([2, 11, 3], 2), input([2, 11, 4], 3)]

const cases: { readonly [name: string]: AttentionOptions } = {
  'all keys': {},
  causal: { causal: true },
  'causal, behind kept keys': { causal: true, offset: 3, scale: 0.3 },
  'a mask that leaves some queries nothing': { mask: input([7, 11], 9).greater(0.8) },
  'a mask of keys': { mask: input([11], 7).greater(0) },
  'numbers to add': { mask: input([2, 7, 11], 8) },
  'numbers to add for each key': { mask: input([2, 1, 11], 8), causal: true },
  'numbers to add for each query': { mask: input([7, 1], 8) },
}

/** Cases whose gradients are differentiated again. */
const twice = ['a mask that leaves some queries nothing', 'numbers to add for each key']

forEachEngine(() => {
  describe.each(Object.entries(cases))('%s', (name, options) => {
    const { mask } = options
    const leaves = mask && mask.dtype !== 'bool' ? [q, k, v, mask] : [q, k, v]
    const c = input([2, 7, 4], 4)
    const gradients = (f: typeof dense): Tensor[] => grad(f(q, k, v, options).mul(c).sum(), leaves)

    it('values and gradients are those of the formula', () => {
      expect(distance(streamed(q, k, v, options), dense(q, k, v, options))).toBeLessThan(1e-13)
      const expected = gradients(dense)
      gradients(streamed).forEach((g, i) => {
        expect(distance(g, expected[i])).toBeLessThan(1e-13)
      })
    })

    it.runIf(twice.includes(name))('so are second derivatives', () => {
      const expected = grad(energy(gradients(dense)), leaves)
      grad(energy(gradients(streamed)), leaves).forEach((g, i) => {
        expect(distance(g, expected[i])).toBeLessThan(1e-12)
      })
    })
  })

  it('forward mode and maps over examples go through it', () => {
    const options = { causal: true }
    const tangents = [q, k, v].map((x, i) => input(x.shape, 20 + i)) as [Tensor, Tensor, Tensor]
    const pushed = [dense, streamed].map((f) => jvp((q, k, v) => f(q, k, v, options), [q, k, v], tangents))
    expect(distance(pushed[0][1], pushed[1][1])).toBeLessThan(1e-13)
    const perExample = [dense, streamed].map((f) =>
      vmap((q: Tensor, k: Tensor) => grad(f(q, k, v.at(0), options).square().sum(), k))(q, k),
    )
    expect(distance(perExample[0], perExample[1])).toBeLessThan(1e-13)
    const ofMap = [dense, streamed].map((f) =>
      grad(
        vmap((q: Tensor) => f(q, k.at(0), v.at(0), options))(q)
          .square()
          .sum(),
        q,
      ),
    )
    expect(distance(ofMap[0], ofMap[1])).toBeLessThan(1e-13)
  })

  it('one key of all heads serves many queries, and large scores stay finite', () => {
    const [k1, v1] = [k.at(0), v.at(0)]
    expect(distance(streamed(q, k1, v1), dense(q, k1, v1))).toBeLessThan(1e-13)
    const y = streamed(q.mul(1e4), k.mul(-1e4), v, { causal: true })
    for (const g of [y, ...grad(y.sum(), [q, k, v])]) expect(g.isFinite().all().itemSync()).toBe(1)
    expect(distance(y, dense(q.mul(1e4), k.mul(-1e4), v, { causal: true }))).toBeLessThan(1e-13)
  })

  it('queries that may see nothing give 0, and get no gradient', () => {
    const blind = [{ mask: zeros([7, 11], 'bool') }, { causal: true, offset: -7 }]
    for (const options of blind) {
      const y = streamed(q, k, v, options)
      for (const t of [y, ...grad(y.sum(), [q, k, v])]) expect(t.abs().max().itemSync()).toBe(0)
    }
  })

  it('drops the same weights in both passes', () => {
    const bias = zeros([7, 1], 'float64')
    const y = streamed(q, k, v, { dropout: 0.5, mask: bias })
    const c = input(y.shape, 5)
    const [dValue, dBias] = grad(y.mul(c).sum(), [v, bias])
    // Linear in the values, and not changed by a number that is added to all scores of a query.
    expect(distance(dValue.mul(v).sum(), y.mul(c).sum())).toBeLessThan(1e-12)
    expect(dBias.abs().max().itemSync()).toBeLessThan(1e-13)
    expect(distance(y, dense(q, k, v))).toBeGreaterThan(0.1)
    const mean = streamingAttention(zeros([1, 1, 1]), zeros([1, 4096, 1]), ones([1, 4096, 1]), { dropout: 0.25 })
    expect(mean.itemSync()).toBeCloseTo(1, 1)
  })
})

it('a thousand queries of a thousand keys take memory for their sum, not their product', () => {
  const [q, k, v] = [1, 2, 3].map((seed): Tensor => {
    const numbers = random.normal([1024, 4], { key: random.key(seed) }).dataSync()
    return tensor(numbers, { shape: [1024, 4] })
  })
  const y = scaledDotProductAttention(q, k, v, { causal: true })
  expect(distance(y, dense(q, k, v, { causal: true }))).toBeLessThan(1e-5)
  const arenaOf = (y: Tensor): number => {
    const outputs = simplify(grad(y.square().sum(), [q, k, v]).map((g) => g.node))
    const leaves = topologicalOrder(outputs).filter((node) => isOp(node, 'leaf'))
    return compileGraph({ leaves, outputs, aliases: outputs.map(() => -1) }).arenaBytes
  }
  expect(arenaOf(y)).toBeLessThan(arenaOf(dense(q, k, v, { causal: true })) / 2)
})
