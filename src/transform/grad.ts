// Reverse-mode differentiation: gradients are graphs, built from the derivative rule of each operation.

import { build, within } from '../graph/build.ts'
import { isFloat } from '../graph/dtype.ts'
import type { Node, OpName, Scope, Vjp } from '../graph/node.ts'
import { ops } from '../graph/ops/index.ts'
import { sameShape, show } from '../graph/shape.ts'
import { topologicalOrder } from '../graph/walk.ts'

/**
 * The vector-Jacobian product: for each node of `wrt` the cotangent Σ ⟨cotangents, ∂outputs/∂node⟩, zeros where nothing
 * depends on it. Any node may be differentiated with respect to, a weight and an input alike (Rumelhart 1986).
 */
export function vjp(outputs: readonly Node[], cotangents: readonly Node[], wrt: readonly Node[]): Node[] {
  if (cotangents.length !== outputs.length)
    throw new RangeError(`vjp: ${outputs.length} outputs and ${cotangents.length} cotangents: each output needs one`)
  outputs.forEach((y, i) => {
    const c = cotangents[i]
    const differ = (of: string, has: string): string =>
      `vjp: output ${i} ${of}, its cotangent ${has}: they must be equal`
    if (!sameShape(y.shape, c.shape)) throw new RangeError(differ(`has shape ${show(y.shape)}`, show(c.shape)))
    if (y.dtype !== c.dtype) throw new TypeError(differ(`is ${y.dtype}`, c.dtype))
  })
  for (const x of wrt) {
    if (!isFloat(x.dtype))
      throw new TypeError(
        `grad: cannot differentiate with respect to ${x.dtype} ${show(x.shape)}: cast it to float32 first`,
      )
  }
  const sums = pullBack(outputs, cotangents, wrt)
  return wrt.map((x, i) => sums[i] ?? build.constant(0, x.shape, x.dtype))
}

/** The cotangents of `wrt`, undefined where none arrives. Nodes for which `stop` holds do not depend on any of `wrt`. */
export function pullBack(
  outputs: readonly Node[],
  cotangents: readonly Node[],
  wrt: readonly Node[],
  stop?: (node: Node) => boolean,
): (Node | undefined)[] {
  const order = topologicalOrder(outputs, stop)
  const targets = new Set(wrt)
  const needed = new Set<Node>()
  for (const node of order) {
    const isReached = (): boolean => !stop?.(node) && node.inputs.some((x) => needed.has(x))
    if (targets.has(node) || (node.op !== 'stopGradient' && isReached())) needed.add(node)
  }
  const derivatives = new Map<Scope | undefined, Scope>()
  const derivative = (of: Scope | undefined): Scope => {
    const known = derivatives.get(of) ?? { path: of?.path ?? '', name: of?.name ?? '', order: (of?.order ?? 0) + 1 }
    derivatives.set(of, known)
    return known
  }
  const sums = new Map<Node, Node>()
  const accumulate = (node: Node, c: Node): void => {
    const old = sums.get(node)
    sums.set(node, old ? build.binary('add', old, c) : c)
  }
  outputs.forEach((y, i) => {
    if (needed.has(y)) accumulate(y, cotangents[i] as Node)
  })
  for (let i = order.length - 1; i >= 0; i--) {
    const node = order[i] as Node
    const cotangent = sums.get(node)
    if (!cotangent || !node.inputs.some((x) => needed.has(x))) continue
    const rule = ops[node.op].vjp as Vjp<OpName> | 'none'
    if (rule === 'none') continue
    within(derivative(node.scope), () => {
      rule(build, node, cotangent).forEach((c, k) => {
        const input = node.inputs[k] as Node
        if (c && needed.has(input)) accumulate(input, c)
      })
    })
  }
  return wrt.map((x) => sums.get(x))
}

/** Gradients of a scalar node, by `differentiate`. Throws when it is not a scalar of a float dtype. */
export function grad(output: Node, wrt: readonly Node[], differentiate = vjp): Node[] {
  if (output.shape.length !== 0) {
    throw new RangeError(
      `grad: the output has shape ${show(output.shape)}, it must be a scalar: use sum() or mean(), or vjp with a cotangent`,
    )
  }
  if (!isFloat(output.dtype)) throw new TypeError(`grad: the output is ${output.dtype}, it must be float32 or float64`)
  return differentiate([output], [build.constant(1, [], output.dtype)], wrt)
}
