/** Training: fit, evaluation, prediction, metrics, run folders, saving and loading. */
export type {
  Callbacks,
  Ending,
  EpochRecord,
  LossPoint,
  MetricValues,
  Run,
  StepRecord,
  Training,
} from './callbacks.ts'
export {
  type Divergence,
  DivergenceError,
  type DivergenceOptions,
  divergence,
  stopOnDivergence,
} from './divergence.ts'
export type { Best, EarlyStopping } from './early-stopping.ts'
export { type EvaluateOptions, type Evaluator, evaluate, evaluator, predict } from './evaluate.ts'
export { findLearningRate, type RateFinderOptions, type RateFinding, type RatePoint } from './find-rate.ts'
export { fit } from './fit.ts'
export type { FitOptions } from './fit-options.ts'
export {
  accuracy,
  brier,
  calibration,
  confusionMatrix,
  type Loss,
  type Metric,
  type Metrics,
  meanAbsoluteError,
  meanLoss,
  meanProbability,
  perplexity,
  type Reliability,
  topK,
  type Values,
} from './metrics.ts'
export {
  decodeSafetensors,
  encodeSafetensors,
  type NamedArray,
  type SafetensorsFile,
  type StoredTensor,
} from './safetensors.ts'
export { load, save } from './save.ts'
export { type Grid, type Setting, type SettingValue, type SweepOptions, sweep, type Trial } from './sweep.ts'
export { version } from './version.ts'
