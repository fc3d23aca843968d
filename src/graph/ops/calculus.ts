// What pointwise records are written with: the kinds of dtypes, and the arithmetic of derivatives.

import type { FunctionName } from '../../scalar/expr.ts'

/** Which dtypes an operation takes. */
export type Accepts = 'float' | 'number' | 'integer' | 'bits' | 'any'

type Functions = Exclude<FunctionName, 'pow' | 'atan2'>
type Comparisons = 'equal' | 'less' | 'lessEqual'

/** Arithmetic on values of one kind: `Build` has it on nodes. So that records do not need the names that follow from them. */
export interface Calculus<N> {
  unary(op: 'neg' | 'sign' | 'sqrt' | 'floor' | Functions, x: N): N
  binary(op: 'add' | 'sub' | 'mul' | 'div' | 'pow' | 'and' | Comparisons, x: N | number, y: N | number): N
  where(condition: N, x: N | number, y: N | number): N
}
