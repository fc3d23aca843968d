// Trees of tensors: arrays and plain objects, taken apart and put together again.

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
    throw new TypeError(
      'compile: arguments may be tensors, numbers, strings, booleans, and arrays and plain objects of them',
    )
  }
  return typeof tree === 'string' ? JSON.stringify(tree) : String(tree)
}
