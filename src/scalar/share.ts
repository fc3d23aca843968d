// Structural sharing: equal sub-expressions become one object, so that each is computed once.

import { type Expr, rewrite } from './expr.ts'

/** A function that returns, for structurally equal expressions, the same object: across all expressions it is given. */
export function sharer(): (root: Expr) => Expr {
  const table = new Map<string, Expr>()
  const ids = new Map<Expr, number>()
  const intern = (e: Expr): Expr => {
    const value = Object.is(e.value, -0) ? '-0' : e.value
    const key = `${e.name ?? e.op} ${e.type} ${value} ${e.args.map((a) => ids.get(a)).join()}`
    const known = table.get(key)
    if (known) return known
    table.set(key, e)
    ids.set(e, ids.size)
    return e
  }
  const memo = new Map<Expr, Expr>()
  return (root) => rewrite(root, intern, memo)
}
