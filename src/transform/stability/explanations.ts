// What the rules of stabilize say of themselves, for reports and the document alone: no rule asks for it.

export interface Explanation {
  /** The composition, and what takes its place. */
  readonly from: string
  readonly to: string
  readonly why: string
}

/** Total over the rules: its keys are their names. */
export const explanations = {
  'log of exp': {
    from: 'log(exp(x))',
    to: 'x',
    why: 'exp overflows above 88 in float32 (709 in float64), and is 0 below −104 (−746).',
  },
  'log of softmax': {
    from: 'log(softmax(x))',
    to: 'logSoftmax(x)',
    why: 'Probabilities of unlikely classes underflow to 0, their logarithm is −∞ and its gradient NaN.',
  },
  'log of sigmoid': {
    from: 'log(sigmoid(x))',
    to: 'logSigmoid(x)',
    why: 'The sigmoid underflows to 0 for very negative x: the logarithm is −∞, its gradient NaN.',
  },
  'log of a sum of exponentials': {
    from: 'log(sum(w · exp(x)))',
    to: 'logSumExp(x, w)',
    why: 'One exponent above 88 overflows the sum, and where all are below −104 the sum is 0.',
  },
  'log of 1 + exp': {
    from: 'log(1 + exp(x))',
    to: 'softplus(x)',
    why: 'exp overflows, though the result is just x; for negative x the 1 swallows the digits.',
  },
  'log of exp + exp': {
    from: 'log(exp(x) + exp(y))',
    to: 'logAddExp(x, y)',
    why: 'Either exp may overflow, or both underflow.',
  },
  'log of 1 − exp': {
    from: 'log(1 − exp(x))',
    to: 'log1mExp(x)',
    why: 'Near 0 the difference loses its digits, far below it is rounded to 1.',
  },
  'log of 1 + x': {
    from: 'log(1 + x)',
    to: 'log1p(x)',
    why: 'For small x the sum with 1 is rounded, and only its digits survive.',
  },
  'log of a product': {
    from: 'log(exp(x) · y), log(exp(x) / y)',
    to: 'x + log(y), x − log(y)',
    why: 'The factor that is an exponential or a probability overflows or underflows; its logarithm does not.',
  },
  'log of prod': {
    from: 'log(prod(sigmoid(x)))',
    to: 'sum(logSigmoid(x))',
    why: 'The product of many probabilities underflows.',
  },
  'log of sqrt': {
    from: 'log(sqrt(exp(x)))',
    to: 'x / 2',
    why: 'As log of exp.',
  },
  'log of a part': {
    from: 'log(takeAlong(softmax(x), i))',
    to: 'takeAlong(logSoftmax(x), i)',
    why: 'As log of softmax, seen through take, slice, reshape, transpose and broadcast.',
  },
  'log of a choice': {
    from: 'log(where(c, softmax(x), 1))',
    to: 'where(c, logSoftmax(x), 0)',
    why: 'As log of softmax, seen through where.',
  },
  'log1p of exp': {
    from: 'log1p(exp(x))',
    to: 'softplus(x)',
    why: 'exp overflows, though the result is just x.',
  },
  'log1p of −sigmoid': {
    from: 'log1p(−sigmoid(x))',
    to: 'logSigmoid(−x)',
    why: 'The sigmoid is rounded to 1 for large x: the logarithm is −∞, its gradient NaN.',
  },
  'log1p of −exp': {
    from: 'log1p(−exp(x))',
    to: 'log1mExp(x)',
    why: 'Near 0 the exponential is rounded to 1, and its distance from 1 is lost.',
  },
  'log1p of expm1': {
    from: 'log1p(expm1(x))',
    to: 'x',
    why: 'expm1 overflows, and is rounded to −1 for very negative x.',
  },
  'tanh by exponentials': {
    from: '(exp(x) − exp(−x)) / (exp(x) + exp(−x))',
    to: 'tanh(x)',
    why: 'Both parts overflow, their quotient is NaN; near 0 the difference loses its digits.',
  },
  'sigmoid by exponentials': {
    from: '1 / (1 + exp(−x)), exp(x) / (1 + exp(x)), y / (1 + exp(−x))',
    to: 'sigmoid(x), y · sigmoid(x)',
    why: 'Where exp overflows, the gradient is 0 · ∞ = NaN, and in the second form the value, too.',
  },
  'softmax by exponentials': {
    from: 'w · exp(x) / sum(w · exp(x))',
    to: 'softmax(x), with weights w if any',
    why: 'One exponent above 88 makes ∞ / ∞ = NaN; where all are below −104 it is 0 / 0.',
  },
  'quotient of exponentials': {
    from: 'exp(x) / exp(y)',
    to: 'exp(x − y)',
    why: '∞ / ∞ and 0 / 0, though the difference of the exponents is moderate.',
  },
  'product of exponentials': {
    from: 'exp(x) · exp(y)',
    to: 'exp(x + y)',
    why: '∞ · 0 = NaN, though the sum of the exponents is moderate.',
  },
  'x · log(y)': {
    from: 'x · log(y)',
    to: 'xlogy(x, y)',
    why: '0 · log(0) is NaN; its limit, as in entropies, is 0.',
  },
  'exp − 1': {
    from: 'exp(x) − 1, 1 − exp(x), −exp(x) + 1',
    to: 'expm1(x), −expm1(x)',
    why: 'Near 0 the difference loses its digits.',
  },
  '1 − sigmoid': {
    from: '1 − sigmoid(x), −sigmoid(x) + 1',
    to: 'sigmoid(−x)',
    why: 'For large x the sigmoid is rounded to 1 and the difference to 0.',
  },
  'tanh by sigmoid': {
    from: '2 · sigmoid(x) − 1',
    to: 'tanh(x / 2)',
    why: 'Near 0 the difference loses its digits.',
  },
  'sinh by exponentials': {
    from: 'exp(x) − exp(−x)',
    to: '2 · sinh(x)',
    why: 'Near 0 the difference loses its digits.',
  },
  'variance by moments': {
    from: 'mean(x²) − mean(x)²',
    to: 'mean((x − mean(x))²)',
    why: 'Where the mean is large beside the deviation, the difference loses its digits and may be negative.',
  },
  'sqrt of a square': {
    from: 'sqrt(x²)',
    to: 'abs(x)',
    why: 'The gradient at 0 is 0 / 0 = NaN, and the square overflows above 1.8e19 in float32.',
  },
  'sqrt of two squares': {
    from: 'sqrt(x² + y²)',
    to: 'hypot(x, y)',
    why: 'The gradient at (0, 0) is 0 / 0 = NaN, and the squares overflow above 1.8e19 in float32.',
  },
  'root of a sum of squares': {
    from: 'sqrt(sum(x²)), sqrt(mean((x − mean(x))²))',
    to: 'norm(x), std(x)',
    why: 'The gradient at 0 is 0 / 0 = NaN; the value is fine.',
  },
  'prod of exponentials': {
    from: 'prod(exp(x))',
    to: 'exp(sum(x))',
    why: '∞ · 0 = NaN, though the sum of the exponents is moderate.',
  },
  'safe where': {
    from: 'where(x > 0, sqrt(x), 0)',
    to: 'where(x > 0, sqrt(where(x > 0, x, 1)), 0)',
    why: 'The branch that is not taken gets the cotangent 0, and 0 times its infinite derivative is NaN.',
  },
} satisfies { readonly [rule: string]: Explanation }

export type RuleName = keyof typeof explanations
