// Forward-mode differentiation: tangents are graphs too, each the transpose of its operation's vector-Jacobian product.

import { build } from '../graph/build.ts'
import { isFloat } from '../graph/dtype.ts'
import {
  type ControlJvp,
  type ControlName,
  isControl,
  isOp,
  type Jvp,
  type Node,
  type OpName,
  type Vjp,
} from '../graph/node.ts'
import { ops } from '../graph/ops/index.ts'
import { misfit, mistake } from '../graph/refuse.ts'
import { sameShape, show } from '../graph/shape.ts'
import { topologicalOrder } from '../graph/walk.ts'
import { pullBack } from './grad.ts'

/**
 * The Jacobian-vector product: the tangent of each output, Σ ∂output/∂node · tangent over the nodes of `wrt`, which are
 * taken as independent; zeros where nothing depends on them.
 */
export function jvp(outputs: readonly Node[], wrt: readonly Node[], tangents: readonly Node[]): Node[] {
  if (wrt.length !== tangents.length)
    throw misfit(`jvp: ${wrt.length} primals and ${tangents.length} tangents: each primal needs one`)
  const known = new Map<Node, Node | null>()
  const results = new Map<Node, readonly (Node | null)[]>()
  wrt.forEach((x, i) => {
    const t = tangents[i] as Node
    if (!isFloat(x.dtype))
      throw mistake(`jvp: cannot differentiate with respect to ${x.dtype} ${show(x.shape)}: cast it to float32 first`)
    if (!sameShape(x.shape, t.shape) || x.dtype !== t.dtype) {
      throw misfit(
        `jvp: primal ${i} is ${x.dtype} ${show(x.shape)}, its tangent ${t.dtype} ${show(t.shape)}: they must be equal`,
      )
    }
    known.set(x, t)
  })
  for (const node of topologicalOrder(outputs, (n) => known.has(n))) {
    if (known.has(node)) continue
    const inputs = node.inputs.map((x) => known.get(x) ?? null)
    if (isControl(node) && inputs.some((t) => t !== null)) {
      results.set(node, (ops[node.op].jvp as ControlJvp<ControlName>)(controlRule, node, inputs))
      continue
    }
    if (isOp(node, 'part')) {
      known.set(node, results.get(node.inputs[0] as Node)?.[node.attributes.index] ?? null)
      continue
    }
    known.set(node, inputs.some((t) => t !== null) ? tangentOf(node, inputs) : null)
  }
  return outputs.map((y) => known.get(y) ?? build.constant(0, y.shape, y.dtype))
}

const controlRule: Parameters<ControlJvp<ControlName>>[0] = {
  b: build,
  stand: ({ shape, dtype }) => build.leaf({}, shape, dtype),
  jvp,
}

function tangentOf(node: Node, tangents: readonly (Node | null)[]): Node | null {
  if (isOp(node, 'custom') && node.attributes.jvp === 'value') return tangents[0] ?? null
  const record = ops[node.op]
  const own = record.jvp as Jvp<OpName> | undefined
  return own ? own(build, node, tangents) : transposed(node, record.vjp as Vjp<OpName> | 'none', tangents)
}

/** The vector-Jacobian product is linear in its cotangent: its own vector-Jacobian product by it is the tangent. */
function transposed(node: Node, rule: Vjp<OpName> | 'none', tangents: readonly (Node | null)[]): Node | null {
  if (rule === 'none' || !isFloat(node.dtype)) return null
  const cotangent = build.leaf({}, node.shape, node.dtype)
  const outputs: Node[] = []
  const given: Node[] = []
  rule(build, node, cotangent).forEach((c, i) => {
    const tangent = tangents[i]
    if (!c || !tangent) return
    outputs.push(c)
    given.push(tangent)
  })
  const isBefore = (n: Node): boolean => n.id < cotangent.id
  const [result] = pullBack(outputs, given, [cotangent], isBefore) as [Node | undefined]
  if (result && topologicalOrder([result], isBefore).includes(cotangent)) {
    const what = node.op === 'custom' ? 'a custom gradient' : `the gradient of ${node.op}`
    throw mistake(
      `jvp: ${what} of ${node.dtype} ${show(node.shape)} is not linear in its cotangent: backward may multiply the cotangent by what it likes, but not bend, clip or square it`,
    )
  }
  return result ?? null
}
