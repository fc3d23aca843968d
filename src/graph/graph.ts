// A graph to run as one program, and the same as plain data, which can be posted to another thread.

import { build, restored } from './build.ts'
import type { DType } from './dtype.ts'
import type { Node, OpName, Routine } from './node.ts'
import { routines } from './routines/index.ts'
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

/** Functions stay behind: derivatives are done when a graph is run. Throws on a routine that the package does not have. */
export const encodeGraph = ({ leaves, outputs, aliases }: Graph): EncodedGraph => ({
  ...encodePart({ parameters: leaves, outputs }),
  aliases: [...aliases],
})

/** The graph again, of nodes of this thread. */
export function decodeGraph(encoded: EncodedGraph): Graph {
  const { parameters, outputs } = decodePart(encoded)
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

function decodePart({ nodes, parameters, outputs }: EncodedPart): Part {
  const made: Node[] = []
  for (const { op, inputs, attributes, shape, dtype } of nodes) {
    const from = inputs.map((i) => made[i])
    made.push(
      op === undefined
        ? build.leaf({}, shape, dtype)
        : restored(op, from, mapped(attributes, decodeValue), shape, dtype),
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
  if (isObject(value) && 'run' in value) return { routine: nameOf(value as unknown as Routine) }
  return value
}

function decodeValue(value: unknown): unknown {
  if (isObject(value) && 'part' in value) return decodePart(value.part as EncodedPart)
  if (isObject(value) && 'routine' in value) return routines.get(value.routine as string)
  return value
}

function nameOf(routine: Routine): string {
  if (routines.get(routine.name) === routine) return routine.name
  throw new Error(
    `routine '${routine.name}' is not one of the package, so it is not known to the worker that the engine works in: call configure({ worker: false }) before anything is computed`,
  )
}

const isObject = (value: unknown): value is Attributes => typeof value === 'object' && value !== null
