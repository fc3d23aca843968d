// A mixture of experts: a gate chooses, softly or by the k best, whose outputs count, and each expert sees the rows that chose it.

import { misfit, mistake } from '../graph/refuse.ts'
import { sameShape, show, sizeOf } from '../graph/shape.ts'
import { oneHot, stack, type Tensor, topK, vmap, withBroadcasting } from '../tensor/index.ts'
import { defineModule } from './define.ts'
import { dispatch } from './functional/dispatch.ts'
import { isModule, type Module, type Running, type Tensors } from './module.ts'
import { given } from './parameter.ts'
import { slotsOf } from './tree.ts'

export interface ExpertsOptions {
  /** The gate keeps so many of the largest weights, and makes their sum 1; all of them unless told. */
  readonly top?: number
  /**
   * Rows that an expert takes at most, as a multiple of top · n / experts; what comes later in the batch is left out. Without it
   * every row reaches all of its experts.
   */
  readonly capacity?: number
  /** Whether every expert sees the whole batch, even with fewer kept than there are; false unless told. */
  readonly dense?: boolean
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
 * largest where told. Experts of one architecture then compute the rows alone that chose them: rows are sorted into blocks
 * by expert, and all blocks are one product. Experts that differ, or have buffers, see the whole batch. `run` gives weights
 * and load-balance loss too. Throws when the gate's outputs are not as many as experts, or experts differ in the shape of outputs.
 *
 *     nn.mixtureOfExperts(nn.linear(2, 4), [0, 1, 2, 3].map(() => nn.linear(2, 1)), { top: 2 })
 */
export function mixtureOfExperts(
  gate: Module,
  experts: readonly Module[],
  options: ExpertsOptions = {},
): Module & Running<[x: Tensor], ExpertsResult> {
  const { top = experts.length, capacity, dense = false } = options
  if (!isModule(gate) || experts.length === 0 || !experts.every(isModule))
    throw mistake('mixtureOfExperts: it takes a gate and a list of at least one expert, all modules')
  if (!(Number.isInteger(top) && top >= 1 && top <= experts.length))
    throw misfit(`mixtureOfExperts: top is ${top}, it must be a whole number of 1 to ${experts.length}`)
  if (capacity !== undefined && !(capacity > 0 && capacity < Infinity))
    throw misfit(`mixtureOfExperts: capacity is ${capacity}, it must be positive and finite`)
  if (capacity !== undefined && (dense || !areAlike(experts)))
    throw misfit('mixtureOfExperts: a capacity is for experts of one architecture, without buffers, that are not dense')
  const children: Readonly<Record<string, Module>> = {
    gate,
    ...Object.fromEntries(experts.map((expert, i) => [`expert${i}`, expert])),
  }
  const run = (_: object, modules: Readonly<Record<string, Module>>, x: Tensor): ExpertsResult => {
    const { gate: choose, ...others } = modules
    const list = Object.values(others)
    const scores = choose(x)
    const [n, count] = scores.shape
    if (scores.rank !== 2 || count !== list.length)
      throw misfit(
        `mixtureOfExperts: the gate gives ${show(scores.shape)} for ${list.length} experts: expected [n, ${list.length}]`,
      )
    const all = scores.softmax(-1)
    const first = oneHot(scores.argmax(-1), count, 'float32').cast(all.dtype)
    const balance = first.mean(0).mul(all.mean(0)).sum().mul(count)
    if (top === count && capacity === undefined) return { output: everyOf(list, x, all), weights: all, balance }
    const choice = chosen(scores, top)
    const weights = withBroadcasting('numpy', () =>
      oneHot(choice.indices, count, 'float32').cast(all.dtype).mul(choice.weights.unsqueeze(-1)),
    ).sum(1)
    const size = blockSize(n * top, count)
    const rows = n * top + count * (size - 1)
    const isSparse = capacity !== undefined || (!dense && rows < n * count && areAlike(list))
    const output = isSparse
      ? someOf(
          experts[0],
          list,
          x,
          choice,
          capacity === undefined ? { size } : { capacity: Math.ceil((capacity * top * n) / count) },
        )
      : everyOf(list, x, weights)
    return { output, weights, balance }
  }
  return defineModule({
    kind: 'mixtureOfExperts',
    label: `${experts.length} experts${top < experts.length ? `, top ${top}` : ''}`,
    options: given({ top, capacity, dense }, { top: experts.length, dense: false }),
    children,
    forward: (x, own, modules) => run(own, modules, x).output,
    run,
  })
}

interface Choice {
  /** int32 [n, k]. */
  readonly indices: Tensor
  /** [n, k], which sum to 1. */
  readonly weights: Tensor
}

/** The k largest scores of each row, among equals the first, as weights. */
function chosen(scores: Tensor, k: number): Choice {
  const { indices } = topK(scores.detach(), k)
  return { indices, weights: scores.takeAlong(indices, 1).softmax(-1) }
}

/** All experts' outputs on the whole batch, weighed by weights [n, experts]. */
function everyOf(experts: readonly Module[], x: Tensor, weights: Tensor): Tensor {
  const [n, count] = weights.shape
  const outputs = experts.map((expert) => expert(x))
  const first = outputs[0].shape
  const other = outputs.find((y) => !sameShape(y.shape, first) || y.shape[0] !== n)
  if (other)
    throw misfit(
      `mixtureOfExperts: experts give ${show(first)} and ${show(other.shape)}: expected one shape [${n}, ...]`,
    )
  const shaped = weights.transpose().reshape([count, n, ...new Array<number>(first.length - 1).fill(1)])
  return withBroadcasting('numpy', () => stack(outputs).mul(shaped)).sum(0)
}

/** The outputs of the chosen experts alone: one batched call over blocks of rows, each with its expert's parameters. */
function someOf(
  template: Module,
  experts: readonly Module[],
  x: Tensor,
  { indices, weights }: Choice,
  options: { size: number } | { capacity: number },
): Tensor {
  const [n, k] = indices.shape as [number, number]
  const plan = dispatch(indices, experts.length, options)
  const states = experts.map(
    (expert): Tensors => Object.fromEntries(slotsOf(expert).map(({ path, tensor }) => [path, tensor])),
  )
  const ofBlocks = Object.fromEntries(
    Object.keys(states[0]).map((name) => {
      const all = stack(states.map((state) => state[name]))
      return [name, 'capacity' in options ? all : all.take(plan.experts)]
    }),
  )
  const inputs = x.take(plan.rows).reshape([plan.blocks, plan.size, ...x.shape.slice(1)])
  const outputs = vmap((own: Tensors, rows: Tensor) => template.with(own)(rows))(ofBlocks, inputs)
  if (outputs.rank < 2 || outputs.shape[1] !== plan.size)
    throw misfit(
      `mixtureOfExperts: experts give ${show(outputs.shape.slice(1))} for ${plan.size} rows: expected [n, ...]`,
    )
  const shape = outputs.shape.slice(2)
  const found = outputs
    .reshape([plan.blocks * plan.size, sizeOf(shape)])
    .take(plan.places.reshape([n * k]))
    .reshape([n, k, sizeOf(shape)])
  return withBroadcasting('numpy', () => found.mul(plan.isKept.where(weights, 0).unsqueeze(-1)))
    .sum(1)
    .reshape([n, ...shape])
}

/** Whether experts differ in the values of their parameters alone, and keep no buffers. */
function areAlike(experts: readonly Module[]): boolean {
  const [first, ...rest] = experts.map((expert) => JSON.stringify(expert.config))
  return (
    rest.every((config) => config === first) &&
    experts.every((expert) => slotsOf(expert).length > 0 && slotsOf(expert).every(({ role }) => role === 'parameter'))
  )
}

/** Half of what an expert gets on average, as a power of 2 from 4 to 64: small blocks waste less, large ones read their weights less often. */
const blockSize = (assignments: number, count: number): number =>
  Math.min(64, Math.max(4, 2 ** Math.floor(Math.log2(Math.max(1, assignments / count / 2)))))
