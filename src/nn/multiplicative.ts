// Blocks in which inputs multiply (Jayakumar et al. 2020): multiplicative interaction, bilinear maps, FiLM, hypernetworks.

import { misfit, mistake } from '../graph/refuse.ts'
import { show } from '../graph/shape.ts'
import { einsum, type Tensor, withBroadcasting } from '../tensor/index.ts'
import { defineModule } from './define.ts'
import { uniform } from './init.ts'
import { linear } from './linear.ts'
import type { Module, Running } from './module.ts'
import { checkWhole, given, type ParameterOptions, parameter } from './parameter.ts'

/** A module of x and a context z, both [..., size] with the same leading axes. */
export type Contextual = Module & Running<[x: Tensor, context: Tensor], Tensor>

export interface InteractionOptions extends ParameterOptions {
  /** 'full' unless told; 'diagonal' scales each input by itself and needs as many outputs as inputs. */
  readonly form?: 'full' | 'diagonal' | 'lowRank'
  /** The rank of 'lowRank': the tensor is a sum of so many outer products. */
  readonly rank?: number
}

/**
 * y = zᵀWx + zᵀU + Vx + b: every output a bilinear form of x [..., inputs] and z [..., context], with weight
 * [context, inputs, outputs], weight_z [context, outputs], weight_x [outputs, inputs] and bias [outputs]. With W = 0 it is a
 * linear map of both side by side. Diagonal: y = (zᵀW + weight_x) ⊙ x + zᵀU + b, which is FiLM. Low-rank:
 * W = Σᵣ weight_a[r] ⊗ weight_b[r] ⊗ weight_c[r]. `run` takes x and z.
 *
 *     const y = nn.multiplicativeInteraction(4, 3, 2).run(x, z)
 */
export function multiplicativeInteraction(
  inputs: number,
  context: number,
  outputs: number,
  options: InteractionOptions = {},
): Contextual {
  const kind = 'multiplicativeInteraction'
  const { form = 'full', rank, dtype = 'float32' } = options
  checkWhole(kind, { inputs, context, outputs, ...(rank === undefined ? {} : { rank }) })
  if (form !== 'full' && form !== 'diagonal' && form !== 'lowRank')
    throw misfit(`${kind}: unknown form '${String(form)}': use 'full', 'diagonal' or 'lowRank'`)
  if ((form === 'lowRank') !== (rank !== undefined))
    throw misfit(`${kind}: form '${form}' with rank ${rank}: give a rank for 'lowRank', and for it alone`)
  if (form === 'diagonal' && inputs !== outputs)
    throw misfit(`${kind}: a diagonal form of ${inputs} inputs has ${inputs} outputs, not ${outputs}`)
  const bound = 1 / Math.sqrt(inputs)
  const { init = uniform(-bound, bound), biasInit = init } = options
  const slots: { readonly [name: string]: readonly number[] } = {
    ...weightsOf[form](inputs, context, outputs, rank ?? 0),
    weight_z: [context, outputs],
    weight_x: form === 'diagonal' ? [outputs] : [outputs, inputs],
    bias: [outputs],
  }
  type Slots = Readonly<Record<keyof typeof slots, Tensor>>
  return defineModule({
    kind,
    label: `${inputs}, ${context}→${outputs}${form === 'full' ? '' : `, ${form}`}`,
    options: { inputs, context, outputs, ...given({ form, rank, dtype }, { form: 'full', dtype: 'float32' }) },
    parameters: Object.fromEntries(
      Object.entries(slots).map(([name, shape]) => [
        name,
        parameter(name, shape, name === 'bias' ? biasInit : init, dtype),
      ]),
    ),
    forward: () => needsContext(kind),
    run: (own: Slots, _, x: Tensor, z: Tensor) => {
      checkPair(kind, x, inputs, z, context)
      return withBroadcasting('numpy', () => {
        const fromContext = z.matmul(own.weight_z).add(own.bias)
        const direct = form === 'diagonal' ? x.mul(own.weight_x) : x.matmul(own.weight_x.transpose())
        return products[form](x, z, own).add(direct).add(fromContext)
      })
    },
  })
}

type Form = NonNullable<InteractionOptions['form']>

const weightsOf: {
  readonly [F in Form]: (
    inputs: number,
    context: number,
    outputs: number,
    rank: number,
  ) => { readonly [name: string]: readonly number[] }
} = {
  full: (n, m, k) => ({ weight: [m, n, k] }),
  diagonal: (n, m) => ({ weight: [m, n] }),
  lowRank: (n, m, k, rank) => ({ weight_a: [rank, m], weight_b: [rank, n], weight_c: [rank, k] }),
}

/** zᵀWx for each form of W. */
const products: {
  readonly [F in Form]: (x: Tensor, z: Tensor, own: Readonly<Record<string, Tensor>>) => Tensor
} = {
  full: (x, z, own) => bilinearForm(z, x, own.weight),
  diagonal: (x, z, own) => z.matmul(own.weight).mul(x),
  lowRank: (x, z, own) =>
    z.matmul(own.weight_a.transpose()).mul(x.matmul(own.weight_b.transpose())).matmul(own.weight_c),
}

/** Σ_mn a_m W_mnk b_n for a [..., m], b [..., n], W [m, n, k]. */
const bilinearForm = (a: Tensor, b: Tensor, weight: Tensor): Tensor => {
  const lead = a.shape.slice(0, -1)
  const flat = (t: Tensor): Tensor => t.reshape([lead.reduce((n, d) => n * d, 1), t.shape[t.rank - 1]])
  return einsum('bm,mnk,bn->bk', flat(a), weight, flat(b)).reshape([...lead, weight.shape[2]])
}

/** y_k = aᵀ weight_k b + bias_k for weight [outputs, a, b], as PyTorch's `Bilinear`; `run` takes both inputs. */
export function bilinear(
  first: number,
  second: number,
  outputs: number,
  options: ParameterOptions & { readonly bias?: boolean } = {},
): Module & Running<[a: Tensor, b: Tensor], Tensor> {
  checkWhole('bilinear', { first, second, outputs })
  const bound = 1 / Math.sqrt(first)
  const { bias = true, init = uniform(-bound, bound), biasInit = init, dtype = 'float32' } = options
  const weight = parameter('weight', [outputs, first, second], init, dtype)
  type Slots = { readonly weight: Tensor; readonly bias?: Tensor }
  return defineModule({
    kind: 'bilinear',
    label: `${first}, ${second}→${outputs}`,
    options: { first, second, outputs, ...given({ bias, dtype }, { bias: true, dtype: 'float32' }) },
    parameters: bias ? { weight, bias: parameter('bias', [outputs], biasInit, dtype) } : { weight },
    forward: () => needsContext('bilinear'),
    run: (own: Slots, _, a: Tensor, b: Tensor) => {
      checkPair('bilinear', a, first, b, second)
      const y = bilinearForm(a, b, own.weight.permute([1, 2, 0]))
      const { bias } = own
      return bias ? withBroadcasting('numpy', () => y.add(bias)) : y
    },
  })
}

/** γ(z) ⊙ x + β(z) with linear γ and β of the context (Perez et al. 2018): x [n, channels, ...], z [n, context]. */
export function film(channels: number, context: number, options: ParameterOptions = {}): Contextual {
  checkWhole('film', { channels, context })
  const { dtype = 'float32' } = options
  return defineModule({
    kind: 'film',
    label: `${channels}, ${context}`,
    options: { channels, context, ...given({ dtype }, { dtype: 'float32' }) },
    children: {
      scale: linear(context, channels, options) as Module,
      shift: linear(context, channels, options) as Module,
    },
    forward: () => needsContext('film'),
    run: (_, { scale, shift }, x: Tensor, z: Tensor) => {
      if (x.rank < 2 || x.shape[1] !== channels || z.rank !== 2 || z.shape[0] !== x.shape[0])
        throw misfit(
          `film: input ${show(x.shape)} with context ${show(z.shape)}: expected [n, ${channels}, ...] and [n, ${context}]`,
        )
      const apart = (t: Tensor): Tensor => t.reshape([...t.shape, ...new Array<number>(x.rank - 2).fill(1)])
      return withBroadcasting('numpy', () => x.mul(apart(scale(z))).add(apart(shift(z))))
    },
  })
}

/**
 * A linear map whose weights a network makes of the context, for each example its own (Ha et al. 2016): y = W(z)x + b(z),
 * where `generator` maps z [n, context] to [n, outputs·inputs + outputs], weights first, row-major. With a linear generator
 * it is the full multiplicative interaction.
 */
export function hypernetwork(inputs: number, outputs: number, generator: Module): Contextual {
  checkWhole('hypernetwork', { inputs, outputs })
  const count = outputs * inputs
  return defineModule({
    kind: 'hypernetwork',
    label: `${inputs}→${outputs}`,
    options: { inputs, outputs },
    children: { generator },
    forward: () => needsContext('hypernetwork'),
    run: (_, { generator: make }, x: Tensor, z: Tensor) => {
      const made = make(z)
      const n = x.shape[0]
      if (
        x.rank !== 2 ||
        x.shape[1] !== inputs ||
        made.rank !== 2 ||
        made.shape[0] !== n ||
        made.shape[1] !== count + outputs
      )
        throw misfit(
          `hypernetwork: input ${show(x.shape)} with generated ${show(made.shape)}: expected [n, ${inputs}] and [n, ${count + outputs}]`,
        )
      const weight = made.slice(null, [0, count]).reshape([n, outputs, inputs])
      return weight
        .matmul(x.unsqueeze(2))
        .squeeze(2)
        .add(made.slice(null, [count, count + outputs]))
    },
  })
}

const needsContext = (kind: string): never => {
  throw mistake(`${kind}: it needs two inputs: call run(x, z)`)
}

function checkPair(kind: string, a: Tensor, first: number, b: Tensor, second: number): void {
  const [m, n] = [a.shape.slice(0, -1), b.shape.slice(0, -1)]
  if (a.shape.at(-1) !== first || b.shape.at(-1) !== second || show(m) !== show(n))
    throw misfit(
      `${kind}: inputs ${show(a.shape)} and ${show(b.shape)}: expected [..., ${first}] and [..., ${second}] with the same leading axes`,
    )
}
