/** Rows 102 to 107: multiplicative interactions, and attention, metrics, gating and hypernetworks as such. */

import { expect, it } from 'vitest'
import * as loss from '../../src/loss/index.ts'
import * as nn from '../../src/nn/index.ts'
import { einsum, eye, grad, random, type Tensor, zeros } from '../../src/tensor/index.ts'
import { forEachBackend } from '../support/backends.ts'
import { expectClose } from '../support/close.ts'

const draw = (seed: number, ...shape: number[]): Tensor =>
  random.normal(shape, { key: random.key(seed), dtype: 'float64' })

/** y = zᵀWx + zᵀU + Vx + b for W [m, n, k], U [m, k], V [n, k], b [k]. */
const interaction = (x: Tensor, z: Tensor, w: Tensor, u: Tensor, v: Tensor, b: Tensor): Tensor =>
  einsum('bm,mnk,bn->bk', z, w, x).add(z.matmul(u)).add(x.matmul(v)).add(b)

forEachBackend(() => {
  const [x, z] = [draw(1, 7, 4), draw(2, 7, 3)]
  const [w, u, v, b] = [draw(3, 3, 4, 5), draw(4, 3, 5), draw(5, 4, 5), draw(6, 5)]

  it('R102: with W = 1 the block is the inner product, everywhere', () => {
    const far = draw(8, 7, 4).mul(1e3)
    const identity = eye(4, 4, 'float64').unsqueeze(2)
    expectClose(einsum('bm,mnk,bn->bk', far, identity, x).squeeze(1), far.mul(x).sum(1), 1e-12)
  })

  it('R103: without W it is concatenation and a linear layer; its gradients are those of the row', () => {
    const none = zeros([3, 4, 5], 'float64')
    expectClose(interaction(x, z, none, u, v, b), z.matmul(u).add(x.matmul(v)).add(b), 0)
    const g = draw(9, 7, 5)
    const [dx, dz, dw] = grad(interaction(x, z, w, u, v, b).mul(g).sum(), [x, z, w])
    expectClose(dx, einsum('bm,mnk,bk->bn', z, w, g).add(g.matmul(v.transpose())), 1e-12)
    expectClose(dz, einsum('mnk,bn,bk->bm', w, x, g).add(g.matmul(u.transpose())), 1e-12)
    expectClose(dw, einsum('bm,bn,bk->mnk', z, x, g), 1e-12)
  })

  it('R104: the logits of attention are a bilinear form', () => {
    const [wq, wk, from, to] = [draw(10, 4, 6), draw(11, 4, 6), draw(12, 5, 4), draw(13, 8, 4)]
    const logits = from.matmul(wq).matmul(to.matmul(wk).transpose())
    expectClose(logits, einsum('im,mn,jn->ij', from, wq.matmul(wk.transpose()), to), 1e-12)
  })

  it('R105: a Mahalanobis distance with M = 1 is Euclid’s', () => {
    const other = draw(14, 7, 4)
    const difference = x.sub(other)
    const squared = einsum('bm,mn,bn->b', difference, eye(4, 4, 'float64'), difference)
    expectClose(squared.sqrt(), loss.pairwiseDistance(x, other, { epsilon: 0 }), 1e-12)
    const learned = nn.mahalanobis(4, { dtype: 'float64' })
    expectClose(learned.run(x, other), squared, 1e-12)
    // With any L it is Euclid's distance after L, and its matrix is LᵀL.
    const weight = draw(15, 2, 4)
    const low = nn.mahalanobis(4, { rank: 2, dtype: 'float64' }).with({ weight })
    expectClose(low.run(x, other), loss.pairwiseDistance(low(x), low(other), { epsilon: 0 }).square(), 1e-12)
    expectClose(
      low.run(x, other),
      einsum('bm,mn,bn->b', difference, weight.transpose().matmul(weight), difference),
      1e-12,
    )
  })

  it('R106: a highway whose gate is at −10 is the identity to 5e-5; FiLM is a diagonal interaction', () => {
    const gate = zeros([7, 4], 'float64').sub(10).sigmoid()
    const highway = gate.mul(x.tanh()).add(gate.neg().add(1).mul(x))
    expect(highway.sub(x).abs().div(x.abs().add(1)).max().itemSync()).toBeLessThan(5e-5)
    const [scale, shift] = [draw(15, 3, 4), draw(16, 3, 4)]
    const film = z.matmul(scale).mul(x).add(z.matmul(shift))
    const diagonal = einsum('mn,nk->mnk', scale, eye(4, 4, 'float64'))
    expectClose(film, interaction(x, z, diagonal, shift, zeros([4, 4], 'float64'), zeros([4], 'float64')), 1e-12)
  })

  it('R107: a layer whose weights a linear network makes is a multiplicative interaction', () => {
    const layer = nn.linear(4, 5)
    const made = [...Array(7).keys()].map((i) => {
      const code = z.at(i)
      const weight = einsum('m,mnk->kn', code, w).add(v.transpose())
      return layer.with({ weight, bias: code.matmul(u).add(b) })(x.slice([i, i + 1]))
    })
    const all = interaction(x, z, w, u, v, b)
    for (const [i, y] of made.entries()) expectClose(y, all.slice([i, i + 1]), 1e-12)
  })
})
