// Dropout of elements, of channels, of paths, and the form that keeps what selu keeps.

import { random, runtime, type Tensor, withBroadcasting } from '../tensor/index.ts'
import { defineModule } from './define.ts'
import * as functional from './functional/index.ts'
import type { Module } from './module.ts'
import { checkProbability } from './parameter.ts'

type Same<Kind extends string> = Module<['...'], ['...'], Kind>

/** While training, f of the input; otherwise the identity. */
const dropping =
  <const Kind extends string>(
    kind: Kind,
    forward: (x: Tensor, p: number) => Tensor,
    axes: readonly string[] = [],
  ): ((p?: number) => Same<Kind>) =>
  (p = 0.5) => {
    checkProbability(kind, p, 'the probability p')
    return defineModule({
      kind,
      label: `${p}`,
      options: { p },
      shapes: { in: [...axes, '...'], out: [...axes, '...'] },
      forward: (x) => (runtime.training && p > 0 ? forward(x, p) : x),
    }) as Module as Same<Kind>
  }

/** While training, zeroes each element with probability p and scales the rest by 1 / (1 − p); otherwise the identity (Srivastava et al. 2014). */
export const dropout = dropping('dropout', (x, p) => functional.dropout(x, p))

/** The same for whole channels of x [n, c, ...], as PyTorch's `Dropout2d` (Tompson et al. 2015). */
export const spatialDropout = dropping('spatialDropout', (x, p) => masked(x, p, 2), ['n', 'c'])

/** The same for whole examples of x [n, ...]: behind a residual's body it leaves out the path (Huang et al. 2016). */
export const dropPath = dropping('dropPath', (x, p) => masked(x, p, 1), ['n'])

/** Sets elements to selu's lowest value with probability p, and scales and shifts so that mean and variance stay (Klambauer et al. 2017). */
export const alphaDropout = dropping('alphaDropout', (x, p) => {
  const lowest = -1.7580993408473766
  const scale = p === 1 ? 0 : 1 / Math.sqrt((1 - p) * (1 + p * lowest ** 2))
  const kept = random.uniform(x.shape).less(1 - p)
  return kept
    .where(x, lowest)
    .mul(scale)
    .add(-scale * lowest * p)
})

/** Dropout with one draw for all axes from `axes` on. */
function masked(x: Tensor, p: number, axes: number): Tensor {
  const kept = random.uniform(x.shape.map((d, i) => (i < axes ? d : 1))).less(1 - p)
  return withBroadcasting('numpy', () => kept.where(p === 1 ? x : x.mul(1 / (1 - p)), 0))
}
