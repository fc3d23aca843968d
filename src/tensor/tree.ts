// Trees of tensors: arrays and plain objects, taken apart and put together again.

import { mistake } from '../graph/refuse.ts'
import type { DTypeOf, Shape } from './shape-types.ts'
import { Tensor } from './tensor.ts'

/** Anything made of tensors, arrays and plain objects; other values are carried along unchanged. */
export type Tree =
  | Tensor
  | readonly Tree[]
  | { readonly [key: string]: Tree }
  | string
  | number
  | boolean
  | null
  | undefined

/** A tree of the same structure, whose tensors may have any shape. */
export type AnyShape<T> = T extends Tensor
  ? Tensor<Shape, DTypeOf<T>>
  : T extends (...args: never[]) => unknown
    ? T
    : T extends object
      ? { [K in keyof T]: AnyShape<T[K]> }
      : T

const isPlain = (v: unknown): v is Record<string, unknown> =>
  typeof v === 'object' &&
  v !== null &&
  (Object.getPrototypeOf(v) === Object.prototype || Object.getPrototypeOf(v) === null)

/** Maps every tensor of a tree; the shape of the tree is kept. */
export function mapTree(tree: unknown, f: (tensor: Tensor) => unknown): unknown {
  if (tree instanceof Tensor) return f(tree)
  if (Array.isArray(tree)) return tree.map((t) => mapTree(t, f))
  if (isPlain(tree)) return Object.fromEntries(Object.entries(tree).map(([k, v]) => [k, mapTree(v, f)]))
  return tree
}

/**
 * Maps every tensor of a tree together with its counterpart in another, whose leaves may stand for whole branches.
 * Throws, in the name of `what`, where the trees differ.
 */
export function zipTree<L>(
  tree: unknown,
  other: unknown,
  isLeaf: (value: unknown) => value is L,
  what: string,
  f: (tensor: Tensor, leaf: L) => unknown,
): unknown {
  if (isLeaf(other)) return mapTree(tree, (t) => f(t, other))
  const differ = (why: string): never => {
    throw mistake(`${what}: the two trees differ: ${why}`)
  }
  if (tree instanceof Tensor)
    return differ(`one has a tensor [${tree.shape.join(', ')}] where the other has ${describe(other)}`)
  if (Array.isArray(tree)) {
    if (!Array.isArray(other) || other.length !== tree.length)
      return differ(`one has a list of ${tree.length} where the other has ${describe(other)}`)
    return tree.map((t, i) => zipTree(t, other[i], isLeaf, what, f))
  }
  if (!isPlain(tree)) return tree
  if (!isPlain(other))
    return differ(`one has { ${Object.keys(tree).join(', ')} } where the other has ${describe(other)}`)
  return Object.fromEntries(Object.entries(tree).map(([k, v]) => [k, zipTree(v, other[k], isLeaf, what, f)]))
}

const describe = (value: unknown): string =>
  Array.isArray(value)
    ? `a list of ${value.length}`
    : isPlain(value)
      ? `{ ${Object.keys(value).join(', ')} }`
      : String(value)

/** The tensors of a tree, in order of appearance. */
export function tensorsOf(tree: unknown): Tensor[] {
  const out: Tensor[] = []
  mapTree(tree, (t) => {
    out.push(t)
    return t
  })
  return out
}

/** A text equal for trees of equal structure, shapes and dtypes. */
export function treeKey(tree: unknown): string {
  if (tree instanceof Tensor) return `${tree.dtype}[${tree.shape.join()}]`
  if (Array.isArray(tree)) return `[${tree.map(treeKey).join()}]`
  if (isPlain(tree))
    return `{${Object.entries(tree)
      .map(([k, v]) => `${JSON.stringify(k)}:${treeKey(v)}`)
      .join()}}`
  if (typeof tree === 'object' || typeof tree === 'function') {
    throw mistake('compile: arguments may be tensors, numbers, strings, booleans, and arrays and plain objects of them')
  }
  return typeof tree === 'string' ? JSON.stringify(tree) : String(tree)
}
