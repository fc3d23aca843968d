// The tensor floor's public names.

export type { DataArray, DType } from '../graph/dtype.ts'
export type { Dims, Range } from '../graph/shape.ts'
export type { StabilityReport, Stabilization } from '../transform/stability/report.ts'
export {
  celu,
  elu,
  gelu,
  glu,
  hardShrink,
  hardSigmoid,
  hardSwish,
  hardTanh,
  leakyRelu,
  logSigmoid,
  mish,
  prelu,
  relu6,
  selu,
  silu,
  softmin,
  softplus,
  softShrink,
  softSign,
  tanhShrink,
  threshold,
} from './activations.ts'
export { checkGradient, type GradientCheckOptions } from './check-gradient.ts'
export { checkpoint } from './checkpoint.ts'
export { type Compiled, compile } from './compile.ts'
export { cond, type ScanOptions, scan, type WhileOptions, whileLoop } from './control.ts'
export {
  arange,
  concat,
  eye,
  full,
  iota,
  knownValues,
  linspace,
  oneHot,
  ones,
  onesLike,
  split,
  stack,
  tensor,
  write,
  zeros,
  zerosLike,
} from './create.ts'
export {
  cummax,
  cummin,
  cumprod,
  cumsum,
  linearRecurrence,
  logcumsumexp,
  type RunningOptions,
} from './cumulative.ts'
export type { ProductOf } from './decimal-types.ts'
export { diff, trapezoid } from './difference.ts'
export {
  type Backward,
  type CustomGradientOptions,
  customGradient,
  grad,
  stabilizations,
  vjp,
  withGradient,
} from './differentiate.ts'
export { einsum } from './einsum.ts'
export { hessian, hvp, type JacobianOptions, jacobian, jvp, type Objective, valueAndGrad } from './functional.ts'
export { digamma, erfinv, lgamma, polygamma } from './gamma.ts'
export type { Same } from './joined-types.ts'
export { hostNumber } from './leaf.ts'
export { cross, diag, diagonal, kron, norm, outer, tensordot, trace, tril, triu } from './matrix.ts'
export { type MemoryReport, type MemoryRow, memoryReport } from './memory-report.ts'
export type { Nested } from './nested.ts'
export { pointwise } from './pointwise.ts'
export { readAs } from './print.ts'
export * as random from './random.ts'
export { meshgrid, moveAxis, type PadMode, padWith, repeat, roll, rot90, tile, unstack } from './rearrange.ts'
export { record } from './record.ts'
export {
  backend,
  configure,
  type EngineInfo,
  engineInfo,
  noGrad,
  type RuntimeOptions,
  runtime,
  withBroadcasting,
  withTraining,
} from './runtime.ts'
export { type ScatterOptions, scatter } from './scatter.ts'
export { type Distinct, interp, maskedSelect, nonzero, type SearchOptions, searchSorted, unique } from './search.ts'
export type {
  Agree,
  Checked,
  Dim,
  DTypeOf,
  Shape,
  ShapeError,
  ShapeOf,
  Sound,
  Text,
  Without,
  Word,
  Writable,
} from './shape-types.ts'
export { argsort, median, type QuantileOptions, quantile, type SortOptions, sort, topK } from './sort.ts'
export { entmax15, sparsemax } from './sparse.ts'
export {
  allClose,
  hypot,
  isClose,
  lerp,
  logAddExp,
  nanToNum,
  type ReplacedValues,
  sinc,
  type Tolerances,
  xlogy,
} from './special.ts'
export { bincount, corrcoef, cov, type HistogramOptions, histogram, nanMean, nanSum } from './statistics.ts'
export { type Axes, floating, type Operand, Tensor, wrap } from './tensor.ts'
export { assignAll, Variable, VariableSource, variable } from './variable.ts'
export { type MappedAxes, type VmapOptions, vmap } from './vmap.ts'
