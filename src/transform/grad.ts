// Reverse-mode differentiation: gradients are graphs, built from the derivative rule of each operation.

import { build, within } from '../graph/build.ts'
import { isFloat } from '../graph/dtype.ts'
import {
  type ControlName,
  type ControlRule,
  type ControlVjp,
  isControl,
  isOp,
  type Node,
  type OpName,
  type Scope,
  type Vjp,
} from '../graph/node.ts'
import { resultsOf } from '../graph/ops/control.ts'
import { ops } from '../graph/ops/index.ts'
import { misfit, mistake } from '../graph/refuse.ts'
import { sameShape, show } from '../graph/shape.ts'
import { topologicalOrder } from '../graph/walk.ts'

/**
 * The vector-Jacobian product: for each node of `wrt` the cotangent Σ ⟨cotangents, ∂outputs/∂node⟩, zeros where nothing
 * depends on it. Any node may be differentiated with respect to, a weight and an input alike (Rumelhart 1986).
 */
export function vjp(outputs: readonly Node[], cotangents: readonly Node[], wrt: readonly Node[]): readonly Node[] {
  if (cotangents.length !== outputs.length)
    throw misfit(`vjp: ${outputs.length} outputs and ${cotangents.length} cotangents: each output needs one`)
  outputs.forEach((y, i) => {
    const c = cotangents[i]
    const differ = (of: string, has: string): string =>
      `vjp: output ${i} ${of}, its cotangent ${has}: they must be equal`
    if (!sameShape(y.shape, c.shape)) throw misfit(differ(`has shape ${show(y.shape)}`, show(c.shape)))
    if (y.dtype !== c.dtype) throw mistake(differ(`is ${y.dtype}`, c.dtype))
  })
  for (const x of wrt) {
    if (!isFloat(x.dtype))
      throw mistake(`grad: cannot differentiate with respect to ${x.dtype} ${show(x.shape)}: cast it to float32 first`)
  }
  const sums = pullBack(outputs, cotangents, wrt)
  return wrt.map((x, i) => sums[i] ?? build.constant(0, x.shape, x.dtype))
}

/** The cotangents of `wrt`, undefined where none arrives. Nodes for which `stop` holds are not followed further; what they are made of does not depend on any of `wrt`. */
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
  /** Cotangents of the results of operations that have several. */
  const parts = new Map<Node, Node[]>()
  for (let i = order.length - 1; i >= 0; i--) {
    const node = order[i] as Node
    if (stop?.(node) || !node.inputs.some((x) => needed.has(x))) continue
    within(derivative(node.scope), () => {
      for (const [k, c] of cotangentsOf(node).entries()) {
        const input = node.inputs[k] as Node
        if (c && needed.has(input)) accumulate(input, c)
      }
    })
  }
  return wrt.map((x) => sums.get(x))

  /** What reaches the inputs of a node from what has reached it. */
  function cotangentsOf(node: Node): readonly (Node | null)[] {
    if (isControl(node)) return ofParts(node)
    const cotangent = sums.get(node)
    if (!cotangent) return []
    if (isOp(node, 'part')) {
      const [from] = node.inputs
      const { index } = node.attributes
      const list = parts.get(from) ?? []
      list[index] = list[index] ? build.binary('add', list[index], cotangent) : cotangent
      parts.set(from, list)
      return []
    }
    const rule = ops[node.op].vjp as Vjp<OpName> | 'none'
    return rule === 'none' ? [] : rule(build, node, cotangent)
  }

  function ofParts(node: Node<ControlName>): readonly (Node | null)[] {
    const given = parts.get(node)
    if (!given) return []
    const rule = ops[node.op].vjp as ControlVjp<ControlName>
    const all = resultsOf(node).map((_, i) => given[i] ?? null)
    return rule(
      controlRule,
      node,
      all,
      node.inputs.map((x) => needed.has(x)),
    )
  }
}

const controlRule: ControlRule = {
  b: build,
  stand: ({ shape, dtype }) => build.leaf({}, shape, dtype),
  vjp: ({ parameters, outputs }, cotangents, wrt) => {
    const ends = new Set(parameters)
    const sums = pullBack(outputs, cotangents, wrt, (x) => ends.has(x))
    return wrt.map((x, i) => sums[i] ?? build.constant(0, x.shape, x.dtype))
  },
}

/** Gradients of a scalar node, by `differentiate`. Throws when it is not a scalar of a float dtype. */
export function grad(output: Node, wrt: readonly Node[], differentiate = vjp): readonly Node[] {
  if (output.shape.length !== 0) {
    throw misfit(
      `grad: the output has shape ${show(output.shape)}, it must be a scalar: use sum() or mean(), or vjp with a cotangent`,
    )
  }
  if (!isFloat(output.dtype)) throw mistake(`grad: the output is ${output.dtype}, it must be float32 or float64`)
  return differentiate([output], [build.constant(1, [], output.dtype)], wrt)
}
