// The public names of `random`.

export {
  bernoulli,
  categorical,
  exponential,
  gumbel,
  laplace,
  normal,
  permutation,
  type TruncatedOptions,
  truncatedNormal,
} from './distributions.ts'
export { beta, gamma } from './gamma-draws.ts'
export { poisson } from './poisson.ts'
export {
  type FloatOptions,
  fold,
  integers,
  type Key,
  key,
  nextKey,
  type RandomOptions,
  randomBits,
  split,
  uniform,
} from './random-bits.ts'
