// What a rewrite rule says of itself.

import type { Node, OpName } from '../../graph/node.ts'
import type { RuleName } from './explanations.ts'
import type { Matcher, Mode } from './match.ts'

/** A composition that overflows, cancels or divides by zero, and one of the same value that does not. */
export interface Rule {
  readonly name: RuleName
  /** The operation at its root. */
  readonly of: OpName
  /** Only where a gradient will be taken: the value has no need of it. */
  readonly only?: Mode
  /** The new node, from the first input of the root, and the root; or undefined where the pattern does not match. */
  readonly rewrite: (m: Matcher, x: Node, root: Node) => Node | undefined
}
