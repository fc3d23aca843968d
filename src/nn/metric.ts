// Metric learning: a distance with a trained metric, and one network that sees both of two inputs.

import { misfit, mistake } from '../graph/refuse.ts'
import { show } from '../graph/shape.ts'
import type { Tensor } from '../tensor/index.ts'
import { defineModule } from './define.ts'
import { isModule, type Module, type Running } from './module.ts'
import type { Contextual } from './multiplicative.ts'
import { checkWhole, given, type ParameterOptions, parameter } from './parameter.ts'

export interface MahalanobisOptions extends Omit<ParameterOptions, 'biasInit'> {
  /** Rows of L; as many as inputs unless told. Fewer look at fewer directions. */
  readonly rank?: number
}

/**
 * The squared distance (x − z)ᵀM(x − z) with M = LᵀL, which is never negative (Weinberger and Saul 2009): `run` takes x and z
 * [..., size] to [...]. L, weight [rank, size], begins at rows of the identity: Euclid's distance. The call gives Lx, in which
 * distances are Euclid's.
 *
 *     const d = nn.mahalanobis(4).run(x, z)
 */
export function mahalanobis(size: number, options: MahalanobisOptions = {}): Contextual {
  const { rank = size, dtype = 'float32' } = options
  checkWhole('mahalanobis', { size, rank })
  const identity = ([rows, columns]: readonly number[]): Float64Array =>
    Float64Array.from({ length: rows * columns }, (_, i) => (Math.floor(i / columns) === i % columns ? 1 : 0))
  const { init = identity } = options
  type Own = { readonly weight: Tensor }
  return defineModule({
    kind: 'mahalanobis',
    label: rank === size ? `${size}` : `${size}, rank ${rank}`,
    options: { size, ...given({ rank, dtype }, { rank: size, dtype: 'float32' }) },
    shapes: { in: ['...', size], out: ['...', rank] },
    parameters: { weight: parameter('weight', [rank, size], init, dtype) },
    forward: (x, { weight }) => x.matmul(weight.transpose()),
    run: ({ weight }: Own, _, x: Tensor, z: Tensor) => {
      if (x.shape.at(-1) !== size || show(x.shape) !== show(z.shape))
        throw misfit(`mahalanobis: inputs ${show(x.shape)} and ${show(z.shape)}: expected [..., ${size}] twice`)
      return x.sub(z).matmul(weight.transpose()).square().sum(-1)
    },
  })
}

/**
 * One network for both of two inputs (Bromley et al. 1993): `run(a, b)` gives what `compare`, a module of two inputs, makes
 * of body(a) and body(b); the call gives body(x).
 *
 *     const net = nn.siamese(embed, nn.mahalanobis(16))
 *     const l = loss.contrastive(net(a), net(b), isSame)
 */
export function siamese(body: Module, compare: Contextual): Module & Running<[a: Tensor, b: Tensor], Tensor> {
  if (!isModule(body) || !isModule(compare) || typeof compare.run !== 'function')
    throw mistake('siamese: it takes a network and a module of two inputs, as nn.mahalanobis or nn.bilinear')
  type Children = { readonly body: Module; readonly compare: Contextual }
  return defineModule({
    kind: 'siamese',
    children: { body, compare },
    forward: (x, _, { body: embed }: Children) => embed(x),
    run: (_, { body: embed, compare: measure }: Children, a: Tensor, b: Tensor) => measure.run(embed(a), embed(b)),
  })
}
