// Sums over rows of a product become sums over the shorter rows of another one: where that is in the graph anyway, and with the same values.

import { describe, expect, it } from 'vitest'
import type { Node } from '../../src/graph/node.ts'
import { topologicalOrder } from '../../src/graph/walk.ts'
import { scaledDotProductAttention } from '../../src/nn/functional/attention.ts'
import { eye, grad, random, type Tensor, tensor } from '../../src/tensor/index.ts'
import { simplify } from '../../src/transform/simplify.ts'
import { forEachEngine } from '../support/backends.ts'

/** Numbers in memory, not what computes them. */
const draw = (seed: number, ...shape: readonly number[]): Tensor =>
  tensor(random.normal(shape, { key: random.key(seed), dtype: 'float64' }).dataSync(), { shape })

/** How long the rows are that graphs sum products over. */
const rows = (...outputs: readonly Tensor[]): number[] =>
  topologicalOrder(simplify(outputs.map((t) => t.node)))
    .filter((node) => node.op === 'sum' && node.inputs[0]?.op === 'mul')
    .map((node) => (node.inputs[0] as Node).shape.at(-1) as number)

describe('row sums of p · (a bᵀ)', () => {
  const [p, a, b] = [draw(1, 2, 5, 7), draw(2, 2, 5, 3), draw(3, 2, 7, 3)]
  const long = (x: Tensor): Tensor => p.mul(x.matmul(b.transpose())).sum(-1)

  it('go over the columns of a where p b is computed too, whichever factor comes first', () => {
    expect(rows(long(a), p.matmul(b))).toEqual([3])
    expect(rows(a.matmul(b.transpose()).mul(p).sum(-1), p.matmul(b))).toEqual([3])
    const turned = draw(8, 2, 3, 7)
    expect(rows(p.mul(a.matmul(turned)).sum(-1), p.matmul(turned.transpose()))).toEqual([3])
  })

  it('stay where it is not, where a has no fewer columns, and over other axes', () => {
    expect(rows(long(a))).toEqual([7])
    expect(rows(long(a), p.matmul(draw(4, 2, 7, 3)))).toEqual([7])
    const wide = draw(5, 2, 7, 8)
    expect(rows(p.mul(draw(6, 2, 5, 8).matmul(wide.transpose())).sum(-1), p.matmul(wide))).toEqual([7])
    expect(rows(p.mul(a.matmul(b.transpose())).sum(0), p.matmul(b))).toEqual([7])
  })

  it('read a as it lies', () => {
    const lying = draw(7, 5, 2, 3)
    const [sum] = simplify([long(lying.permute([1, 0, 2])), p.matmul(b)].map((t) => t.node))
    expect(sum?.op).toBe('transpose')
    expect(sum?.inputs[0]?.shape).toEqual([5, 2])
  })
})

forEachEngine(() => {
  it('gives the same values, in gradients of attention and of these', () => {
    const [q, k, v, weight] = [1, 2, 3, 4].map((seed) => draw(seed, 2, 9, 4)) as [Tensor, Tensor, Tensor, Tensor]
    const seen = (q: Tensor): Tensor => scaledDotProductAttention(q, k, v, { causal: true })
    const slope = grad(seen(q).mul(weight).sum(), q)
    // Against what the softmax says of its own: dS = P · (dP − Σ P · dP).
    const p = scaledDotProductAttention(q, k, eye(9, 9, 'float64').broadcastTo([2, 9, 9]), { causal: true })
    const dP = weight.matmul(v.transpose())
    const dS = p.mul(dP.sub(p.mul(dP).sum(-1, true)))
    const expected = dS.matmul(k).mul(0.5)
    expect(slope.sub(expected).abs().max().itemSync()).toBeLessThan(1e-12)
    const along = draw(9, 2, 9, 4)
    const slopeAt = (q: Tensor): Tensor => grad(seen(q).mul(weight).sum(), q)
    const curve = grad(slopeAt(q).mul(along).sum(), q)
    const [ahead, behind] = [1e-5, -1e-5].map((t) => slopeAt(q.add(along.mul(t)))) as [Tensor, Tensor]
    expect(curve.sub(ahead.sub(behind).div(2e-5)).abs().max().itemSync()).toBeLessThan(1e-7)
  })
})
