// The functions that modules compute, on plain tensors: the public names of `nn.functional`.

export * from '../functional.ts'
export {
  adaptiveAveragePool,
  adaptiveMaxPool,
  globalAveragePool,
  globalMaxPool,
  maxPoolWithIndices,
  maxUnpool,
  powerPool,
} from './adaptive.ts'
export { type GumbelOptions, gumbelSoftmax, scoreFunction, straightThrough } from './choice.ts'
export {
  groupNorm,
  instanceNorm,
  type LocalResponseOptions,
  localResponseNorm,
  normalize,
  rmsNorm,
  weightNorm,
} from './norms.ts'
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
  gridSample,
  type Interpolation,
  type InterpolationOptions,
  interpolate,
  type PatchOptions,
  pixelShuffle,
  pixelUnshuffle,
  unfold,
} from './resample.ts'
export { type TransposedConvolutionOptions, transposedConvolution } from './transposed.ts'
