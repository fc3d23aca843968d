// Rewriting: what each node of a growing graph becomes, worked out once, when it is asked for.

import { within } from '../graph/build.ts'
import type { Node } from '../graph/node.ts'
import { topologicalOrder } from '../graph/walk.ts'

export class Rewriting<T> {
  private readonly known: Map<Node, T>
  private readonly firstId: number
  private readonly keep: (node: Node) => T
  private readonly rewrite: (node: Node, inputs: readonly T[]) => T

  /**
   * `given` says what some nodes become. Of those made after the first of them, which alone can depend on them, `rewrite`
   * says it from what their inputs became; `keep` says it of all others.
   */
  constructor(
    given: readonly (readonly [Node, T])[],
    keep: (node: Node) => T,
    rewrite: (node: Node, inputs: readonly T[]) => T,
  ) {
    this.known = new Map(given)
    this.firstId = Math.min(...given.map(([node]) => node.id))
    this.keep = keep
    this.rewrite = rewrite
  }

  give(node: Node, becomes: T): void {
    this.known.set(node, becomes)
  }

  of(output: Node): T {
    const isKept = (node: Node): boolean =>
      node.id < this.firstId || node.value !== undefined || node.inputs.length === 0
    for (const node of topologicalOrder([output], (n) => this.known.has(n) || isKept(n))) {
      if (this.known.has(node)) continue
      const becomes = isKept(node)
        ? this.keep(node)
        : within(node.scope, () =>
            this.rewrite(
              node,
              node.inputs.map((x) => this.known.get(x) as T),
            ),
          )
      this.known.set(node, becomes)
    }
    return this.known.get(output) as T
  }
}
