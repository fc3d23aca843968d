// The tensor floor's public names.

export type { DataArray, DType } from '../graph/dtype.ts'
export type { Dims, Range } from '../graph/shape.ts'
export { type Compiled, compile } from './compile.ts'
export {
  arange,
  concat,
  eye,
  full,
  iota,
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
export { customGradient, grad, vjp } from './differentiate.ts'
export { hostNumber } from './leaf.ts'
export type { Nested } from './nested.ts'
export * as random from './random.ts'
export { backend, configure, noGrad, type RuntimeOptions, runtime, withTraining } from './runtime.ts'
export { type Axes, type Operand, Tensor } from './tensor.ts'
export { mapTree, type Tree, tensorsOf } from './tree.ts'
export { assignAll, Variable, variable } from './variable.ts'
