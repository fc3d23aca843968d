// From graph to program. (Being written.)

import type { Node } from '../graph/node.ts'
import type { Program } from '../kernel/program.ts'

/** Leaves in binding order, then outputs; `aliases[i]` is the leaf whose memory output i overwrites, or −1. */
export interface Graph {
  readonly leaves: readonly Node<'leaf'>[]
  readonly outputs: readonly Node[]
  readonly aliases: readonly number[]
}

export function compileGraph(_graph: Graph): Program {
  throw new Error('compileGraph is being written: use the reference backend')
}
