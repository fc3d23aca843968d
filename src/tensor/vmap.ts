// vmap: a function of one example becomes a function of many at once, without a loop.

import { build } from '../graph/build.ts'
import type { Node } from '../graph/node.ts'
import { moveAxis } from '../graph/ops/batch.ts'
import { misfit, mistake } from '../graph/refuse.ts'
import { normalizeAxis, show, without } from '../graph/shape.ts'
import { Batching } from '../transform/batch.ts'
import type { DTypeOf, Shape } from './shape-types.ts'
import { Tensor, wrap } from './tensor.ts'
import { placeholder, transforming } from './transforming.ts'
import { type AnyShape, zipTree } from './tree.ts'

/** The axis that holds the examples; null: one value for all. An array or object says it for each part of a tree. */
export type MappedAxes = number | null | readonly MappedAxes[] | { readonly [key: string]: MappedAxes }

/** A tree with an axis more in its tensors, of whose shapes the compiler then knows nothing. */
export type Mapped<T> = T extends Tensor
  ? Tensor<Shape, DTypeOf<T>>
  : T extends (...args: never) => unknown
    ? T
    : T extends object
      ? { [K in keyof T]: Mapped<T[K]> }
      : T

export interface VmapOptions {
  /** Axes of the arguments: one for all, or a list with an entry for each; 0 unless told. */
  readonly in?: MappedAxes
  /** Axes of the results, 0 unless told; null where a result is the same for all examples. */
  readonly out?: MappedAxes
  /** Whether random draws inside differ from example to example, as they do unless told, or are the same for all. */
  readonly randomness?: 'different' | 'same'
}

/**
 * Maps a function over an axis of its arguments: it is written for one example, whose tensors lack that axis, and runs
 * for all examples at once. Gradients may be taken inside and outside, and maps of maps. Arguments and results may be
 * trees of tensors. Throws where arguments disagree on the number of examples.
 *
 *     const perSample = vmap(grad(loss), { in: [null, 0, 0] })
 *     const gradients = perSample(parameters, inputs, targets) //   [examples, ...] for each parameter
 */
export function vmap<A extends readonly unknown[], R>(
  fn: (...args: A) => R,
  options?: VmapOptions,
): (...args: { [K in keyof A]: Mapped<A[K]> }) => Mapped<R>
export function vmap<A extends readonly unknown[], R>(
  fn: (...args: A) => R,
  options: VmapOptions = {},
): (...args: { [K in keyof A]: AnyShape<A[K]> }) => AnyShape<R> {
  const { in: inAxes = 0, out: outAxes = 0, randomness = 'different' } = options
  return (...args) => {
    if (Array.isArray(inAxes) && inAxes.length !== args.length)
      throw misfit(`vmap: axes for ${inAxes.length} arguments, but ${args.length} were given`)
    const examples: [Node, Node][] = []
    let first: { size: number; what: string } | undefined
    const inner = args.map((argument, i) =>
      zipTree(argument, Array.isArray(inAxes) ? inAxes[i] : inAxes, isAxis, 'vmap', (t, axis) => {
        if (axis === null) return t
        const at = normalizeAxis(axis, t.rank, 'vmap')
        const found = { size: t.shape[at] as number, what: `argument ${i} ${show(t.shape)} along axis ${at}` }
        first ??= found
        if (found.size !== first.size) {
          throw misfit(
            `vmap: ${first.what} has ${first.size} examples, ${found.what} has ${found.size}: they must be equal; for a value that is the same for all give its axis as null`,
          )
        }
        const one = placeholder(without(t.shape, [at]), t.dtype)
        examples.push([one, moveAxis(build, t.node, at, 0)])
        return new Tensor(one)
      }),
    )
    if (!first) throw misfit('vmap: no argument holds examples: give at least one tensor an axis')
    const { size } = first
    const index = placeholder([], 'int32')
    const batching = new Batching(size, [...examples, [index, build.iota([size], 0)]])
    const result = transforming(
      () => withNodes(fn(...(inner as unknown as A))),
      randomness === 'different' ? index : undefined,
    )
    return zipTree(result, outAxes, isAxis, 'vmap', (t, axis) => {
      if (axis !== null) return wrap(moveAxis(build, batching.all(t.node), 0, normalizeAxis(axis, t.rank + 1, 'vmap')))
      const { node, isBatched } = batching.of(t.node)
      if (isBatched) throw misfit(`vmap: a result ${show(t.shape)} depends on the example: its axis cannot be null`)
      return wrap(node)
    }) as AnyShape<R>
  }
}

const isAxis = (axes: unknown): axes is number | null => typeof axes === 'number' || axes === null

/** Variables as the values that they have now. */
function withNodes(result: unknown): unknown {
  if (result instanceof Promise)
    throw mistake('vmap: the function is async: only synchronous functions of tensors can be mapped')
  return zipTree(result, null, isAxis, 'vmap', (t) => new Tensor(t.node))
}
