// Update rules: how an optimizer changes one parameter, as a pure function of tensors.

import type { Tensor } from '../tensor/index.ts'

/** Tensors that a rule keeps for each parameter, of the parameter's shape and dtype. */
export type Slots<S extends string> = { readonly [K in S]: Tensor }

/** Numbers of a rule that depend on the step: a plain number where it never changes, else a scalar computed for each run. */
export type Hyper<H extends string> = { readonly [K in H]: Tensor | number }

/** A number that is the same at every step, or a function of the step's index from 0. */
export type StepNumber = number | ((step: number) => number)

export interface Rule<S extends string = string, H extends string = string> {
  readonly kind: string
  /** The names of what is kept for each parameter. */
  readonly slots: readonly S[]
  /** Where they start; at 0 unless told. */
  readonly initial?: { readonly [K in S]?: number }
  /** What depends on the step. */
  readonly hyper: { readonly [K in H]: StepNumber }
  /** The parameter and its slots after a step. */
  update(
    parameter: Tensor,
    gradient: Tensor,
    slots: Slots<S>,
    hyper: Hyper<H>,
  ): { readonly parameter: Tensor; readonly slots: Slots<S> }
}

/** The gradient with weight decay as part of it. */
export const withDecay = (gradient: Tensor, parameter: Tensor, weightDecay: number): Tensor =>
  weightDecay === 0 ? gradient : gradient.add(parameter.mul(weightDecay))
