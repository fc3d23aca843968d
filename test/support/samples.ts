/** The samples of `domains`, as nodes and as smooth functions. */

import { build } from '../../src/graph/build.ts'
import { allocate, type DType, representable } from '../../src/graph/dtype.ts'
import type { Node, OpAttributes, OpName } from '../../src/graph/node.ts'
import { Tensor, tensor } from '../../src/tensor/index.ts'
import { type Domain, domains, type Sample } from '../graph/domains.ts'
import type { Point, Smooth } from './derivative.ts'
import type { Random } from './random.ts'

export const names = Object.keys(domains) as OpName[]
export type Attributes = OpAttributes[OpName]
export const domainOf = (name: OpName): Domain<Attributes> => domains[name] as Domain<Attributes>

export const sizeOf = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1)

export function leavesOf(sample: Sample<Attributes>, inputs: readonly (readonly number[])[], dtype: DType): Tensor[] {
  return sample.inputs.map((x, i) => {
    const own = x.dtype ?? dtype
    const data = allocate(own, inputs[i].length)
    inputs[i].forEach((v, k) => {
      data[k] = representable(v, own)
    })
    return tensor(data, { shape: x.shape, dtype: own })
  })
}

export function makeOf(
  name: OpName,
  { attributes }: Pick<Sample<Attributes>, 'attributes'>,
  inputs: readonly Node[],
  dtype: DType,
): Node {
  if ('value' in attributes && name === 'constant') return build.constant(attributes.value, [2, 3], dtype)
  return domainOf(name).make?.(inputs, attributes) ?? build.node(name, inputs, attributes)
}

/** The operation as a function of its float inputs alone. */
export function asSmooth(name: OpName, sample: Sample<Attributes>, random: Random): { f: Smooth; at: Point[] } {
  const all = sample.inputs.map((x) => x.values(random, sizeOf(x.shape)))
  const isFixed = sample.inputs.map((x) => x.dtype !== undefined)
  const fixed = leavesOf(sample, all, 'float64')
  const at = sample.inputs.flatMap((x, i) => (isFixed[i] ? [] : [{ shape: x.shape, data: all[i] }]))
  const f: Smooth = (inputs) => {
    let next = 0
    const nodes = fixed.map((x, i) => (isFixed[i] ? x.node : inputs[next++].node))
    const y = makeOf(name, sample, nodes, 'float64')
    return y.dtype === 'float64' ? [new Tensor(y)] : []
  }
  return { f, at }
}
