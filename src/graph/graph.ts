// A graph to run as one program, and the same as plain data, which can be posted to another thread.

import { build, restored } from './build.ts'
import type { DType } from './dtype.ts'
import type { Node, OpName, Routine } from './node.ts'
import type { Dims } from './shape.ts'
import { topologicalOrder } from './walk.ts'

/**
 * Bindings of its program are the leaves, then the outputs; `aliases[i]` is the leaf in whose memory output i is written, or −1.
 */
export interface Graph {
  readonly leaves: readonly Node<'leaf'>[]
  readonly outputs: readonly Node[]
  readonly aliases: readonly number[]
}

export interface EncodedGraph extends EncodedPart {
  readonly aliases: readonly number[]
}

/** Outputs as a function of parameters: a graph, or one inside an operation. */
interface Part {
  readonly parameters: readonly Node[]
  readonly outputs: readonly Node[]
}

/** Nodes by their numbers, inputs before users: a list, because a deep chain of objects is more than a thread can be posted. */
interface EncodedPart {
  readonly nodes: readonly EncodedNode[]
  readonly parameters: readonly number[]
  readonly outputs: readonly number[]
}

interface EncodedNode {
  /** Parameters have none: what lies behind them belongs to another graph. */
  readonly op: OpName | undefined
  readonly inputs: readonly number[]
  readonly attributes: { readonly [name: string]: unknown }
  readonly shape: Dims
  readonly dtype: DType
}

/** Functions stay behind: derivatives are done when a graph is run, and routines are known by their names. */
export const encodeGraph = ({ leaves, outputs, aliases }: Graph): EncodedGraph => ({
  ...encodePart({ parameters: leaves, outputs }),
  aliases: [...aliases],
})

/** The graph again, of nodes of this thread. Throws on a routine that is not among those given. */
export function decodeGraph(encoded: EncodedGraph, routines: ReadonlyMap<string, Routine>): Graph {
  const { parameters, outputs } = decodePart(encoded, routines)
  return { leaves: parameters as Node<'leaf'>[], outputs, aliases: encoded.aliases }
}

function encodePart({ parameters, outputs }: Part): EncodedPart {
  const given = new Set(parameters)
  const order = topologicalOrder([...parameters, ...outputs], (node) => given.has(node))
  const number = new Map(order.map((node, i) => [node, i]))
  const numberOf = (node: Node): number => number.get(node) as number
  const nodes = order.map((node): EncodedNode => {
    const { op, inputs, attributes, shape, dtype } = node
    if (given.has(node)) return { op: undefined, inputs: [], attributes: {}, shape: [...shape], dtype }
    return { op, inputs: inputs.map(numberOf), attributes: mapped(attributes, encodeValue), shape: [...shape], dtype }
  })
  return { nodes, parameters: parameters.map(numberOf), outputs: outputs.map(numberOf) }
}

function decodePart({ nodes, parameters, outputs }: EncodedPart, routines: ReadonlyMap<string, Routine>): Part {
  const decode = (value: unknown): unknown => decodeValue(value, routines)
  const made: Node[] = []
  for (const { op, inputs, attributes, shape, dtype } of nodes) {
    const from = inputs.map((i) => made[i])
    made.push(
      op === undefined ? build.leaf({}, shape, dtype) : restored(op, from, mapped(attributes, decode), shape, dtype),
    )
  }
  return { parameters: parameters.map((i) => made[i]), outputs: outputs.map((i) => made[i]) }
}

type Attributes = { [name: string]: unknown }

const mapped = (attributes: object, f: (value: unknown) => unknown): Attributes =>
  Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, f(value)]))

function encodeValue(value: unknown): unknown {
  if (typeof value === 'function') return undefined
  if (isObject(value) && 'outputs' in value) return { part: encodePart(value as unknown as Part) }
  if (isObject(value) && 'run' in value) return { routine: value.name }
  return value
}

function decodeValue(value: unknown, routines: ReadonlyMap<string, Routine>): unknown {
  if (!isObject(value)) return value
  if ('part' in value) return decodePart(value.part as EncodedPart, routines)
  if (!('routine' in value)) return value
  const found = routines.get(value.routine as string)
  if (found) return found
  throw new Error(
    `routine '${value.routine}' is not one of the package, so the worker that the engine works in does not know it: call configure({ worker: false }) before anything is computed`,
  )
}

const isObject = (value: unknown): value is Attributes => typeof value === 'object' && value !== null
