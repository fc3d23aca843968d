// The report of stabilize: what was rewritten, what was left alone, and why.

import { isOp, type Node } from '../../graph/node.ts'
import { show } from '../../graph/shape.ts'
import { type Explanation, explanations } from './explanations.ts'
import type { Finding } from './stabilize.ts'

/** A composition that loses digits, overflows or has a gradient that is NaN. */
export interface Stabilization extends Explanation {
  /** The rule's name in the table of docs/stability.md. */
  readonly rule: string
  /** The composition as it was built, with the dtype and shape of its result, and the module it is in. */
  readonly at: string
  readonly rewritten: boolean
  /** Where it is not rewritten, or not all of it: why. */
  readonly reason?: string
}

/** What `stabilizations` found; as text, one line for each. */
export interface StabilityReport {
  readonly rewritten: readonly Stabilization[]
  /** Warnings: compositions that keep their flaw. */
  readonly leftAlone: readonly Stabilization[]
  toString(): string
}

/** The report; no class, whose symbol in a bundle would stay where nobody asks for one. */
export function reportOf(all: readonly Stabilization[]): StabilityReport {
  const rewritten = all.filter((s) => s.rewritten)
  const leftAlone = all.filter((s) => !s.rewritten)
  const text = (): string => [...rewritten, ...leftAlone].map(line).join('\n') || 'nothing to stabilize'
  return Object.assign({ rewritten, leftAlone, toString: text }, { [Symbol.for('nodejs.util.inspect.custom')]: text })
}

/** What was found, as text. */
export const findingText = (finding: Finding): string => line(described(finding))

export const described = ({ rule, node, rewritten }: Finding): Stabilization => ({
  rule: rule.name,
  ...explanations[rule.name],
  at: `${expression(node, 4)} ${node.dtype} ${show(node.shape)}${node.scope?.path ? ` in ${node.scope.path}` : ''}`,
  rewritten,
  ...(rewritten ? {} : { reason: 'a part of it was read, assigned or differentiated with respect to' }),
})

/** The same, where its value is rewritten inside a function whose derivative was given for probabilities. */
export const givenDerivative = (found: Stabilization): Stabilization => ({
  ...found,
  rewritten: false,
  reason: 'its value is rewritten, but a derivative by the probabilities was given: start from the logits instead',
})

const line = ({ rule, from, to, why, at, reason }: Stabilization): string =>
  reason === undefined
    ? `${rule}: ${from} → ${to}, at ${at}. ${why}`
    : `${rule}: ${from} is left alone at ${at}, though ${to} would be better: ${reason}. ${why}`

/** The node as text, a few steps deep; what only moves elements or changes no value is left out. */
function expression(node: Node, depth: number): string {
  if (isOp(node, 'constant')) return String(node.attributes.value)
  if (isOp(node, 'leaf')) return show(node.shape)
  const [first] = node.inputs
  if (first && ['custom', 'stopGradient', 'reshape', 'broadcast', 'transpose'].includes(node.op))
    return expression(first, depth)
  return depth === 0 ? '…' : `${node.op}(${node.inputs.map((x) => expression(x, depth - 1)).join(', ')})`
}
