// The functions that modules compute, on plain tensors: the public names of `nn.functional`.

export {
  adaptiveAveragePool,
  adaptiveMaxPool,
  globalAveragePool,
  globalMaxPool,
  maxPoolWithIndices,
  maxUnpool,
  powerPool,
} from './adaptive.ts'
export {
  type AttentionOptions,
  attentionWeights,
  joinHeads,
  scaledDotProductAttention,
  splitHeads,
  splitProjections,
} from './attention.ts'
export { type Categorical, categorical } from './categorical.ts'
export { type GumbelOptions, gumbelSoftmax, scoreFunction, straightThrough } from './choice.ts'
export { type ConvolutionOptions, convolution, convolutionPerExample } from './convolution.ts'
export { type Dispatch, dispatch } from './dispatch.ts'
export { dropout } from './dropout.ts'
export { type BagOptions, embedding, embeddingBag } from './embedding.ts'
export { flatten } from './flatten.ts'
export { linear } from './linear.ts'
export {
  affine,
  batchNorm,
  batchNormTraining,
  groupNorm,
  instanceNorm,
  type LocalResponseOptions,
  layerNorm,
  localResponseNorm,
  normalize,
  rmsNorm,
  weightNorm,
} from './norm.ts'
export { type PerAxis, perAxis } from './per-axis.ts'
export { type AveragePoolOptions, averagePool, maxPool, type PoolOptions, poolWindows } from './pool.ts'
export {
  type CellKind,
  type CellWeights,
  cellStep,
  recurrent,
  type SequenceOptions,
  zeroState,
} from './recurrent.ts'
export {
  fold,
  type GridOptions,
  gridSample,
  type Interpolation,
  type InterpolationOptions,
  interpolate,
  type PatchOptions,
  pixelShuffle,
  pixelUnshuffle,
  unfold,
} from './resample.ts'
export { rotary } from './rotary.ts'
export { type TransposedConvolutionOptions, transposedConvolution } from './transposed.ts'
