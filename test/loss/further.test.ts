/** Losses beyond the fixture: closed forms, agreement with each other, and what they refuse. */

import { describe, expect, it } from 'vitest'
import * as loss from '../../src/loss/index.ts'
import { grad, random, tensor } from '../../src/tensor/index.ts'
import { forEachBackend } from '../support/backends.ts'

forEachBackend(() => {
  describe('focal loss', () => {
    const logits = tensor([-1000, -5, 0, 2, 1000])
    const targets = tensor([1, 0, 1, 1, 0])
    it('without focus is the cross entropy', () => {
      const focal = loss.sigmoidFocal(logits, targets, { gamma: 0, reduction: 'none' }).arraySync() as number[]
      const entropy = loss.sigmoidBinaryCrossEntropy(logits, targets, { reduction: 'none' }).arraySync() as number[]
      focal.forEach((f, i) => {
        expect(f).toBeCloseTo(entropy[i], 5)
      })
    })
    it('at even odds is a quarter of ln 2, and finite everywhere with its gradient', () => {
      expect(loss.sigmoidFocal(tensor([0]), tensor([1])).itemSync()).toBeCloseTo(Math.LN2 / 4, 6)
      expect(loss.sigmoidFocal(tensor([0]), tensor([0]), { alpha: 0.25 }).itemSync()).toBeCloseTo(
        (0.75 * Math.LN2) / 4,
        6,
      )
      for (const gamma of [0, 0.5, 2])
        expect(
          grad(loss.sigmoidFocal(logits, targets, { gamma }), logits)
            .isFinite()
            .all()
            .itemSync(),
        ).toBe(1)
    })
  })
  it('InfoNCE of equal rows is log n, of orthogonal ones nearly 0 at a low temperature', () => {
    const equal = tensor([
      [1, 2],
      [1, 2],
      [1, 2],
    ])
    expect(loss.infoNce(equal, equal).itemSync()).toBeCloseTo(Math.log(3), 6)
    const apart = tensor([
      [5, 0],
      [0, 1],
    ])
    expect(loss.infoNce(apart, apart, { temperature: 0.05, symmetric: true }).itemSync()).toBeLessThan(1e-6)
  })
  it('contrastive: half the squared distance, or half the squared violation', () => {
    const [x, y] = [
      tensor([
        [0, 0],
        [0, 0],
      ]),
      tensor([
        [3, 4],
        [0, 0.25],
      ]),
    ]
    const found = loss.contrastive(x, y, tensor([1, 0]), { reduction: 'none' }).arraySync() as number[]
    expect(found[0]).toBeCloseTo(12.5, 4)
    expect(found[1]).toBeCloseTo(0.75 ** 2 / 2, 4)
  })
  it('hinge and its smooth form', () => {
    const [y, t] = [tensor([2, 0.5, -1]), tensor([1, 1, 1])]
    expect(loss.hinge(y, t, { reduction: 'none' }).arraySync()).toEqual([0, 0.5, 2])
    expect(loss.softMargin(tensor([-1000]), tensor([1])).itemSync()).toBe(1000)
  })
  it('the divergence from itself is 0, also with impossible classes', () => {
    const p = tensor([[0.5, 0.5, 0]])
    expect(loss.klDivergence(tensor([[Math.log(0.5), Math.log(0.5), -50]]), p).itemSync()).toBeCloseTo(0, 6)
    const logs = random.normal([3, 4], { key: random.key(1) }).logSoftmax()
    expect(loss.klDivergence(logs, logs, { logTargets: true }).itemSync()).toBe(0)
  })
  it('Poisson: Stirling, rates and their logarithms', () => {
    const [rate, t] = [tensor([2.5]), tensor([4])]
    const stirling = 4 * Math.log(4) - 4 + 0.5 * Math.log(8 * Math.PI)
    expect(loss.poissonNll(rate.log(), t, { full: true }).itemSync()).toBeCloseTo(2.5 - 4 * Math.log(2.5) + stirling, 4)
    expect(loss.poissonNll(rate, t, { logInput: false }).itemSync()).toBeCloseTo(2.5 - 4 * Math.log(2.5), 5)
  })
  it('multilabelMargin: the example of PyTorch’s documentation, and a row without labels', () => {
    const scores = tensor([[0.1, 0.2, 0.4, 0.8]])
    const labels = tensor(Int32Array.of(3, 0, -1, 1), { shape: [1, 4] })
    // ((1 − (0.1 − 0.2)) + (1 − (0.1 − 0.4)) + (1 − (0.8 − 0.2)) + (1 − (0.8 − 0.4))) / 4
    expect(loss.multilabelMargin(scores, labels).itemSync()).toBeCloseTo(0.85, 6)
    expect(loss.multilabelMargin(scores, tensor(Int32Array.of(-1, 3, 0, 1), { shape: [1, 4] })).itemSync()).toBe(0)
  })

  it('klDivergence: what cannot happen adds nothing, nor spoils gradients', () => {
    const [log, t] = [tensor([[-Infinity, 0, 1]]).logSoftmax(), tensor([[0, 0.5, 0.5]])]
    const expected = 2 * 0.5 * Math.log(0.5) - 0.5 * -1.3132616875 - 0.5 * -0.3132616875
    for (const [targets, options] of [
      [t, {}],
      [t.log(), { logTargets: true }],
    ] as const) {
      const value = loss.klDivergence(log, targets, options)
      expect(value.itemSync()).toBeCloseTo(expected, 6)
      const slopes = grad(value, [log, targets])
      expect([...slopes[0].dataSync()].map((v) => v + 0)).toEqual([0, -0.5, -0.5])
      if ('logTargets' in options) expect(slopes[1].isFinite().all().itemSync()).toBe(1)
    }
  })

  it('smoothL1 is huber over its delta, and l1 at 0', () => {
    const [y, t] = [tensor([-3, -0.2, 0, 0.4, 5]), tensor([0, 0, 0, 0.1, 0])]
    for (const beta of [0.25, 1, 3])
      expect(loss.smoothL1(y, t, { beta }).itemSync()).toBeCloseTo(
        loss.huber(y, t, { delta: beta }).itemSync() / beta,
        6,
      )
    expect(loss.smoothL1(y, t, { beta: 0 }).itemSync()).toBe(loss.l1(y, t).itemSync())
  })

  it('triplet: swap takes the nearer of the two', () => {
    const [a, p, n] = [tensor([[0, 0]]), tensor([[2, 0]]), tensor([[3, 0]])]
    expect(loss.triplet(a, p, n).itemSync()).toBeCloseTo(0, 4)
    expect(loss.triplet(a, p, n, { swap: true }).itemSync()).toBeCloseTo(2, 4)
  })
  it('distances of equal rows have a gradient of 0', () => {
    const x = tensor([
      [1, 2],
      [3, 4],
    ])
    expect(grad(loss.distances(x, x).sum(), x).isFinite().all().itemSync()).toBe(1)
    expect(loss.cosineSimilarity(tensor([0, 0]), tensor([1, 2])).itemSync()).toBe(0)
  })
  it.each([
    [() => loss.hinge(tensor([1]), tensor([[1]])), 'hinge: [1] and [1, 1] differ: reshape one of them'],
    [() => loss.klDivergence(tensor([[1]]), tensor([1])), 'klDivergence: predictions [1, 1] and targets [1] differ'],
    [() => loss.infoNce(tensor([[1]]), tensor([[1]]), { temperature: 0 }), 'infoNce: temperature is 0'],
    [() => loss.infoNce(tensor([1]), tensor([1])), 'infoNce: queries [1] and keys [1]: both must be [n, d]'],
    [() => loss.distances(tensor([[1, 2]]), tensor([[1]])), 'distances: [1, 2] and [1, 1]'],
    [
      () => loss.multiMargin(tensor([[1, 2]]), tensor([[0]], { dtype: 'int32' })),
      'multiMargin: scores [1, 2] and labels [1, 1]',
    ],
    [
      () => loss.sparsemaxLoss(tensor([1, 2]), tensor([0], { dtype: 'int32' })),
      'sparsemaxLoss: scores [2] and labels [1]',
    ],
    [
      () => loss.contrastive(tensor([[1]]), tensor([[1]]), tensor([[1]])),
      'contrastive: [1, 1], [1, 1] and targets [1, 1]',
    ],
  ])('refuses %s', (f, message) => {
    expect(f).toThrow(message)
  })
})
