/** Rows 102 to 107: multiplicative interactions, and attention, metrics, gating and hypernetworks as such. */

import { expect, it } from 'vitest'
import * as loss from '../../src/loss/index.ts'
import * as nn from '../../src/nn/index.ts'
import { concat, einsum, eye, grad, random, type Tensor, tensor, zeros } from '../../src/tensor/index.ts'
import { forEachEngine } from '../support/backends.ts'
import { expectClose } from '../support/close.ts'

const draw = (seed: number, ...shape: number[]): Tensor =>
  random.normal(shape, { key: random.key(seed), dtype: 'float64' })
const options = { dtype: 'float64' } as const

forEachEngine(() => {
  const [x, z] = [draw(1, 7, 4), draw(2, 7, 3)]
  /** W [m, n, k], U [m, k], V as a linear layer's weight [k, n], b [k]. */
  const [w, u, v, b] = [draw(3, 3, 4, 5), draw(4, 3, 5), draw(5, 5, 4), draw(6, 5)]
  const block = nn.multiplicativeInteraction(4, 3, 5, options)
  const full = block.with({ weight: w, weight_z: u, weight_x: v, bias: b })

  it('R102: with W = 1 the block is the inner product, everywhere', () => {
    const inner = nn.multiplicativeInteraction(4, 4, 1, options)
    const exact = inner.with({
      weight: eye(4, 4, 'float64').unsqueeze(2),
      weight_z: zeros([4, 1], 'float64'),
      weight_x: zeros([1, 4], 'float64'),
      bias: zeros([1], 'float64'),
    })
    const [far, other] = [tensor(new Float64Array([1e6, -3, 0.5, 7]), { shape: [1, 4] }), draw(8, 1, 4).round()]
    expect(exact.run(far, other).itemSync()).toBe(far.mul(other).sum().itemSync())
    expectClose(exact.run(x, draw(9, 7, 4)).squeeze(1), x.mul(draw(9, 7, 4)).sum(1), 1e-15)
  })

  it('R103: without W it is concatenation and a linear layer; its gradients and parameters are those of the row', () => {
    const plain = full.with({ weight: zeros([3, 4, 5], 'float64') })
    expectClose(plain.run(x, z), z.matmul(u).add(x.matmul(v.transpose())).add(b), 1e-15)
    const y = full.run(x, z)
    expectClose(y, einsum('bm,mnk,bn->bk', z, w, x).add(plain.run(x, z)), 1e-12)
    const g = draw(9, 7, 5)
    const [dx, dz, dw] = grad(y.mul(g).sum(), [x, z, w])
    expectClose(dx, einsum('bm,mnk,bk->bn', z, w, g).add(g.matmul(v)), 1e-12)
    expectClose(dz, einsum('mnk,bn,bk->bm', w, x, g).add(g.matmul(u.transpose())), 1e-12)
    expectClose(dw, einsum('bm,bn,bk->mnk', z, x, g), 1e-12)
    const [m, n, k] = [3, 4, 5]
    expect(block.parameters().reduce((sum, p) => sum + p.size, 0)).toBe(m * n * k + m * k + n * k + k)
  })

  it('R104: the logits of attention are a bilinear form, and the block gives them', () => {
    const [wq, wk, from, to] = [draw(10, 4, 6), draw(11, 4, 6), draw(12, 5, 4), draw(13, 8, 4)]
    const logits = from.matmul(wq).matmul(to.matmul(wk).transpose())
    const form = nn.bilinear(4, 4, 1, { ...options, bias: false })
    const product = form.with({ weight: wq.matmul(wk.transpose()).unsqueeze(0) })
    const pairs = [from.unsqueeze(1).broadcastTo([5, 8, 4]), to.unsqueeze(0).broadcastTo([5, 8, 4])] as const
    expectClose(product.run(...pairs).squeeze(2), logits, 1e-12)
    // With a scale of 1 and values 1 the weights are these logits' softmax.
    expectClose(
      nn.functional.attentionWeights(from.matmul(wq), to.matmul(wk), { scale: 1 }),
      product
        .run(...pairs)
        .squeeze(2)
        .softmax(-1),
      1e-12,
    )
  })

  it('R105: a Mahalanobis distance with M = 1 is Euclid’s, a learned one the length of L(x − z)', () => {
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
    const highway = nn.highway(4, { ...options, gateBias: -10 })
    const closed = highway.with({ 'gate.weight': zeros([4, 4], 'float64') })
    const h = draw(17, 7, 4)
    // What passes of H − x is σ(−10) = 4.54e-5.
    const identity = closed.with({
      'transform.weight': zeros([4, 4], 'float64'),
      'transform.bias': h.at(0).abs(),
    })
    const part = identity(x)
      .sub(x)
      .div(h.at(0).abs().broadcastTo([7, 4]).sub(x))
    expectClose(part, part.mul(0).add(4.5397868702434395e-5), 1e-14)
    const nothing = identity.with({ 'transform.bias': zeros([4], 'float64') })
    expect(nothing(x).div(x).sub(1).abs().max().itemSync()).toBeLessThan(5e-5)

    const film = nn.film(4, 3, options)
    const [scale, shift] = [film.children.scale, film.children.shift].map((child) => child.state())
    const diagonal = nn.multiplicativeInteraction(4, 3, 4, { ...options, form: 'diagonal' })
    const same = diagonal.with({
      weight: scale.weight.transpose(),
      weight_x: scale.bias,
      weight_z: shift.weight.transpose(),
      bias: shift.bias,
    })
    expectClose(film.run(x, z), same.run(x, z), 1e-12)
  })

  it('R107: a layer whose weights a linear network makes is a multiplicative interaction', () => {
    const hyper = nn.hypernetwork(4, 5, nn.linear(3, 25, options) as nn.Module)
    // Row-major: first W(z) [5, 4] = z·W + V, then b(z) = z·U + b.
    const generated = hyper.with({
      'generator.weight': concat([w.permute([2, 1, 0]).reshape([20, 3]), u.transpose()]),
      'generator.bias': concat([v.reshape([20]), b]),
    })
    expectClose(generated.run(x, z), full.run(x, z), 1e-12)
  })
})
