// Pointwise operations of one input: a record each, from which everything else about them follows.

import type { Expr, FunctionName } from '../../scalar/expr.ts'
import * as s from '../../scalar/expr.ts'
import { type DType, isFloat } from '../dtype.ts'
import type { Accepts, Calculus } from './calculus.ts'

export interface UnaryRecord {
  readonly accepts: Accepts
  /** What it does to one element. */
  readonly scalar: (x: Expr, dtype: DType) => Expr
  /** From the cotangent g of the result y to that of x; 'none' where the slope is 0 almost everywhere. */
  readonly derivative: (<N>(b: Calculus<N>, g: N, x: N, y: N) => N) | 'none'
  /** The open interval in which value and slope are finite; all numbers unless told. */
  readonly domain?: readonly [low: number, high: number]
}

/** A function of the scalar language. */
const call =
  (name: FunctionName): UnaryRecord['scalar'] =>
  (x) =>
    s.call(name, x)

/** The identity on integers. */
const rounding = (round: (x: Expr) => Expr) =>
  ({
    accepts: 'number',
    scalar: (x, dtype) => (isFloat(dtype) ? round(x) : x),
    derivative: 'none',
  }) as const satisfies UnaryRecord

const one = (x: Expr): Expr => s.constant(x.type, 1)
const zero = (x: Expr): Expr => s.constant(x.type, 0)
const square = <N>(b: Calculus<N>, x: N): N => b.binary('mul', x, x)
/** 1 − x², which does not cancel near ±1. */
const oneLessSquare = <N>(b: Calculus<N>, x: N): N => b.binary('mul', b.binary('sub', 1, x), b.binary('add', 1, x))

export const unaryTable = {
  neg: { accepts: 'number', scalar: s.neg, derivative: (b, g) => b.unary('neg', g) },
  // The derivative at 0 is 0.
  abs: { accepts: 'number', scalar: s.abs, derivative: (b, g, x) => b.binary('mul', g, b.unary('sign', x)) },
  // NaN stays NaN, ±0 gives 0.
  sign: {
    accepts: 'number',
    scalar: (x) => s.select(s.lt(zero(x), x), one(x), s.select(s.lt(x, zero(x)), s.neg(one(x)), s.mul(x, zero(x)))),
    derivative: 'none',
  },
  floor: rounding(s.floor),
  ceil: rounding(s.ceil),
  round: rounding(s.round),
  trunc: rounding(s.trunc),
  sqrt: {
    accepts: 'float',
    scalar: s.sqrt,
    derivative: (b, g, _, y) => b.binary('div', g, b.binary('mul', y, 2)),
    domain: [0, Infinity],
  },
  not: { accepts: 'bits', scalar: s.not, derivative: 'none' },
  exp: { accepts: 'float', scalar: call('exp'), derivative: (b, g, _, y) => b.binary('mul', g, y) },
  exp2: {
    accepts: 'float',
    scalar: (x) => s.call('pow', s.constant(x.type, 2), x),
    derivative: (b, g, _, y) => b.binary('mul', g, b.binary('mul', y, Math.LN2)),
    // Of float32.
    domain: [-Infinity, 127],
  },
  expm1: {
    accepts: 'float',
    scalar: call('expm1'),
    derivative: (b, g, _, y) => b.binary('mul', g, b.binary('add', y, 1)),
  },
  log: {
    accepts: 'float',
    scalar: call('log'),
    derivative: (b, g, x) => b.binary('div', g, x),
    domain: [0, Infinity],
  },
  log1p: {
    accepts: 'float',
    scalar: call('log1p'),
    derivative: (b, g, x) => b.binary('div', g, b.binary('add', x, 1)),
    domain: [-1, Infinity],
  },
  sin: { accepts: 'float', scalar: call('sin'), derivative: (b, g, x) => b.binary('mul', g, b.unary('cos', x)) },
  cos: {
    accepts: 'float',
    scalar: call('cos'),
    derivative: (b, g, x) => b.unary('neg', b.binary('mul', g, b.unary('sin', x))),
  },
  tan: {
    accepts: 'float',
    scalar: call('tan'),
    derivative: (b, g, _, y) => b.binary('mul', g, b.binary('add', square(b, y), 1)),
  },
  asin: {
    accepts: 'float',
    scalar: call('asin'),
    derivative: (b, g, x) => b.binary('div', g, b.unary('sqrt', oneLessSquare(b, x))),
    domain: [-1, 1],
  },
  acos: {
    accepts: 'float',
    scalar: call('acos'),
    derivative: (b, g, x) => b.unary('neg', b.binary('div', g, b.unary('sqrt', oneLessSquare(b, x)))),
    domain: [-1, 1],
  },
  atan: {
    accepts: 'float',
    scalar: call('atan'),
    derivative: (b, g, x) => b.binary('div', g, b.binary('add', square(b, x), 1)),
  },
  sinh: { accepts: 'float', scalar: call('sinh'), derivative: (b, g, x) => b.binary('mul', g, b.unary('cosh', x)) },
  cosh: { accepts: 'float', scalar: call('cosh'), derivative: (b, g, x) => b.binary('mul', g, b.unary('sinh', x)) },
  tanh: {
    accepts: 'float',
    scalar: call('tanh'),
    derivative: (b, g, _, y) => b.binary('mul', g, b.binary('sub', 1, square(b, y))),
  },
  asinh: {
    accepts: 'float',
    scalar: call('asinh'),
    derivative: (b, g, x) => b.binary('div', g, b.unary('sqrt', b.binary('add', square(b, x), 1))),
  },
  acosh: {
    accepts: 'float',
    scalar: call('acosh'),
    derivative: (b, g, x) =>
      b.binary('div', g, b.unary('sqrt', b.binary('mul', b.binary('sub', x, 1), b.binary('add', x, 1)))),
    domain: [1, Infinity],
  },
  atanh: {
    accepts: 'float',
    scalar: call('atanh'),
    derivative: (b, g, x) => b.binary('div', g, oneLessSquare(b, x)),
    domain: [-1, 1],
  },
  erf: {
    accepts: 'float',
    scalar: call('erf'),
    derivative: (b, g, x) =>
      b.binary('mul', g, b.binary('mul', b.unary('exp', b.unary('neg', square(b, x))), 2 / Math.sqrt(Math.PI))),
  },
  // −g·y·(y − 1), not g·y·(1 − y): the same numbers, but no 1 − sigmoid that would be computed anew.
  sigmoid: {
    accepts: 'float',
    scalar: call('sigmoid'),
    derivative: (b, g, _, y) => b.binary('mul', b.unary('neg', g), b.binary('mul', y, b.binary('sub', y, 1))),
  },
  // The inverse of sigmoid, log(x / (1 − x)), in two logarithms: near 1 their difference keeps the digits of 1 − x.
  logit: {
    accepts: 'float',
    scalar: (x) => s.sub(s.call('log', x), s.call('log1p', s.neg(x))),
    derivative: (b, g, x) => b.binary('div', g, b.binary('mul', x, b.binary('sub', 1, x))),
    domain: [0, 1],
  },
} satisfies { readonly [name: string]: UnaryRecord }

/** Pointwise operations of one input: those of the table. */
export type UnaryName = keyof typeof unaryTable
