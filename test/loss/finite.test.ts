/** Every loss and its gradient is finite wherever its mathematics is, up to ±1e4; where it cannot be, and why. */

import { expect, it } from 'vitest'
import * as loss from '../../src/loss/index.ts'
import { grad, random, type Tensor, tensor } from '../../src/tensor/index.ts'
import { forEachEngine } from '../support/backends.ts'

interface Entry {
  readonly f: (x: Tensor) => Tensor
  /** Where it is defined, if not everywhere. */
  readonly domain?: (x: number) => boolean
  /** Rows at which it cannot be finite, and why. */
  readonly infinite?: { readonly at: number; readonly why: string }
}

const each = { reduction: 'none' } as const
const rows: readonly (readonly number[])[] = [
  [0, 0, 0],
  [1, 1, 1],
  [1e4, 1e4, 1e4],
  [-1e4, -1e4, -1e4],
  [1e4, -1e4, 0],
  [-100, 100, 1],
]
const labels = (x: Tensor): Tensor => tensor(Int32Array.from({ length: x.shape[0] as number }, (_, i) => i % 3))
const like = (x: Tensor, value: number): Tensor => x.mul(0).add(value)
const ofRows = (x: Tensor, value: number): Tensor => x.sum(1).mul(0).add(value)
const pair = (f: (x: Tensor, t: Tensor) => Tensor, target = 1): Entry => ({ f: (x) => f(x, like(x, target)) })

const table: { readonly [name in keyof typeof loss]: Entry | readonly Entry[] } = {
  softmaxCrossEntropy: [
    { f: (x) => loss.softmaxCrossEntropy(x, labels(x), each) },
    { f: (x) => loss.softmaxCrossEntropy(x, like(x, 1 / 3), { ...each, labelSmoothing: 0.1 }) },
  ],
  nll: { f: (x) => loss.nll(x.logSoftmax(), labels(x), each) },
  sigmoidBinaryCrossEntropy: [0, 0.3, 1].map((t) => pair((x, u) => loss.sigmoidBinaryCrossEntropy(x, u, each), t)),
  binaryCrossEntropy: [0, 0.3, 1].map((t) => ({
    ...pair((x, u) => loss.binaryCrossEntropy(x, u, each), t),
    domain: (p) => p >= 0 && p <= 1,
  })),
  mse: pair((x, t) => loss.mse(x, t, each)),
  l1: pair((x, t) => loss.l1(x, t, each)),
  smoothL1: [0.5, 0].map((beta) => pair((x, t) => loss.smoothL1(x, t, { ...each, beta }))),
  huber: pair((x, t) => loss.huber(x, t, each)),
  klDivergence: [
    pair((x, t) => loss.klDivergence(x, t, each), 0),
    pair((x, t) => loss.klDivergence(x, t, { ...each, logTargets: true }), -1e4),
  ],
  poissonNll: [
    { ...pair((x, t) => loss.poissonNll(x, t, each)), infinite: { at: 100, why: 'a rate of e¹⁰⁰ is beyond 3.4e38' } },
    {
      ...pair((x, t) => loss.poissonNll(x, t, { ...each, logInput: false, full: true }), 3),
      domain: (rate) => rate >= 0,
    },
  ],
  gaussianNll: [
    { f: (x) => loss.gaussianNll(x, like(x, 0), like(x, 0), each) },
    { f: (variance) => loss.gaussianNll(like(variance, 1), like(variance, 0), variance, each), domain: (v) => v >= 0 },
  ],
  sigmoidFocal: [0, 1].map((t) => pair((x, u) => loss.sigmoidFocal(x, u, { ...each, alpha: 0.25 }), t)),
  hinge: pair((x, t) => loss.hinge(x, t, each), -1),
  softMargin: pair((x, t) => loss.softMargin(x, t, each), -1),
  hingeEmbedding: pair((x, t) => loss.hingeEmbedding(x, t, each), -1),
  marginRanking: { f: (x) => loss.marginRanking(x, like(x, 0), like(x, -1), each) },
  cosineEmbedding: [1, -1].map((t) => ({ f: (x) => loss.cosineEmbedding(x, like(x, 2), ofRows(x, t), each) })),
  triplet: [
    { f: (x) => loss.triplet(x, like(x, 0), like(x, 1), each) },
    { f: (x) => loss.triplet(x, x, x, { ...each, swap: true }) },
  ],
  multiMargin: [1, 2].map((p) => ({ f: (x) => loss.multiMargin(x, labels(x), { ...each, p: p as 1 | 2 }) })),
  multilabelMargin: { f: (x) => loss.multilabelMargin(x, x.mul(0).cast('int32'), each) },
  multilabelSoftMargin: pair((x, t) => loss.multilabelSoftMargin(x, t, each)),
  contrastive: [0, 1].map((t) => ({ f: (x) => loss.contrastive(x, like(x, 0), ofRows(x, t), each) })),
  infoNce: { f: (x) => loss.infoNce(x, x.mul(2).add(1), { ...each, symmetric: true }) },
  ctc: {
    f: (x) => {
      const times = x
        .unsqueeze(0)
        .broadcastTo([3, x.shape[0] as number, 3])
        .logSoftmax(-1)
      return loss.ctc(times, labels(x).mul(0).add(1).unsqueeze(1), each)
    },
  },
  sampledSoftmax: {
    f: (x) =>
      loss.sampledSoftmax(x, x.mul(0).add(1), undefined, labels(x), { ...each, samples: 3, key: random.key(1) }),
  },
  sparsemaxLoss: { f: (x) => loss.sparsemaxLoss(x, labels(x), each) },
  cosineSimilarity: { f: (x) => loss.cosineSimilarity(x, like(x, 3)) },
  pairwiseDistance: [
    { f: (x) => loss.pairwiseDistance(x, like(x, 0)) },
    { f: (x) => loss.pairwiseDistance(x, x, { epsilon: 0 }) },
  ],
  distances: [{ f: (x) => loss.distances(x, x) }, { f: (x) => loss.distances(x, x, 1) }],
}

const cases = Object.entries(table).flatMap(([name, entry]) =>
  [entry].flat().map((one, i): [string, Entry] => [i === 0 ? name : `${name}, form ${i + 1}`, one as Entry]),
)

forEachEngine(() => {
  it.each(cases)('%s', (_, { f, domain = () => true, infinite }) => {
    const inside = rows.map((row) => row.filter(domain)).filter((row) => row.length === 3)
    const holds = (row: readonly number[]): boolean => !infinite || row.every((v) => v < infinite.at)
    for (const dtype of ['float32', 'float64'] as const) {
      const x = tensor(
        inside.filter((row) => (dtype === 'float64' ? !infinite || row.every((v) => v < 1e4) : holds(row))),
        { dtype },
      )
      const y = f(x)
      expect([...y.dataSync()].every(Number.isFinite), `value, ${dtype}`).toBe(true)
      expect([...grad(y.sum(), x).dataSync()].every(Number.isFinite), `gradient, ${dtype}`).toBe(true)
    }
    if (!infinite) return
    const there = tensor([[infinite.at, 0, 0]])
    expect([...f(there).dataSync()].every(Number.isFinite)).toBe(false)
  })
})
