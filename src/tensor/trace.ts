// A trace: what a compiled function reads and assigns while its graph is recorded.

import { build } from '../graph/build.ts'
import type { Node } from '../graph/node.ts'
import type { LeafSource } from './leaf.ts'
import type { RunHook } from './runtime.ts'
import type { Variable } from './variable.ts'

export class Trace {
  /** The leaf by which the graph reads a variable's value from before the call. */
  private readonly leaves = new Map<Variable, Node<'leaf'>>()
  /** The new values, which become effective when the call ends. */
  readonly assigned = new Map<Variable, Node>()
  /** Whether random numbers were drawn, so that each call draws others. */
  drawsRandom = false
  /** Numbers of the random streams drawn so far. */
  ordinal = 0
  /** What the host does after each call. */
  readonly hooks: RunHook[] = []
  /** Nodes with higher ids were made inside. */
  readonly startId: number

  constructor(startId: number) {
    this.startId = startId
  }

  /** Registers what the host does after each call of the compiled function: counting steps, say. */
  onRun(hook: RunHook): void {
    this.hooks.push(hook)
  }

  assign(variable: Variable, value: Node): void {
    this.assigned.set(variable, value)
  }

  read(variable: Variable): Node {
    return this.assigned.get(variable) ?? this.leafOf(variable)
  }

  leafOf(variable: Variable): Node<'leaf'> {
    let leaf = this.leaves.get(variable)
    if (!leaf) {
      const source: LeafSource = { storage: () => variable.storage, read: () => variable.dataSync() }
      leaf = build.leaf(source, variable.shape, variable.dtype)
      this.leaves.set(variable, leaf)
    }
    return leaf
  }
}
