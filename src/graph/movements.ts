// Operations that only move elements, and what lies behind them.

import { isFloat } from './dtype.ts'
import type { Node, OpName } from './node.ts'

const movements: ReadonlySet<OpName> = new Set<OpName>(['reshape', 'transpose', 'broadcast', 'slice', 'windows', 'pad'])

export const isMovement = (node: Node): boolean => movements.has(node.op)

/**
 * What a maximum or minimum of floats is taken of, its movements left aside. Whoever asks which elements equal the extremum has to see the
 * very numbers it was taken of: computed again by other code they may round otherwise, and then none of them does.
 */
export function extremumOf(node: Node): Node | undefined {
  if ((node.op !== 'max' && node.op !== 'min') || !isFloat(node.dtype)) return undefined
  let at = node.inputs[0] as Node
  while (isMovement(at)) at = at.inputs[0] as Node
  return at
}
