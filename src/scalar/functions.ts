// The named functions in float32, written in the scalar language itself, so that every backend computes the same.

import { cosh, erf, exp, expm1, sigmoid, sinh, tanh } from './exponential.ts'
import { type Expr, type FunctionName, rewrite } from './expr.ts'
import { acosh, asinh, atanh, log, log1p } from './logarithm.ts'
import { pow } from './power.ts'
import { acos, asin, atan, atan2, cos, sin, tan } from './trigonometric.ts'

export interface Expansion {
  readonly expand: (...args: Expr[]) => Expr
  /** Largest error in units in the last place that the tests saw, rounded up; results below 2^-125 may become 0. */
  readonly ulp: number
}

export const expansions: { readonly [F in FunctionName]: Expansion } = {
  exp: { expand: exp, ulp: 2 },
  expm1: { expand: expm1, ulp: 2 },
  log: { expand: log, ulp: 2 },
  log1p: { expand: log1p, ulp: 2 },
  sin: { expand: sin, ulp: 2 },
  cos: { expand: cos, ulp: 2 },
  tan: { expand: tan, ulp: 4 },
  asin: { expand: asin, ulp: 4 },
  acos: { expand: acos, ulp: 4 },
  atan: { expand: atan, ulp: 3 },
  atan2: { expand: atan2, ulp: 4 },
  sinh: { expand: sinh, ulp: 3 },
  cosh: { expand: cosh, ulp: 3 },
  tanh: { expand: tanh, ulp: 5 },
  asinh: { expand: asinh, ulp: 4 },
  acosh: { expand: acosh, ulp: 4 },
  atanh: { expand: atanh, ulp: 4 },
  erf: { expand: erf, ulp: 6 },
  sigmoid: { expand: sigmoid, ulp: 3 },
  pow: { expand: pow, ulp: 2 },
}

/** Replaces every float32 `call` by arithmetic; float64 calls stay. Give one memo for several roots to keep what they share. */
export function expand(root: Expr, memo?: Map<Expr, Expr>): Expr {
  const replace = (e: Expr): Expr =>
    e.op === 'call' && e.type === 'f32' && e.name ? expansions[e.name].expand(...e.args) : e
  return rewrite(root, replace, memo)
}
