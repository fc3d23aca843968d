// Losses: the public names of `loss`.

export { type BinaryOptions, binaryCrossEntropy, type SigmoidOptions, sigmoidBinaryCrossEntropy } from './binary.ts'
export { type CrossEntropyOptions, type NllOptions, nll, softmaxCrossEntropy } from './classification.ts'
export { type ContrastiveOptions, contrastive, type InfoNceOptions, infoNce } from './contrastive.ts'
export { type CtcOptions, ctc } from './ctc.ts'
export { type CosineOptions, cosineSimilarity, type DistanceOptions, distances, pairwiseDistance } from './distance.ts'
export {
  type DivergenceOptions,
  type FocalOptions,
  type GaussianOptions,
  gaussianNll,
  klDivergence,
  type PoissonOptions,
  poissonNll,
  sigmoidFocal,
} from './distribution.ts'
export {
  cosineEmbedding,
  hinge,
  hingeEmbedding,
  type MarginOptions,
  type MultiMarginOptions,
  marginRanking,
  multilabelMargin,
  multilabelSoftMargin,
  multiMargin,
  softMargin,
  type TripletOptions,
  triplet,
} from './margin.ts'
export type { LossOptions, Reduction } from './reduction.ts'
export { type HuberOptions, huber, l1, mse, type SmoothL1Options, smoothL1 } from './regression.ts'
export { type SampledSoftmaxOptions, sampledSoftmax } from './sampled.ts'
export { sparsemaxLoss } from './sparse.ts'
