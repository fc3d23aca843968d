// Safe where: operations whose derivative is infinite somewhere get a harmless input wherever the branch they are in is not taken.

import { build as b } from '../../graph/build.ts'
import { isFloat } from '../../graph/dtype.ts'
import { isOp, type Node, type OpName } from '../../graph/node.ts'
import { isPointwise } from '../../graph/ops/pointwise.ts'
import { sameShape } from '../../graph/shape.ts'
import type { Matcher } from './match.ts'

interface Danger {
  /** The input that may be out of the domain. */
  readonly input: number
  /** One that is not. */
  readonly harmless: number
}

/** Operations whose derivative may be infinite or NaN at a finite input. */
const dangers: { readonly [O in OpName]?: Danger } = {
  sqrt: { input: 0, harmless: 1 },
  log: { input: 0, harmless: 1 },
  log1p: { input: 0, harmless: 0 },
  exp: { input: 0, harmless: 0 },
  expm1: { input: 0, harmless: 0 },
  sinh: { input: 0, harmless: 0 },
  cosh: { input: 0, harmless: 0 },
  tan: { input: 0, harmless: 0 },
  asin: { input: 0, harmless: 0 },
  acos: { input: 0, harmless: 0 },
  acosh: { input: 0, harmless: 2 },
  atanh: { input: 0, harmless: 0 },
  div: { input: 1, harmless: 1 },
  pow: { input: 0, harmless: 1 },
}

const mostNodes = 64

/** The choice with both branches guarded, or undefined where nothing in them needs it. */
export function guarded(m: Matcher, root: Node): Node | undefined {
  const [condition, a, c] = root.inputs as [Node, Node, Node]
  // What the condition itself is made of is computed on both sides anyway.
  const known = reachable(condition, root)
  const [x, y] = [guardBranch(m, a, condition, known, true), guardBranch(m, c, condition, known, false)]
  return x === a && y === c ? undefined : b.where(condition, x, y)
}

const isInside = (node: Node, root: Node): boolean =>
  isPointwise(node.op) && node.op !== 'stopGradient' && sameShape(node.shape, root.shape) && isFloat(node.dtype)

function reachable(from: Node, root: Node): ReadonlySet<Node> {
  const seen = new Set<Node>([from])
  for (const node of seen) {
    if (seen.size > mostNodes) break
    if (node === from || isInside(node, root)) for (const input of node.inputs) seen.add(input)
  }
  return seen
}

/** A copy of the pointwise work behind a branch whose dangerous operations read a harmless number where the branch is not taken. */
function guardBranch(m: Matcher, branch: Node, condition: Node, known: ReadonlySet<Node>, whenTrue: boolean): Node {
  const copies = new Map<Node, Node>()
  let left = mostNodes
  const copy = (node: Node): Node => {
    const made = copies.get(node)
    if (made) return made
    if (!isInside(node, branch) || known.has(node) || m.isBarrier(node) || left-- <= 0) return node
    // Its derivative was given, and speaks of the inputs it was made with.
    if (isOp(node, 'custom')) return node
    const inputs = node.inputs.map(copy)
    const danger = dangers[node.op]
    const input = danger && inputs[danger.input]
    if (danger && input && !isHarmless(m, node.op, input) && !isChosen(m, input, condition, whenTrue)) {
      inputs[danger.input] = whenTrue
        ? b.where(condition, input, danger.harmless)
        : b.where(condition, danger.harmless, input)
    }
    const isSame = inputs.every((x, i) => x === node.inputs[i])
    const result = isSame ? node : b.node(node.op, inputs, node.attributes)
    copies.set(node, result)
    return result
  }
  return copy(branch)
}

/** Whether the operation's derivative is finite at this input, by the way it is made. */
function isHarmless(m: Matcher, op: OpName, input: Node): boolean {
  const value = m.number(input)
  if (value !== undefined) return op !== 'div' || value !== 0
  if (op === 'exp' || op === 'expm1') return m.isNeverPositive(input)
  if (op === 'log1p') return m.as('exp', input) !== undefined
  return op === 'div' && isAtLeastOne(m, input)
}

/** 1 + |x|, 1 + eˣ and the like. */
function isAtLeastOne(m: Matcher, node: Node): boolean {
  const rest = m.lessNumber(node, 1)
  return rest !== undefined && ['abs', 'exp', 'sigmoid', 'sqrt'].includes(m.open(rest).op)
}

/** Whether the input is a choice by the same condition already. */
function isChosen(m: Matcher, input: Node, condition: Node, whenTrue: boolean): boolean {
  const choice = m.as('where', input)
  return (
    choice !== undefined &&
    m.same(choice.inputs[0] as Node, condition) &&
    m.number(choice.inputs[whenTrue ? 2 : 1] as Node) !== undefined
  )
}
