// The named functions in float32, written in the scalar language itself, so that every backend computes the same.

import { cosh, erf, exp, expm1, sigmoid, sinh, tanh } from './exponential.ts'
import { type Expr, type FunctionName, rewrite } from './expr.ts'
import { acosh, asinh, atanh, log, log1p } from './logarithm.ts'
import { pow } from './power.ts'
import { expandThreefry } from './threefry.ts'
import { acos, asin, atan, atan2, cos, sin, tan } from './trigonometric.ts'

export interface Expansion {
  readonly expand: (...args: Expr[]) => Expr
  /**
   * Largest error in units in the last place that tens of millions of arguments showed, rounded up. Results below 2^-125
   * may become 0; sin, cos and tan are good to 1e-7 absolutely up to 1e5, and to these figures up to 400.
   */
  readonly ulp: number
}

export const expansions: { readonly [F in FunctionName]: Expansion } = {
  exp: { expand: exp, ulp: 1.2 },
  expm1: { expand: expm1, ulp: 1.6 },
  log: { expand: log, ulp: 0.9 },
  log1p: { expand: log1p, ulp: 0.9 },
  sin: { expand: sin, ulp: 2.5 },
  cos: { expand: cos, ulp: 2.5 },
  tan: { expand: tan, ulp: 4.2 },
  asin: { expand: asin, ulp: 2.4 },
  acos: { expand: acos, ulp: 1.2 },
  atan: { expand: atan, ulp: 1.5 },
  atan2: { expand: atan2, ulp: 1.7 },
  sinh: { expand: sinh, ulp: 2.4 },
  cosh: { expand: cosh, ulp: 1.6 },
  tanh: { expand: tanh, ulp: 5.8 },
  asinh: { expand: asinh, ulp: 1.8 },
  acosh: { expand: acosh, ulp: 2.6 },
  atanh: { expand: atanh, ulp: 2 },
  erf: { expand: erf, ulp: 6.5 },
  sigmoid: { expand: sigmoid, ulp: 2.4 },
  pow: { expand: pow, ulp: 1.2 },
}

/**
 * Replaces every float32 `call` and every `threefry` by arithmetic; float64 calls stay. Give one memo for several roots to keep
 * what they share. Backends do it when they emit a kernel: until then, expressions are short.
 */
export function expand(root: Expr, memo?: Map<Expr, Expr>): Expr {
  const replace = (e: Expr): Expr => {
    if (e.op === 'threefry') return expandThreefry(e)
    return e.op === 'call' && e.type === 'f32' && e.name ? expansions[e.name].expand(...e.args) : e
  }
  return rewrite(root, replace, memo)
}
