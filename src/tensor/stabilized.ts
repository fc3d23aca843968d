// Graphs as they are differentiated and evaluated: stabilized first, unless that is turned off.

import { reporter } from '#engine'
import type { Node } from '../graph/node.ts'
import { vjp } from '../transform/grad.ts'
import { jvp } from '../transform/jvp.ts'
import { stabilize, stableJvp, stableVjp } from '../transform/stability/stabilize.ts'
import { runtime } from './runtime.ts'

/** Outputs to evaluate; nothing is rewritten across `assigned` values. */
export function stabilized(outputs: readonly Node[], assigned: readonly Node[]): readonly Node[] {
  if (!runtime.stabilize) return outputs
  return stabilize(outputs, { mode: 'value', barriers: assigned, report: reporter() }).outputs
}

/**
 * Results of a function that was traced after node number `since`, which will be differentiated and evaluated apart: the
 * body of a loop, say.
 */
export function stabilizedBody(
  outputs: readonly Node[],
  since: number,
  assigned: Iterable<Node> = [],
): readonly Node[] {
  if (!runtime.stabilize) return [...outputs]
  return [...stabilize(outputs, { mode: 'gradient', barriers: assigned, since, report: reporter() }).outputs]
}

/** The vector-Jacobian product. */
export function pullBack(outputs: readonly Node[], cotangents: readonly Node[], wrt: readonly Node[]): readonly Node[] {
  if (!runtime.stabilize) return vjp(outputs, cotangents, wrt)
  return stableVjp(outputs, cotangents, wrt, { barriers: assignedNodes(), report: reporter() })
}

/** The Jacobian-vector product. */
export function pushForward(
  outputs: readonly Node[],
  wrt: readonly Node[],
  tangents: readonly Node[],
): readonly Node[] {
  if (!runtime.stabilize) return jvp(outputs, wrt, tangents)
  return stableJvp(outputs, wrt, tangents, { barriers: assignedNodes(), report: reporter() })
}

/** What the function being traced assigns. */
const assignedNodes = (): Iterable<Node> => runtime.trace?.assigned.values() ?? []
