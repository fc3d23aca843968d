// Every pointwise operation of one input as a function, also those that have no method.

import { build } from '../graph/build.ts'
import type { DType } from '../graph/dtype.ts'
import type { UnaryName } from '../graph/node.ts'
import { unaryNames } from '../graph/ops/pointwise.ts'
import { unaryTable } from '../graph/ops/unary.ts'
import type { Floating } from './dtype-types.ts'
import type { Shape } from './shape-types.ts'
import { floating, type Tensor, wrap } from './tensor.ts'

/** Functions of floats make floats of integers, the others keep the dtype. */
type Elementwise<N extends UnaryName> = <S extends Shape, D extends DType>(
  x: Tensor<S, D>,
) => Tensor<S, (typeof unaryTable)[N]['accepts'] extends 'float' ? Floating<D> : D>

/**
 * The pointwise operations by name; most are methods, too.
 *
 *     pointwise.tanh(x) //     x.tanh()
 */
export const pointwise = /* @__PURE__ */ Object.fromEntries(
  /* @__PURE__ */ unaryNames.map((op) => [
    op,
    (x: Tensor): Tensor => wrap(build.unary(op, (unaryTable[op].accepts === 'float' ? floating(x) : x).node)),
  ]),
) as { readonly [N in UnaryName]: Elementwise<N> }
