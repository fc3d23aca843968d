// graphOf(value): the graph behind values as plain data, for pictures, tests and curiosity.

import type { DType } from '../graph/dtype.ts'
import { flopsOf } from '../graph/flops.ts'
import { isOp, type Node } from '../graph/node.ts'
import { isPointwise } from '../graph/ops/pointwise.ts'
import { type Dims, show } from '../graph/shape.ts'
import { topologicalOrder } from '../graph/walk.ts'
import { readAs, type Tensor, Tensor as TensorClass, VariableSource } from '../tensor/index.ts'

/** What a node is to a reader. */
export type GraphKind = 'input' | 'variable' | 'constant' | 'product' | 'reduction' | 'pointwise' | 'move' | 'other'

export interface GraphNode {
  /** Its place in `nodes`; inputs come before users. */
  readonly id: number
  readonly op: string
  readonly kind: GraphKind
  /** The variable's name, or the name that was given to it. */
  readonly name: string | undefined
  readonly inputs: readonly number[]
  readonly shape: Dims
  readonly dtype: DType
  /** Axes, strides and the like. */
  readonly attributes: { readonly [name: string]: string }
  /** The module that built it, from the network down, as `encoder.1`; empty outside of modules. */
  readonly module: string
  /** What the module, or the optimizer, is: `linear`, `adam`. */
  readonly moduleKind: string
  /** 0 for what was written down, 1 for its derivative, 2 for that one's. */
  readonly order: number
  /** Arithmetic operations; a multiply and an add are two. */
  readonly flops: number
  /** Whether it has been computed. */
  readonly isComputed: boolean
}

export interface GraphDescription {
  readonly nodes: readonly GraphNode[]
  /** The values that were asked for. */
  readonly outputs: readonly number[]
  readonly flops: number
  /** One line for each node. */
  toString(): string
}

/** Values to look behind: one, several, or several with names. */
export type Values = Tensor | readonly Tensor[] | { readonly [name: string]: Tensor }

export interface GraphOptions {
  /** Names for other values in the graph, inputs above all. */
  readonly names?: { readonly [name: string]: Tensor }
}

/**
 * Every operation that the values depend on, with shapes, costs and the modules they belong to. Nothing is computed.
 *
 *     const l = loss.mse(net(x), t)
 *     console.log(String(graphOf({ loss: l, gradient: grad(l, w) }, { names: { x } })))
 */
export function graphOf(values: Values, options: GraphOptions = {}): GraphDescription {
  const named = entriesOf(values)
  const order = topologicalOrder(named.map(([, t]) => t.node))
  const number = new Map(order.map((node, i) => [node, i]))
  const names = new Map<Node, string>()
  for (const [name, t] of [...Object.entries(options.names ?? {}), ...named]) if (name) names.set(t.node, name)
  const nodes = order.map((node, id): GraphNode => {
    const { op, shape, dtype, scope } = node
    return {
      id,
      op,
      kind: kindOf(node),
      name: names.get(node) ?? variableName(node),
      inputs: node.inputs.map((x) => number.get(x) as number),
      shape,
      dtype,
      attributes: attributesOf(node),
      module: scope?.path ?? '',
      moduleKind: scope?.name ?? '',
      order: scope?.order ?? 0,
      flops: flopsOf(node),
      isComputed: node.value !== undefined,
    }
  })
  const outputs = named.map(([, t]) => number.get(t.node) as number)
  const flops = nodes.reduce((sum, node) => sum + (node.isComputed ? 0 : node.flops), 0)
  return { nodes, outputs, flops, ...readAs(() => text(nodes, outputs)) }
}

function entriesOf(values: Values): [string, Tensor][] {
  if (values instanceof TensorClass) return [['', values]]
  return isList(values) ? values.map((t) => ['', t]) : Object.entries(values)
}

const isList = (values: Values): values is readonly Tensor[] => Array.isArray(values)

function kindOf(node: Node): GraphKind {
  if (isOp(node, 'leaf')) return node.attributes.source instanceof VariableSource ? 'variable' : 'input'
  return kinds[node.op] ?? (isPointwise(node.op) ? 'pointwise' : 'other')
}

const listed: { readonly [K in GraphKind]?: readonly string[] } = {
  constant: ['constant', 'iota'],
  product: ['matmul', 'conv'],
  reduction: ['sum', 'prod', 'max', 'min', 'argmax', 'argmin', 'scatterAdd', 'scatterAddAlong'],
  // The first three are pointwise, and change no number.
  move: [
    ...['cast', 'stopGradient', 'custom', 'reshape', 'transpose', 'broadcast', 'slice', 'pad', 'windows'],
    ...['concat', 'take', 'takeAlong', 'part'],
  ],
}

const kinds: { readonly [op: string]: GraphKind } = Object.fromEntries(
  Object.entries(listed).flatMap(([kind, ops]) => ops.map((op) => [op, kind as GraphKind])),
)

function variableName(node: Node): string | undefined {
  if (!isOp(node, 'leaf') || !(node.attributes.source instanceof VariableSource)) return undefined
  return node.attributes.source.variable.name || undefined
}

function attributesOf(node: Node): { [name: string]: string } {
  const shown = Object.entries(node.attributes).filter(
    ([, value]) => Array.isArray(value) || ['number', 'string', 'boolean'].includes(typeof value),
  )
  return Object.fromEntries(shown.map(([name, value]) => [name, Array.isArray(value) ? show(value) : String(value)]))
}

function text(nodes: readonly GraphNode[], outputs: readonly number[]): string {
  const lines = nodes.map((n) => {
    const attributes = Object.entries(n.attributes).map(([name, value]) => ` ${name}=${value}`)
    const inputs = n.inputs.length > 0 ? `(${n.inputs.map((i) => `%${i}`).join(', ')})` : ''
    const module = n.moduleKind ? `  ${'∇'.repeat(n.order)}${[n.module, n.moduleKind].filter(Boolean).join(' ')}` : ''
    return `%${n.id} = ${n.op}${inputs}${attributes.join('')} ${n.dtype} ${show(n.shape)}${n.name ? ` '${n.name}'` : ''}${module}`
  })
  return [...lines, `outputs ${outputs.map((i) => `%${i}`).join(' ')}`].join('\n')
}
