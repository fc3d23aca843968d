// Modules: the public names of `nn`.

export {
  celu,
  elu,
  entmax15,
  flatten,
  gelu,
  hardShrink,
  hardSigmoid,
  hardSwish,
  hardTanh,
  identity,
  leakyRelu,
  logSigmoid,
  logSoftmax,
  mish,
  prelu,
  relu,
  relu6,
  rrelu,
  selu,
  sigmoid,
  silu,
  softmax,
  softmin,
  softplus,
  softShrink,
  softSign,
  sparsemax,
  tanh,
  tanhShrink,
  threshold,
} from './activation.ts'
export { type AdaptiveSoftmaxOptions, type AdaptiveSoftmaxResult, adaptiveSoftmax } from './adaptive-softmax.ts'
export {
  type AttentionCache,
  type AttentionInputs,
  type AttentionOptions,
  type AttentionResult,
  attention,
} from './attention.ts'
export { groupNorm, instanceNorm, localResponseNorm, rmsNorm, weightNorm } from './channel-norm.ts'
export { type ConditionalOptions, type ConditionalResult, conditional } from './conditional.ts'
export { fromConfig } from './config.ts'
export { residual, sequential } from './container.ts'
export {
  type Conv2dOptions,
  type ConvolutionLayerOptions,
  conv1d,
  conv2d,
  conv3d,
  convTranspose1d,
  convTranspose2d,
  convTranspose3d,
  type TransposedLayerOptions,
} from './convolution.ts'
export { defineModule } from './define.ts'
export { alphaDropout, dropout, dropPath, spatialDropout } from './dropout.ts'
export { type DynamicConvolutionOptions, dynamicConvolution } from './dynamic.ts'
export {
  type BagInputs,
  type EmbeddingBagOptions,
  type EmbeddingOptions,
  embedding,
  embeddingBag,
  positional,
} from './embedding.ts'
export { ModuleError } from './error.ts'
export { type ExpertsOptions, type ExpertsResult, mixtureOfExperts } from './experts.ts'
export { fold } from './fold.ts'
export { scaledDotProductAttention } from './functional/attention.ts'
export * as functional from './functional/index.ts'
export { glu, type HighwayOptions, highway, type SwiGluOptions, squeezeExcite, swiGlu } from './gating.ts'
export { type GraphNode, type GraphParts, graph } from './graph.ts'
export { deepSet, inputConvex, monotoneLinear, orthogonal } from './guarantee.ts'
export { hierarchicalSoftmax } from './hierarchical.ts'
export type { Initializer, Nonlinearity } from './init.ts'
export * as init from './init.ts'
export { type LinearOptions, linear } from './linear.ts'
export { type MahalanobisOptions, mahalanobis, siamese } from './metric.ts'
export {
  type ArrayRecord,
  type Definition,
  isModule,
  type Json,
  type Module,
  type ModuleConfig,
  type Modules,
  type Running,
  type Summary,
  type SummaryRow,
  type Tensors,
  type Variables,
} from './module.ts'
export {
  bilinear,
  type Contextual,
  film,
  hypernetwork,
  type InteractionOptions,
  multiplicativeInteraction,
} from './multiplicative.ts'
export { type BatchNormOptions, batchNorm, layerNorm, type NormOptions } from './norm.ts'
export type { FromConfig } from './options.ts'
export { type Join, type ParallelOptions, parallel } from './parallel.ts'
export { buffer, type ParameterOptions, parameter } from './parameter.ts'
export {
  type AveragePool2dOptions,
  type AveragePoolLayerOptions,
  adaptiveAveragePool1d,
  adaptiveAveragePool2d,
  adaptiveAveragePool3d,
  adaptiveMaxPool1d,
  adaptiveMaxPool2d,
  adaptiveMaxPool3d,
  averagePool1d,
  averagePool2d,
  averagePool3d,
  globalAveragePool,
  globalMaxPool,
  maxPool1d,
  maxPool2d,
  maxPool3d,
  maxUnpool,
  type Pool2dOptions,
  type PoolLayerOptions,
  powerPool1d,
  powerPool2d,
  powerPool3d,
} from './pool.ts'
export {
  type CellOptions,
  gru,
  gruCell,
  type LstmOptions,
  type LstmState,
  lstm,
  lstmCell,
  type RecurrentOptions,
  type RecurrentResult,
  type RnnCellOptions,
  type RnnOptions,
  type RunOptions,
  rnn,
  rnnCell,
} from './recurrent.ts'
export { pixelShuffle, pixelUnshuffle, upsample } from './resample.ts'
export { type SeparableOptions, separableConv2d } from './separable.ts'
export { thresholdUnit } from './threshold-unit.ts'
export {
  type DecoderMasks,
  type Masks,
  type StackOptions,
  type TransformerOptions,
  transformerDecoder,
  transformerDecoderLayer,
  transformerEncoder,
  transformerEncoderLayer,
} from './transformer.ts'
export { weightNoise } from './weight-noise.ts'
export { type WhiteningOptions, type WhitenOptions, whiten, whitening } from './whitening.ts'
