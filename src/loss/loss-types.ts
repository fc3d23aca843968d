// Losses for the compiler: which shapes of predictions and targets fit each other, and what comes out.

import type { DType, Same, Shape, ShapeError, Sound, Tensor, Text, Without } from '../tensor/index.ts'
import type { LossOptions } from './reduction.ts'

/** Predictions and targets of one shape; never is one of them stretched. */
export type Alike<Op extends string, A extends Shape, B extends Shape> =
  Same<Op, A, B> extends ShapeError<string>
    ? ShapeError<`${Op}: predictions ${Text<A>} and targets ${Text<B>} differ: reshape one of them`>
    : A

/** What no options are: the mean. */
export interface Mean {
  readonly reduction?: 'mean'
}

/** A number, or without reduction a loss for each example. */
export type Loss<O extends LossOptions, S> = O extends { readonly reduction?: infer R }
  ? 'none' extends R
    ? Tensor<Exclude<R, undefined> extends 'none' ? Sound<S> : Shape>
    : Tensor<[]>
  : Tensor

/** Targets of logits [n, classes, ...]: labels [n, ...], or probabilities of the logits' shape. */
export type Targets<Op extends string, A extends Shape, B extends Shape, Y extends DType, O> = O extends {
  readonly axis: number
}
  ? Shape
  : Y extends 'float32' | 'float64'
    ? Same<Op, A, B> extends ShapeError<string>
      ? ShapeError<`${Op}: logits ${Text<A>} need probabilities of that shape, not ${Text<B>}`>
      : PerExample<A>
    : DType extends Y
      ? Shape
      : Y extends 'bool'
        ? ShapeError<`${Op}: labels are bool: they must be int32`>
        : Labels<Op, A, B>

export type Labels<Op extends string, A extends Shape, B extends Shape> =
  Same<Op, PerExample<A>, B> extends ShapeError<string>
    ? ShapeError<`${Op}: scores ${Text<A>} with classes on axis ${ClassAxis<A>} need labels ${Text<PerExample<A>>}, not ${Text<B>}`>
    : PerExample<A>

type ClassAxis<A extends Shape> = A['length'] extends 1 ? 0 : 1
type PerExample<A extends Shape> = number extends A['length'] ? Shape : Without<A, ClassAxis<A>>
