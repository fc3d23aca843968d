// Modules: the public names of `nn`.

export { flatten, gelu, relu, sigmoid, softmax, tanh } from './activation.ts'
export {
  type AttentionCache,
  type AttentionInputs,
  type AttentionOptions,
  type AttentionResult,
  attention,
} from './attention.ts'
export { type FromConfig, fromConfig } from './config.ts'
export { residual, sequential } from './container.ts'
export { type Conv2dOptions, conv2d } from './convolution.ts'
export { defineModule } from './define.ts'
export { dropout } from './dropout.ts'
export { type EmbeddingOptions, embedding, positional } from './embedding.ts'
export { ModuleError } from './error.ts'
export * as functional from './functional/index.ts'
export { scaledDotProductAttention } from './functional.ts'
export type { Initializer, Nonlinearity } from './init.ts'
export * as init from './init.ts'
export { type LinearOptions, linear } from './linear.ts'
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
export { type BatchNormOptions, batchNorm, layerNorm, type NormOptions } from './norm.ts'
export { buffer, type ParameterOptions, parameter } from './parameter.ts'
export { type AveragePool2dOptions, averagePool2d, maxPool2d, type Pool2dOptions } from './pool.ts'
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
