// Dropout.

import { runtime } from '../tensor/index.ts'
import { defineModule } from './define.ts'
import * as functional from './functional.ts'
import type { Module } from './module.ts'

/** While training, zeroes each element with probability p and scales the rest by 1 / (1 − p); otherwise the identity (Srivastava et al. 2014). */
export function dropout(p = 0.5): Module<['...'], ['...'], 'dropout'> {
  if (!(p >= 0 && p <= 1)) throw new RangeError(`dropout: the probability is ${p}, it must lie in [0, 1]`)
  return defineModule({
    kind: 'dropout',
    label: `${p}`,
    options: { p },
    shapes: { in: ['...'], out: ['...'] },
    forward: (x) => (runtime.training ? functional.dropout(x, p) : x),
  })
}
