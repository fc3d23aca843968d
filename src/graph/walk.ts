// Walking a graph without recursion, so that its depth is no limit.

import type { Node } from './node.ts'

/**
 * Every node that the outputs need, inputs before users; nodes for which `stop` holds are included, their inputs are not.
 * `inputsOf` may say that others are needed than those that a node has.
 */
export function topologicalOrder(
  outputs: readonly Node[],
  stop: (node: Node) => boolean = () => false,
  inputsOf: (node: Node) => readonly Node[] = (node) => node.inputs,
): Node[] {
  const order: Node[] = []
  const seen = new Set<Node>()
  // Under a gap lies a node whose inputs are above: when they are gone, they are in the order.
  const stack: (Node | undefined)[] = [...outputs].reverse()
  while (stack.length > 0) {
    const node = stack.pop()
    if (node === undefined) {
      order.push(stack.pop() as Node)
      continue
    }
    if (seen.has(node)) continue
    seen.add(node)
    stack.push(node, undefined)
    if (stop(node)) continue
    const inputs = inputsOf(node)
    for (let i = inputs.length - 1; i >= 0; i--) {
      const input = inputs[i] as Node
      if (!seen.has(input)) stack.push(input)
    }
  }
  return order
}

/** Rebuilds a graph bottom-up: `replace` sees each node with its new inputs and gives the node to use instead. */
export function mapGraph(
  outputs: readonly Node[],
  replace: (node: Node, inputs: readonly Node[]) => Node,
  stop?: (node: Node) => boolean,
): { outputs: Node[]; map: Map<Node, Node> } {
  const map = new Map<Node, Node>()
  for (const node of topologicalOrder(outputs, stop)) {
    const inputs = stop?.(node) ? [] : node.inputs.map((x) => map.get(x) as Node)
    map.set(node, replace(node, inputs))
  }
  return { outputs: outputs.map((o) => map.get(o) as Node), map }
}
