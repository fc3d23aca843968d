// Losses: the public names of `loss`.

export { type BinaryOptions, binaryCrossEntropy, type SigmoidOptions, sigmoidBinaryCrossEntropy } from './binary.ts'
export { type CrossEntropyOptions, type NllOptions, nll, softmaxCrossEntropy } from './classification.ts'
export type { LossOptions, Reduction } from './reduction.ts'
export { type HuberOptions, huber, l1, mse } from './regression.ts'
export { sparsemaxLoss } from './sparse.ts'
