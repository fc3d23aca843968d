// Walking a graph without recursion, so that its depth is no limit.

import type { Node } from './node.ts'

/**
 * Every node that the outputs need, inputs before users; nodes for which `stop` holds are included, their inputs are not.
 * `inputsOf` may say that others are needed than those that a node has.
 */
export function topologicalOrder(
  outputs: readonly Node[],
  stop?: (node: Node) => boolean,
  inputsOf?: (node: Node) => readonly Node[],
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
    if (stop?.(node)) {
      order.push(node)
      continue
    }
    const inputs = inputsOf ? inputsOf(node) : node.inputs
    if (inputs.length === 0) {
      order.push(node)
      continue
    }
    stack.push(node, undefined)
    for (let i = inputs.length - 1; i >= 0; i--) {
      const input = inputs[i] as Node
      if (!seen.has(input)) stack.push(input)
    }
  }
  return order
}

/** Every node that the outputs need, in order: found once for a list, which many passes ask for and nobody changes. */
export function wholeOrder(outputs: readonly Node[]): readonly Node[] {
  const known = orders.get(outputs)
  if (known) return known
  const order = topologicalOrder(outputs)
  orders.set(outputs, order)
  return order
}

const orders = /* @__PURE__ */ new WeakMap<readonly Node[], readonly Node[]>()

/**
 * Rebuilds a graph bottom-up: `replace` sees each node with its new inputs, which are `node.inputs` itself where none has changed, and
 * gives the node to use instead. `inputsOf` may say that it sees others than those that a node has. Where nothing has changed, the outputs
 * are the list that was given.
 */
export function mapGraph(
  outputs: readonly Node[],
  replace: (node: Node, inputs: readonly Node[]) => Node,
  stop?: (node: Node) => boolean,
  inputsOf?: (node: Node) => readonly Node[],
): { outputs: readonly Node[]; map: Map<Node, Node> } {
  const map = new Map<Node, Node>()
  const order = stop || inputsOf ? topologicalOrder(outputs, stop, inputsOf) : wholeOrder(outputs)
  for (const node of order) {
    const inputs = stop?.(node) ? none : mapped(inputsOf ? inputsOf(node) : node.inputs, map)
    map.set(node, replace(node, inputs))
  }
  return { outputs: mapped(outputs, map), map }
}

const none: readonly Node[] = []

function mapped(inputs: readonly Node[], map: ReadonlyMap<Node, Node>): readonly Node[] {
  let changed: Node[] | undefined
  for (let i = 0; i < inputs.length; i++) {
    const input = inputs[i] as Node
    const now = map.get(input) as Node
    if (now !== input) changed ??= inputs.slice()
    if (changed) changed[i] = now
  }
  return changed ?? inputs
}
