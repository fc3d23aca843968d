// Units: the launches of one group, before they are given phases and memory; buffers are named by the values that they hold.

import type { Node } from '../graph/node.ts'
import type { Kernel, Launch } from '../kernel/program.ts'

/** A launch whose buffer numbers index `buffers` of its unit. */
export interface UnitLaunch {
  readonly kernel: Kernel
  readonly launch: Launch
}

/** Launches that are independent of each other. */
export interface Unit {
  readonly launches: readonly UnitLaunch[]
  readonly buffers: readonly Node[]
  readonly reads: ReadonlySet<Node>
  readonly writes: ReadonlySet<Node>
  /** Runs before units that write the same buffer without being first: fills a buffer that others write parts of. */
  readonly order: number
  /** Of the reads, those that are read at any other point than the one being written. */
  readonly scattered: ReadonlySet<Node>
}
