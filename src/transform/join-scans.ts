// Joining scans: a gradient repeats a scan with more results, so that both are one loop.

import { build } from '../graph/build.ts'
import { type ControlName, changed, isControl, isOp, type Node } from '../graph/node.ts'
import { subgraphsOf, withSubgraphs } from '../graph/ops/control.ts'
import { topologicalOrder } from '../graph/walk.ts'

/**
 * Replaces scans over one body and the same values, which differ in their stacked results alone, by one with all of these;
 * inside bodies too. The graph is followed down to `ends`.
 */
export function joinScans(outputs: readonly Node[], ends: ReadonlySet<Node> = new Set()): Node[] {
  const isEnd = (node: Node): boolean => ends.has(node)
  const families = new Map<string, Node<'scan'>[]>()
  const numbers = new Map<Node, number>()
  const number = (x: Node): number => numbers.get(x) ?? numbers.set(x, numbers.size).size - 1
  const order = topologicalOrder(outputs, isEnd)
  if (!order.some(isControl)) return [...outputs]
  for (const node of order) {
    if (isEnd(node) || !isOp(node, 'scan') || changing(node).length === 0) continue
    const key = familyKey(node, number)
    const known = families.get(key)
    if (known) known.push(node)
    else families.set(key, [node])
  }
  const joint = new Map<Node, Node<'scan'>>()
  for (const family of families.values()) {
    if (family.length < 2) continue
    const made = joined(family)
    for (const node of family) joint.set(node, made)
  }

  const inputsOf = (node: Node): readonly Node[] => node.inputs.map((x) => joint.get(x) ?? x)
  const map = new Map<Node, Node>()
  for (const node of topologicalOrder(outputs, isEnd, inputsOf)) {
    if (isEnd(node)) {
      map.set(node, node)
      continue
    }
    const inputs = inputsOf(node).map((x) => map.get(x) as Node)
    const from = isOp(node, 'part') ? joint.get(node.inputs[0] as Node) : undefined
    if (from && isOp(node, 'part')) {
      const { carries, body } = from.attributes
      const { index } = node.attributes
      const result = (node.inputs[0] as Node<'scan'>).attributes.body.outputs[index] as Node
      map.set(
        node,
        build.node('part', inputs, { index: index < carries ? index : body.outputs.indexOf(result, carries) }),
      )
    } else {
      const rebuilt = inputs.every((x, i) => x === node.inputs[i]) ? node : changed(node, { inputs })
      map.set(node, isControl(rebuilt) ? joinedInside(rebuilt) : rebuilt)
    }
  }
  return outputs.map((o) => map.get(o) as Node)
}

function joinedInside(node: Node<ControlName>): Node<ControlName> {
  const graphs = subgraphsOf(node)
  const joined = graphs.map(({ parameters, outputs }) => ({
    parameters,
    outputs: joinScans(outputs, new Set(parameters)),
  }))
  const isSame = joined.every(({ outputs }, i) => outputs.every((o, k) => o === graphs[i]?.outputs[k]))
  return isSame ? node : withSubgraphs(node, joined, node.inputs)
}

/** The parameters that change from turn to turn. */
const changing = ({ attributes: { body, carries, sequences } }: Node<'scan'>): readonly Node[] =>
  body.parameters.slice(0, carries + sequences)

function familyKey(node: Node<'scan'>, number: (x: Node) => number): string {
  const { body, carries, sequences, length, reverse } = node.attributes
  const values = [changing(node), node.inputs.slice(0, carries + sequences), body.outputs.slice(0, carries)]
  return [...values.map((list) => list.map(number).join()), length, reverse].join('|')
}

/** One scan with the stacked results and constants of all. */
function joined(family: readonly Node<'scan'>[]): Node<'scan'> {
  const [first] = family as [Node<'scan'>]
  const { body, carries } = first.attributes
  const stacked = new Set(family.flatMap((node) => node.attributes.body.outputs.slice(carries)))
  const inputs = new Map<Node, Node>()
  for (const node of family) {
    node.attributes.body.parameters.forEach((p, i) => {
      if (!inputs.has(p)) inputs.set(p, node.inputs[i] as Node)
    })
  }
  const fixed = [...inputs.keys()].filter((p) => !changing(first).includes(p))
  const parameters = [...changing(first), ...fixed]
  return build.node(
    'scan',
    parameters.map((p) => inputs.get(p) as Node),
    { ...first.attributes, body: { parameters, outputs: [...body.outputs.slice(0, carries), ...stacked] } },
  )
}
