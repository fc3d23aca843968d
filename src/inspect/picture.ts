// What a picture of a graph shows: operations without the moves, numbers and names between them.

import { show } from '../graph/shape.ts'
import { drawsAtOnce } from './draws.ts'
import type { GraphDescription, GraphKind, GraphNode } from './graph.ts'

export interface Box {
  readonly id: number
  readonly title: string
  readonly kind: GraphKind
  /** 0 forward, 1 and more backward. */
  readonly order: number
  readonly module: string
  readonly moduleKind: string
  readonly isOutput: boolean
  /** The shape that leaves it. */
  readonly shape: string
  /** All that is known, a line each. */
  readonly details: string
}

export interface Arrow {
  readonly from: number
  readonly to: number
  /** What happens on the way: ᵀ for a transpose. */
  readonly note: string
}

export interface Picture {
  readonly boxes: readonly Box[]
  readonly arrows: readonly Arrow[]
}

/** Operations that a reader need not see: their input's value passes through. */
const silent: ReadonlySet<string> = new Set(['reshape', 'broadcast', 'cast', 'stopGradient', 'custom', 'transpose'])

/** Leaves out what moves or repeats numbers, unless it was asked for or `everything` is; constants become part of their users' titles. */
export function pictureOf(graph: GraphDescription, everything: boolean): Picture {
  const { outputs } = graph
  const nodes = everything ? graph.nodes : drawsAtOnce(graph)
  const asked = new Set(outputs)
  const names = new Map(nodes.map((node) => [node.id, node.name]))
  const isPassing = ({ op, kind }: GraphNode): boolean => !everything && (kind === 'constant' || silent.has(op))
  // The name of a moved value is told of the operation that computed it.
  for (const node of nodes) {
    let from = node
    while (isPassing(from) && from.inputs.length > 0) from = nodes[from.inputs[0] as number] as GraphNode
    if (from === node || isPassing(from) || (names.get(from.id) ?? names.get(node.id)) !== names.get(node.id)) continue
    names.set(from.id, names.get(node.id))
    names.delete(node.id)
    if (asked.delete(node.id)) asked.add(from.id)
  }
  const isShown = (node: GraphNode): boolean =>
    asked.has(node.id) || names.get(node.id) !== undefined || !isPassing(node)
  const needed = reachable(nodes, outputs)
  /** Where a value comes from, past what is not shown, and what happened to it. */
  const source = (id: number): { node: GraphNode; note: string } => {
    let node = nodes[id] as GraphNode
    let note = ''
    while (!isShown(node) && node.inputs.length > 0) {
      if (node.op === 'transpose') note = note === '' ? 'ᵀ' : ''
      node = nodes[node.inputs[0] as number] as GraphNode
    }
    return { node, note }
  }
  const boxes: Box[] = []
  const arrows: Arrow[] = []
  for (const node of nodes) {
    if (!needed.has(node.id) || !isShown(node)) continue
    // The other inputs of a custom derivative serve the derivative alone.
    const inputs = (node.op === 'custom' ? node.inputs.slice(0, 1) : node.inputs).map(source)
    const numbers = inputs.flatMap(({ node: from }) => (isShown(from) ? [] : [from.attributes.value ?? from.op]))
    boxes.push({
      id: node.id,
      title: titleOf({ ...node, name: names.get(node.id) }, numbers),
      kind: node.kind,
      order: node.order,
      module: node.module,
      moduleKind: node.moduleKind,
      isOutput: asked.has(node.id),
      shape: node.shape.length === 0 ? '' : node.shape.join('×'),
      details: detailsOf(node),
    })
    const seen = new Set<string>()
    for (const { node: from, note } of inputs) {
      const key = `${from.id}${note}`
      if (!isShown(from) || seen.has(key)) continue
      seen.add(key)
      arrows.push({ from: from.id, to: node.id, note })
    }
  }
  return { boxes, arrows }
}

/** Nodes that the outputs depend on by what they compute, not only by how they are differentiated. */
function reachable(nodes: readonly GraphNode[], outputs: readonly number[]): ReadonlySet<number> {
  const found = new Set<number>()
  const stack = [...outputs]
  for (let id = stack.pop(); id !== undefined; id = stack.pop()) {
    if (found.has(id)) continue
    found.add(id)
    const { op, inputs } = nodes[id] as GraphNode
    stack.push(...(op === 'custom' ? inputs.slice(0, 1) : inputs))
  }
  return found
}

function titleOf(node: GraphNode, numbers: readonly string[]): string {
  const { op, name, kind, attributes } = node
  if (kind === 'input' || kind === 'variable') return name ?? (kind === 'input' ? 'data' : 'variable')
  const symbol = symbols[op] ?? op
  const axes = attributes.axes === undefined ? '' : ` ${attributes.axes}`
  const isSquare = op === 'mul' && node.inputs[0] === node.inputs[1]
  const given = numbers.map(shortNumber)
  const text = isSquare ? 'x²' : given.length === 2 ? given.join(` ${symbol} `) : [symbol + axes, ...given].join(' ')
  return name ? `${name} = ${text}` : text
}

const symbols: { readonly [op: string]: string } = {
  add: '+',
  sub: '−',
  mul: '×',
  div: '÷',
  neg: '−x',
  lessEqual: '≤',
  less: '<',
  equal: '=',
  notEqual: '≠',
  matmul: 'matmul',
}

function shortNumber(text: string): string {
  const value = Number(text)
  return Number.isNaN(value) ? text : String(Number(value.toPrecision(4)))
}

function detailsOf(node: GraphNode): string {
  const attributes = Object.entries(node.attributes).map(([name, value]) => `${name} ${value}`)
  const module = [node.module, node.moduleKind].filter(Boolean).join(' ')
  return [
    node.name,
    node.op,
    `${node.dtype} ${show(node.shape)}`,
    ...attributes,
    module && `${node.order > 0 ? 'derivative of ' : ''}${module}`,
    node.flops > 0 ? `${node.flops.toLocaleString('en-US')} FLOPs` : '',
  ]
    .filter(Boolean)
    .join('\n')
}
