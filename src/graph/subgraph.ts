// Subgraphs: walking them, copying them into another graph, and finding what they read from outside.

import { type Build, isOp, type Node, type OpName, type Subgraph } from './node.ts'
import { mapGraph, topologicalOrder } from './walk.ts'

/** Every node of a subgraph, parameters that are used included, inputs before users. */
export function subgraphOrder({ parameters, outputs }: Subgraph): Node[] {
  const ends = new Set(parameters)
  return topologicalOrder(outputs, (node) => ends.has(node))
}

/** The outputs of a subgraph as nodes of the graph that its arguments belong to. */
export function inline(b: Build, { parameters, outputs }: Subgraph, args: readonly Node[]): readonly Node[] {
  const given = new Map(parameters.map((p, i) => [p, args[i] as Node] as const))
  const made = (node: Node, inputs: readonly Node[]): Node =>
    inputs.every((x, i) => x === node.inputs[i]) ? node : b.node(node.op, inputs, node.attributes)
  return mapGraph(
    outputs,
    (node, inputs) => given.get(node) ?? made(node, inputs),
    (node) => given.has(node),
  ).outputs
}

/** The nodes that depend on one of `roots`, these included; the walk ends at `ends`. */
export function dependents(outputs: readonly Node[], roots: ReadonlySet<Node>, ends: ReadonlySet<Node>): Set<Node> {
  const found = new Set<Node>()
  for (const node of topologicalOrder(outputs, (n) => ends.has(n))) {
    if (roots.has(node) || (!ends.has(node) && node.inputs.some((x) => found.has(x)))) found.add(node)
  }
  return found
}

/** Moves cost nothing inside a kernel: what they move is captured instead, where they were made inside, so that nobody can differentiate by them. */
const views: ReadonlySet<OpName> = new Set<OpName>(['reshape', 'transpose', 'broadcast', 'slice', 'pad', 'windows'])

/**
 * What a loop's body reads beyond the parameters that change from turn to turn: the last values that do not depend on
 * these, so that nothing is computed every turn that could be computed once. `known` are taken as they are, and so is
 * what was made before the body was traced, whose first node comes after `startId`.
 */
export function invariants(
  outputs: readonly Node[],
  varying: readonly Node[],
  known: ReadonlySet<Node> = new Set(),
  startId = -1,
): Node[] {
  const isMove = (node: Node): boolean => views.has(node.op) && node.value === undefined && node.id > startId
  const roots = new Set(varying)
  const changing = dependents(outputs, roots, roots)
  const found = new Set<Node>()
  const stack = [...outputs]
  const seen = new Set<Node>()
  while (stack.length > 0) {
    const node = stack.pop() as Node
    if (seen.has(node)) continue
    seen.add(node)
    if (roots.has(node) || isOp(node, 'constant') || isOp(node, 'iota')) continue
    if (known.has(node)) found.add(node)
    else if (changing.has(node) || isMove(node)) stack.push(...node.inputs)
    else found.add(node)
  }
  return [...found].sort((a, b) => a.id - b.id)
}

/** What the branch of a conditional reads beyond its parameters: values and whatever was made before it was traced. */
export function outsiders(outputs: readonly Node[], parameters: readonly Node[], startId: number): Node[] {
  const ends = new Set(parameters)
  const isOutside = (node: Node): boolean =>
    node.op === 'leaf' || node.value !== undefined || (node.id <= startId && node.op !== 'constant')
  return topologicalOrder(outputs, (node) => ends.has(node) || isOutside(node)).filter(
    (node) => !ends.has(node) && isOutside(node),
  )
}
