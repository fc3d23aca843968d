/** For every rule of stabilize: a composition that fails without it, as a user would write it. */

import * as t from '../../src/tensor/index.ts'
import { type Tensor, tensor } from '../../src/tensor/index.ts'

export interface Example {
  /** Names of rules in `src/transform/stability/rules.ts`. */
  readonly rule: string
  /** What the documentation shows of `f`. */
  readonly code: string
  readonly f: (x: Tensor) => Tensor
  /** The argument in the documentation, where value or gradient fails in float32. */
  readonly fails: readonly number[]
  /** Where the rewritten function and its gradients have to be finite; the usual grid unless given. */
  readonly points?: readonly number[]
}

/** R72's grid: ±1000, and ±1e4. */
export const grid = [0, -0, 1, -1, 0.5, -0.5, 1e-5, -1e-5, 10, -10, 100, -100, 1000, -1000, 1e4, -1e4]
const negative = [-1e-5, -0.5, -1, -10, -100, -1000, -1e4]
/** Where neither an overflow of the result nor a pole is the function's own. */
const moderate = grid.filter((x) => Math.abs(x) <= 10)

const like = (x: Tensor, values: readonly number[]): Tensor => tensor(values, { dtype: x.dtype })
/** 1, 0, 2, 0.5, 1, 0, … */
const weights = (x: Tensor): Tensor =>
  like(
    x,
    Array.from({ length: x.size }, (_, i) => [1, 0, 2, 0.5][i % 4]),
  )
const isSecond = (x: Tensor): Tensor => t.iota(x.shape, 0).equal(1)

export const examples: readonly Example[] = [
  { rule: 'log of exp', code: 'x.exp().log()', f: (x) => x.exp().log(), fails: [100] },
  { rule: 'log of softmax', code: 'x.softmax().log()', f: (x) => x.softmax().log(), fails: [0, 1000] },
  {
    rule: 'log of softmax',
    code: 'x.exp().div(x.exp().sum()).log()',
    f: (x) => x.exp().div(x.exp().sum()).log(),
    fails: [0, 1000],
  },
  { rule: 'log of sigmoid', code: 'x.sigmoid().log()', f: (x) => x.sigmoid().log(), fails: [-1000] },
  {
    rule: 'log of sigmoid',
    code: 'x.sigmoid().neg().add(1).log()',
    f: (x) => x.sigmoid().neg().add(1).log(),
    fails: [1000],
  },
  {
    rule: 'log of a sum of exponentials',
    code: 'x.exp().sum().log()',
    f: (x) => x.exp().sum().log(),
    fails: [1000, 1001],
  },
  {
    rule: 'log of a sum of exponentials',
    code: 'x.exp().mul(w).sum().log()',
    f: (x) => x.exp().mul(weights(x)).sum().log(),
    fails: [1000, 1001],
  },
  {
    rule: 'log of a sum of exponentials',
    code: 'isTarget.where(x.softmax(), 0).sum().log()',
    f: (x) => isSecond(x).where(x.softmax(), 0).sum().log(),
    fails: [1000, 0],
  },
  {
    rule: 'log of a sum of exponentials',
    code: 'x.softmax().mul(target).sum().log()',
    f: (x) => x.softmax().mul(isSecond(x).cast(x.dtype)).sum().log(),
    fails: [1000, 0],
  },
  { rule: 'log of 1 + exp', code: 'x.exp().add(1).log()', f: (x) => x.exp().add(1).log(), fails: [100] },
  {
    rule: 'log of exp + exp',
    code: 'x.exp().add(x.neg().exp()).log()',
    f: (x) => x.exp().add(x.neg().exp()).log(),
    fails: [100],
  },
  {
    rule: 'log of 1 − exp',
    code: 'x.exp().neg().add(1).log()',
    f: (x) => x.exp().neg().add(1).log(),
    fails: [-1e-9],
    points: negative,
  },
  {
    rule: 'log of 1 + x',
    code: 'x.add(1).log()',
    f: (x) => x.add(1).log(),
    fails: [1e-9],
    points: grid.filter((x) => x > -1),
  },
  {
    rule: 'log of a product',
    code: 'x.square().mul(-0.5).exp().div(sigma).log()',
    f: (x) => x.square().mul(-0.5).exp().div(3).log(),
    fails: [20],
  },
  {
    rule: 'log of prod',
    code: 'x.sigmoid().prod().log()',
    f: (x) => x.sigmoid().prod().log(),
    fails: [-60, -60],
  },
  { rule: 'log of sqrt', code: 'x.exp().sqrt().log()', f: (x) => x.exp().sqrt().log(), fails: [100] },
  { rule: 'log of a part', code: 'x.softmax().at(1).log()', f: (x) => x.softmax().at(1).log(), fails: [1000, 0] },
  {
    rule: 'log of a choice',
    code: 'isKnown.where(x.sigmoid(), 1).log()',
    f: (x) => isSecond(x).not().where(x.sigmoid(), 1).log(),
    fails: [-1000],
  },
  { rule: 'log1p of exp', code: 'x.exp().log1p()', f: (x) => x.exp().log1p(), fails: [100] },
  {
    rule: 'log1p of −sigmoid',
    code: 'x.sigmoid().neg().log1p()',
    f: (x) => x.sigmoid().neg().log1p(),
    fails: [1000],
  },
  {
    rule: 'log1p of −exp',
    code: 'x.exp().neg().log1p()',
    f: (x) => x.exp().neg().log1p(),
    fails: [-1e-9],
    points: negative,
  },
  { rule: 'log1p of expm1', code: 'x.expm1().log1p()', f: (x) => x.expm1().log1p(), fails: [100] },
  {
    rule: 'tanh by exponentials',
    code: 'x.exp().sub(x.neg().exp()).div(x.exp().add(x.neg().exp()))',
    f: (x) => x.exp().sub(x.neg().exp()).div(x.exp().add(x.neg().exp())),
    fails: [100],
  },
  {
    rule: 'tanh by exponentials',
    code: 'x.mul(2).exp().sub(1).div(x.mul(2).exp().add(1))',
    f: (x) => x.mul(2).exp().sub(1).div(x.mul(2).exp().add(1)),
    fails: [100],
  },
  {
    rule: 'tanh by exponentials',
    code: 'x.neg().exp().neg().add(1).div(x.neg().exp().add(1))',
    f: (x) => x.neg().exp().neg().add(1).div(x.neg().exp().add(1)),
    fails: [-100],
  },
  {
    rule: 'tanh by exponentials',
    code: 'x.sinh().div(x.cosh())',
    f: (x) => x.sinh().div(x.cosh()),
    fails: [100],
  },
  {
    rule: 'sigmoid by exponentials',
    code: 'x.neg().exp().add(1).reciprocal()',
    f: (x) => x.neg().exp().add(1).reciprocal(),
    fails: [-100],
  },
  {
    rule: 'sigmoid by exponentials',
    code: 'x.exp().div(x.exp().add(1))',
    f: (x) => x.exp().div(x.exp().add(1)),
    fails: [100],
  },
  {
    rule: 'sigmoid by exponentials',
    code: 'x.div(x.neg().exp().add(1))',
    f: (x) => x.div(x.neg().exp().add(1)),
    fails: [-100],
  },
  {
    rule: 'softmax by exponentials',
    code: 'x.exp().div(x.exp().sum())',
    f: (x) => x.exp().div(x.exp().sum()),
    fails: [0, 100],
  },
  {
    rule: 'softmax by exponentials',
    code: 'x.exp().mul(mask).div(x.exp().mul(mask).sum())',
    f: (x) => {
      const mask = weights(x)
      return x.exp().mul(mask).div(x.exp().mul(mask).sum())
    },
    fails: [100, 0],
  },
  {
    rule: 'quotient of exponentials',
    code: 'x.exp().div(x.sub(1).exp())',
    f: (x) => x.exp().div(x.sub(1).exp()),
    fails: [100],
  },
  {
    rule: 'product of exponentials',
    code: 'x.exp().mul(x.neg().exp())',
    f: (x) => x.exp().mul(x.neg().exp()),
    fails: [100],
  },
  {
    rule: 'x · log(y)',
    code: 'p.mul(p.log())',
    f: (x) => x.abs().mul(x.abs().log()),
    fails: [0],
  },
  { rule: 'exp − 1', code: 'x.exp().sub(1)', f: (x) => x.exp().sub(1), fails: [1e-9], points: moderate },
  { rule: 'exp − 1', code: 'x.exp().neg().add(1)', f: (x) => x.exp().neg().add(1), fails: [1e-9], points: moderate },
  { rule: '1 − sigmoid', code: 'x.sigmoid().neg().add(1)', f: (x) => x.sigmoid().neg().add(1), fails: [40] },
  {
    rule: '1 − sigmoid',
    code: 'ones.sub(x.sigmoid())',
    f: (x) => t.onesLike(x).sub(x.sigmoid()),
    fails: [40],
  },
  { rule: 'tanh by sigmoid', code: 'x.sigmoid().mul(2).sub(1)', f: (x) => x.sigmoid().mul(2).sub(1), fails: [1e-9] },
  {
    rule: 'sinh by exponentials',
    code: 'x.exp().sub(x.neg().exp())',
    f: (x) => x.exp().sub(x.neg().exp()),
    fails: [1e-9],
    points: moderate,
  },
  {
    rule: 'variance by moments',
    code: 'x.square().mean().sub(x.mean().square())',
    f: (x) => x.square().mean().sub(x.mean().square()),
    fails: [10000, 10001],
  },
  { rule: 'sqrt of a square', code: 'x.square().sqrt()', f: (x) => x.square().sqrt(), fails: [0] },
  {
    rule: 'sqrt of two squares',
    code: 'x.square().add(y.square()).sqrt()',
    f: (x) => x.square().add(x.mul(2).square()).sqrt(),
    fails: [0],
  },
  {
    rule: 'root of a sum of squares',
    code: 'x.square().sum().sqrt()',
    f: (x) => x.square().sum().sqrt(),
    fails: [0, 0],
  },
  {
    rule: 'root of a sum of squares',
    code: 'x.sub(x.mean()).square().mean().sqrt()',
    f: (x) => x.sub(x.mean()).square().mean().sqrt(),
    fails: [1, 1],
  },
  {
    rule: 'prod of exponentials',
    code: 'x.exp().prod()',
    f: (x) => x.exp().prod(),
    fails: [100, -120],
    points: moderate,
  },
  {
    rule: 'safe where',
    code: 'x.greater(0).where(x.sqrt(), 0)',
    f: (x) => x.greater(0).where(x.sqrt(), 0),
    fails: [0],
    points: grid.filter((x) => Math.abs(x) !== 1e-5),
  },
  {
    rule: 'safe where',
    code: 'x.greater(0).where(x.log().div(x), x)',
    f: (x) => x.greater(0).where(x.log().div(x), x),
    fails: [0],
    points: grid.filter((x) => Math.abs(x) !== 1e-5),
  },
  { rule: 'safe where', code: 'x.less(1).where(x.exp(), 0)', f: (x) => x.less(1).where(x.exp(), 0), fails: [100] },
]
