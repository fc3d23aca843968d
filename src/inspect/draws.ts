// Random numbers in a picture: the bits, keys and formulas that make them are one node, named after the distribution.

import type { GraphDescription, GraphNode } from './graph.ts'

/** What the formulas of draws consist of beyond the bits. A user's scale and shift of a draw count as its own. */
const ofDraws: ReadonlySet<string> = new Set([
  ...['shiftRight', 'cast', 'add', 'sub', 'mul', 'neg', 'log', 'sqrt', 'cos', 'minimum', 'maximum', 'floor', 'erfinv'],
  ...['reshape', 'broadcast', 'slice', 'concat'],
])

/** The first distribution whose operations a draw has all of. */
const distributions: readonly (readonly [name: string, ops: readonly string[]])[] = [
  ['normal', ['log', 'sqrt', 'cos']],
  ['integers', ['floor']],
  ['uniform', ['shiftRight']],
  ['random bits', []],
]

/** The same graph, with each random value that something else reads, or that was asked for, as a leaf. */
export function drawsAtOnce({ nodes, outputs }: Pick<GraphDescription, 'nodes' | 'outputs'>): readonly GraphNode[] {
  const drawn = new Set<number>()
  for (const { id, op, inputs } of nodes) {
    if (op === 'threefry') drawn.add(id)
    else if (ofDraws.has(op) && inputs.some((i) => drawn.has(i)) && inputs.every((i) => isDrawn(nodes, drawn, i))) {
      // Of two random numbers only radius and cosine are multiplied by a draw itself.
      const isOther = inputs.every((i) => drawn.has(i)) && !inputs.some((i) => nodes[i]?.op === 'cos')
      if (op !== 'mul' || !isOther) drawn.add(id)
    }
  }
  const read = new Set(outputs)
  for (const { id, op, inputs } of nodes)
    if (!drawn.has(id) && op !== 'threefry') for (const input of inputs) if (drawn.has(input)) read.add(input)
  return nodes.map((node) => {
    if (!drawn.has(node.id) || !(read.has(node.id) || node.name !== undefined)) return node
    const draw = distributionOf(nodes, drawn, node.id)
    return { ...node, op: draw, kind: 'input', name: node.name ? `${node.name} = ${draw}` : draw, inputs: [] }
  })
}

/** Whether a value is random, or a number beside random ones. */
const isDrawn = (nodes: readonly GraphNode[], drawn: ReadonlySet<number>, id: number): boolean => {
  const { kind, inputs } = nodes[id] as GraphNode
  return drawn.has(id) || kind === 'constant' || (kind === 'move' && inputs.every((i) => isDrawn(nodes, drawn, i)))
}

/** Named by the operations between a value and its bits; how keys were made does not count. */
function distributionOf(nodes: readonly GraphNode[], drawn: ReadonlySet<number>, id: number): string {
  const ops = new Set<string>()
  const seen = new Set<number>()
  const stack = [id]
  for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
    if (seen.has(at) || !drawn.has(at)) continue
    seen.add(at)
    const { op, inputs } = nodes[at] as GraphNode
    ops.add(op)
    if (op !== 'threefry') stack.push(...inputs)
  }
  return distributions.find(([, needed]) => needed.every((op) => ops.has(op)))?.[0] ?? 'random'
}
