// A mixture of experts: a gate chooses, softly or by the k best, whose outputs count.

import { misfit } from '../graph/refuse.ts'
import { sameShape, show } from '../graph/shape.ts'
import { oneHot, stack, type Tensor, topK, withBroadcasting } from '../tensor/index.ts'
import { defineModule } from './define.ts'
import { isModule, type Module, type Running } from './module.ts'

export interface ExpertsOptions {
  /** The gate keeps so many of the largest weights, and makes their sum 1; all of them unless told. */
  readonly top?: number
}

export interface ExpertsResult {
  readonly output: Tensor
  /** [n, experts]: what each expert's output was weighed by. */
  readonly weights: Tensor
  /** experts · Σ (share of first choices) · (mean probability), to add to the loss: 1 when all are used alike (Shazeer 2017; Fedus 2021). */
  readonly balance: Tensor
}

/**
 * y = Σ pᵢ(x) expertᵢ(x) over x [n, ...], p the softmax of gate(x) [n, experts] (Jacobs et al. 1991), kept to the `top`
 * largest where told. Every expert sees the whole batch. `run` gives weights and load-balance loss too. Throws when the
 * gate's outputs are not as many as experts, or experts differ in the shape of outputs.
 *
 *     nn.mixtureOfExperts(nn.linear(2, 4), [0, 1, 2, 3].map(() => nn.linear(2, 1)), { top: 2 })
 */
export function mixtureOfExperts(
  gate: Module,
  experts: readonly Module[],
  options: ExpertsOptions = {},
): Module & Running<[x: Tensor], ExpertsResult> {
  const { top = experts.length } = options
  if (!isModule(gate) || experts.length === 0 || !experts.every(isModule))
    throw new TypeError('mixtureOfExperts: it takes a gate and a list of at least one expert, all modules')
  if (!(Number.isInteger(top) && top >= 1 && top <= experts.length))
    throw new RangeError(`mixtureOfExperts: top is ${top}, it must be a whole number of 1 to ${experts.length}`)
  const children: Readonly<Record<string, Module>> = {
    gate,
    ...Object.fromEntries(experts.map((expert, i) => [`expert${i}`, expert])),
  }
  const run = (_: object, modules: Readonly<Record<string, Module>>, x: Tensor): ExpertsResult => {
    const { gate: choose, ...others } = modules
    const scores = choose(x)
    const list = Object.values(others)
    const [n, count] = scores.shape
    if (scores.rank !== 2 || count !== list.length)
      throw misfit(
        `mixtureOfExperts: the gate gives ${show(scores.shape)} for ${list.length} experts: expected [n, ${list.length}]`,
      )
    const outputs = list.map((expert) => expert(x))
    const first = outputs[0].shape
    const other = outputs.find((y) => !sameShape(y.shape, first) || y.shape[0] !== n)
    if (other)
      throw misfit(
        `mixtureOfExperts: experts give ${show(first)} and ${show(other.shape)}: expected one shape [${n}, ...]`,
      )
    const all = scores.softmax(-1)
    const weights = top < count ? kept(scores, top).softmax(-1) : all
    const chosen = oneHot(scores.argmax(-1), count, 'float32').cast(all.dtype)
    const shaped = weights.transpose().reshape([count, n, ...new Array<number>(first.length - 1).fill(1)])
    return {
      output: withBroadcasting('numpy', () => stack(outputs).mul(shaped)).sum(0),
      weights,
      balance: chosen.mean(0).mul(all.mean(0)).sum().mul(count),
    }
  }
  return defineModule({
    kind: 'mixtureOfExperts',
    label: `${experts.length} experts${top < experts.length ? `, top ${top}` : ''}`,
    options: top < experts.length ? { top } : {},
    children,
    forward: (x, own, modules) => run(own, modules, x).output,
    run,
  })
}

/** −∞ for all but the k largest of each row; among equals the first. */
function kept(scores: Tensor, k: number): Tensor {
  const { indices } = topK(scores.detach(), k)
  const isKept = oneHot(indices, scores.shape[1], 'float32').sum(-2).greater(0)
  return isKept.where(scores, -Infinity)
}
