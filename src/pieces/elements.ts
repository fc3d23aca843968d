// Functions of one element: what is told of pointwise operations in words; of the others their records tell.

import type { UnaryName } from '../graph/node.ts'
import { pointwise, type Tensor } from '../tensor/index.ts'
import type { Curve, Piece } from './piece.ts'

const steps = 'dx = 0: no gradient passes; straightThrough lends one'
const everywhere = [[-Infinity, Infinity]] as const
const half = (x: number): number => {
  const below = Math.floor(x)
  return x - below === 0.5 ? below + (below % 2) : Math.round(x)
}
/** The error function by its series, which settles for |x| ≤ 3. */
export function erf(x: number): number {
  let [term, sum] = [x, x]
  for (let n = 1; n < 80; n++) {
    term *= (-x * x) / n
    sum += term / (2 * n + 1)
  }
  return (2 / Math.sqrt(Math.PI)) * sum
}

export const elements: { readonly [N in UnaryName]?: Piece } = {
  neg: element(
    pointwise.neg,
    'The negative.',
    'y = −x',
    'dx = −dy',
    (x) => -x,
    () => -1,
    [-3, 3],
  ),
  abs: element(
    pointwise.abs,
    'The absolute value.',
    'y = |x|',
    'dx = dy·sign(x), 0 at 0',
    Math.abs,
    Math.sign,
    [-3, 3],
  ),
  sign: element(pointwise.sign, '−1, 0 or 1.', 'y = x/|x|, 0 at 0', steps, Math.sign, () => 0, [-3, 3], {
    flat: everywhere,
  }),
  floor: element(pointwise.floor, 'The next whole number below.', 'y = ⌊x⌋', steps, Math.floor, () => 0, [-3, 3], {
    flat: everywhere,
  }),
  ceil: element(pointwise.ceil, 'The next whole number above.', 'y = ⌈x⌉', steps, Math.ceil, () => 0, [-3, 3], {
    flat: everywhere,
  }),
  round: element(
    pointwise.round,
    'The nearest whole number, halves to the even one.',
    'y = round(x)',
    steps,
    half,
    () => 0,
    [-3, 3],
    { flat: everywhere },
  ),
  trunc: element(
    pointwise.trunc,
    'The whole number towards 0.',
    'y = sign(x)·⌊|x|⌋',
    steps,
    Math.trunc,
    () => 0,
    [-3, 3],
    { flat: everywhere },
  ),
  not: {
    about: 'Not: of truth values, or bit by bit of whole numbers.',
    output: 'y = ¬x',
    adjust: 'no gradient',
    shapes: '[...] → the same',
  },
  sqrt: element(
    pointwise.sqrt,
    'The square root.',
    'y = √x',
    'dx = dy/(2y)',
    Math.sqrt,
    (x) => 0.5 / Math.sqrt(x),
    [0, 4],
    {
      watch: 'The slope at 0 is infinite: norm and std give 0 there.',
    },
  ),
  exp: element(pointwise.exp, 'The exponential.', 'y = eˣ', 'dx = dy·y', Math.exp, Math.exp, [-3, 3], {
    flat: [[-Infinity, -7]],
    watch: 'Overflows above 88 in float32: logSumExp and softmax shift by the largest.',
  }),
  expm1: element(
    pointwise.expm1,
    'eˣ − 1 without loss near 0.',
    'y = eˣ − 1',
    'dx = dy·(y + 1)',
    Math.expm1,
    Math.exp,
    [-3, 3],
    { flat: [[-Infinity, -7]] },
  ),
  log: element(
    pointwise.log,
    'The natural logarithm; log2 is it in bits.',
    'y = log x',
    'dx = dy/x',
    Math.log,
    (x) => 1 / x,
    [0, 4],
    {
      watch:
        '−∞ at 0, where the slope is infinite as well. log of softmax, sigmoid, 1 + eˣ … is rewritten to a form that is finite.',
    },
  ),
  log1p: element(
    pointwise.log1p,
    'log(1 + x) without loss near 0.',
    'y = log(1 + x)',
    'dx = dy/(1 + x)',
    Math.log1p,
    (x) => 1 / (1 + x),
    [-1, 4],
  ),
  sin: element(pointwise.sin, 'The sine.', 'y = sin x', 'dx = dy·cos x', Math.sin, Math.cos, [-6, 6]),
  cos: element(pointwise.cos, 'The cosine.', 'y = cos x', 'dx = −dy·sin x', Math.cos, (x) => -Math.sin(x), [-6, 6]),
  tan: element(
    pointwise.tan,
    'The tangent.',
    'y = tan x',
    'dx = dy·(1 + y²)',
    Math.tan,
    (x) => 1 + Math.tan(x) ** 2,
    [-1.4, 1.4],
    { watch: 'Poles at odd multiples of π/2.' },
  ),
  asin: element(
    pointwise.asin,
    'The inverse of sin.',
    'y = arcsin x',
    'dx = dy/√(1 − x²)',
    Math.asin,
    (x) => 1 / Math.sqrt(1 - x * x),
    [-1, 1],
  ),
  acos: element(
    pointwise.acos,
    'The inverse of cos.',
    'y = arccos x',
    'dx = −dy/√(1 − x²)',
    Math.acos,
    (x) => -1 / Math.sqrt(1 - x * x),
    [-1, 1],
  ),
  atan: element(
    pointwise.atan,
    'The inverse of tan.',
    'y = arctan x',
    'dx = dy/(1 + x²)',
    Math.atan,
    (x) => 1 / (1 + x * x),
    [-6, 6],
    {
      flat: [
        [-Infinity, -32],
        [32, Infinity],
      ],
    },
  ),
  sinh: element(
    pointwise.sinh,
    'The hyperbolic sine.',
    'y = (eˣ − e⁻ˣ)/2',
    'dx = dy·cosh x',
    Math.sinh,
    Math.cosh,
    [-3, 3],
  ),
  cosh: element(
    pointwise.cosh,
    'The hyperbolic cosine.',
    'y = (eˣ + e⁻ˣ)/2',
    'dx = dy·sinh x',
    Math.cosh,
    Math.sinh,
    [-3, 3],
  ),
  asinh: element(
    pointwise.asinh,
    'The inverse of sinh: a logarithm of both signs.',
    'y = log(x + √(x² + 1))',
    'dx = dy/√(x² + 1)',
    Math.asinh,
    (x) => 1 / Math.sqrt(x * x + 1),
    [-6, 6],
  ),
  acosh: element(
    pointwise.acosh,
    'The inverse of cosh.',
    'y = log(x + √(x² − 1))',
    'dx = dy/√(x² − 1)',
    Math.acosh,
    (x) => 1 / Math.sqrt(x * x - 1),
    [1, 5],
  ),
  atanh: element(
    pointwise.atanh,
    'The inverse of tanh.',
    'y = ½ log((1 + x)/(1 − x))',
    'dx = dy/(1 − x²)',
    Math.atanh,
    (x) => 1 / (1 - x * x),
    [-1, 1],
  ),
  erf: element(
    pointwise.erf,
    'The error function: how much of the normal distribution lies within ±√2·x.',
    'y = 2/√π ∫₀ˣ e^(−t²) dt',
    'dx = dy·2/√π·e^(−x²)',
    erf,
    (x) => (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x),
    [-3, 3],
    {
      flat: [
        [-Infinity, -2.7],
        [2.7, Infinity],
      ],
    },
  ),
}

/** A function of one element. */
export function element(
  of: (x: Tensor) => Tensor,
  about: string,
  output: string,
  adjust: string,
  value: Curve['value'],
  slope: Curve['slope'],
  [from, to]: readonly [number, number],
  more: Pick<Piece, 'watch' | 'source'> & { readonly flat?: Curve['flat'] } = {},
): Piece {
  const { flat, ...rest } = more
  return {
    about,
    output,
    adjust,
    shapes: '[...] → the same',
    ...rest,
    curve: { of, value, slope, from, to, ...(flat ? { flat } : {}) },
  }
}
