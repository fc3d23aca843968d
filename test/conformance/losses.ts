/** The losses of the PyTorch fixture, in the library's words. */

import type { Reduction } from '../../src/loss/index.ts'
import * as loss from '../../src/loss/index.ts'
import type { CaseFunction, CaseFunctions } from './check-case.ts'

const crossEntropy: CaseFunction = ([logits, targets, weight], attributes) =>
  loss.softmaxCrossEntropy(logits, targets, {
    reduction: (attributes.reduction ?? 'none') as Reduction,
    labelSmoothing: Number(attributes.label_smoothing ?? 0),
    ...(weight ? { weight } : {}),
    ...(attributes.ignore_index === undefined ? {} : { ignoreIndex: Number(attributes.ignore_index) }),
  })

const binary: CaseFunction = ([logits, targets, posWeight], { reduction }) =>
  loss.sigmoidBinaryCrossEntropy(logits, targets, {
    reduction: (reduction ?? 'none') as Reduction,
    ...(posWeight ? { posWeight } : {}),
  })

const probabilities: CaseFunction = ([p, t], { reduction }) =>
  loss.binaryCrossEntropy(p, t, { reduction: (reduction ?? 'none') as Reduction })

const ctcLoss: CaseFunction = ([scores, labels], a) =>
  loss.ctc(scores.logSoftmax(-1), labels, {
    blank: Number(a.blank),
    inputLengths: a.input_lengths as number[],
    targetLengths: a.target_lengths as number[],
    reduction: String(a.reduction).startsWith('mean') ? 'mean' : 'sum',
  })

export const losses: CaseFunctions = {
  cross_entropy_none: crossEntropy,
  cross_entropy_mean: crossEntropy,
  cross_entropy_sum: crossEntropy,
  cross_entropy_smooth: crossEntropy,
  cross_entropy_weight: crossEntropy,
  cross_entropy_ignore: crossEntropy,
  cross_entropy_prob: crossEntropy,
  cross_entropy_2d: crossEntropy,
  cross_entropy_extreme: crossEntropy,
  nll_loss: ([x, labels]) => loss.nll(x.logSoftmax(1), labels),
  bce: probabilities,
  bce_edges: probabilities,
  bce_logits: binary,
  bce_logits_posw: binary,
  bce_logits_extreme: binary,
  mse_loss: ([x, y]) => loss.mse(x, y),
  l1_loss: ([x, y]) => loss.l1(x, y),
  smooth_l1_loss: ([x, y], { beta }) => loss.smoothL1(x, y, beta === undefined ? {} : { beta: Number(beta) }),
  huber_loss: ([x, y]) => loss.huber(x, y),
  kl_div: ([x, y]) => loss.klDivergence(x, y),
  hinge_embedding: ([x, y]) => loss.hingeEmbedding(x, y),
  margin_ranking: ([x, y, t], a) => loss.marginRanking(x, y, t, { margin: Number(a.margin) }),
  cosine_embedding: ([x, y, t], a) => loss.cosineEmbedding(x, y, t, { margin: Number(a.margin) }),
  triplet_margin: ([x, y, z], a) => loss.triplet(x, y, z, { margin: Number(a.margin) }),
  soft_margin: ([x, y]) => loss.softMargin(x, y),
  multi_margin: ([x, y], a) => loss.multiMargin(x, y, { margin: Number(a.margin) }),
  multilabel_soft_margin: ([x, y]) => loss.multilabelSoftMargin(x, y),
  poisson_nll: ([x, y]) => loss.poissonNll(x, y),
  gaussian_nll: ([x, y, v]) => loss.gaussianNll(x, y, v),
  cosine_similarity: ([x, y], a) => loss.cosineSimilarity(x, y, { axis: Number(a.dim) }),
  pairwise_distance: ([x, y]) => loss.pairwiseDistance(x, y),
  ctc_loss: ctcLoss,
  ctc_loss_sum: ctcLoss,
  cdist: ([x, y]) => loss.distances(x, y),
}
