// Simplifying control flow: less in the loops, fewer results, and subgraphs that are simple themselves.

import { build } from '../graph/build.ts'
import { type ControlName, changed, isControl, isOp, type Node, type Subgraph } from '../graph/node.ts'
import { resultsOf } from '../graph/ops/control.ts'
import { inline } from '../graph/subgraph.ts'
import { mapGraph, topologicalOrder, wholeOrder } from '../graph/walk.ts'
import { hoisted } from './hoist.ts'

type Simplify = (outputs: readonly Node[]) => readonly Node[]

/** What takes the place of an operation with several results: a node for each result that is used. */
type Results = readonly (Node | undefined)[]

/**
 * Drops results and parameters that nobody uses, takes what does not change out of loops, runs
 * conditionals whose predicate is known, and simplifies the subgraphs, whose parameters become leaves.
 */
export function simplifyControl(outputs: readonly Node[], simplify: Simplify): readonly Node[] {
  if (!wholeOrder(outputs).some(isControl)) return outputs
  const used = usedResults(outputs)
  const results = new Map<Node, Results>()
  return mapGraph(outputs, (node, inputs) => {
    const rebuilt = inputs === node.inputs ? node : changed(node, { inputs })
    if (isControl(rebuilt)) {
      results.set(rebuilt, reduce(rebuilt, used.get(node) ?? new Set(), simplify))
      return rebuilt
    }
    if (!isOp(rebuilt, 'part')) return rebuilt
    return results.get(rebuilt.inputs[0] as Node)?.[rebuilt.attributes.index] ?? rebuilt
  }).outputs
}

/** Which results of each operation are used, directly or by way of others that are. */
function usedResults(outputs: readonly Node[]): Map<Node, Set<number>> {
  const used = new Map<Node, Set<number>>()
  const live = new Set(outputs)
  for (const node of topologicalOrder(outputs).reverse()) {
    if (!live.has(node)) continue
    if (isOp(node, 'part')) {
      const [from] = node.inputs as [Node]
      used.set(from, (used.get(from) ?? new Set()).add(node.attributes.index))
    }
    const needed = isControl(node) ? partsOf(node, used.get(node) ?? new Set()).inputs : node.inputs
    for (const x of needed) live.add(x)
  }
  return used
}

/** What of an operation is needed for some of its results: numbers of results, of parameters, and the inputs. */
interface Needed {
  readonly results: readonly number[]
  readonly parameters: readonly number[]
  readonly inputs: readonly Node[]
}

function partsOf(node: Node<ControlName>, used: ReadonlySet<number>): Needed {
  const graphs = isOp(node, 'cond')
    ? [node.attributes.whenTrue, node.attributes.whenFalse]
    : isOp(node, 'scan')
      ? [node.attributes.body]
      : [(node as Node<'whileLoop'>).attributes.body]
  const carries = isOp(node, 'cond') ? 0 : (node as Node<'scan' | 'whileLoop'>).attributes.carries
  const asked = isOp(node, 'whileLoop') ? reached(node.attributes.condition, node.attributes.condition.outputs) : []
  const results = new Set(used)
  const parameters = new Set<number>()
  for (let before = -1; before !== results.size + parameters.size; ) {
    before = results.size + parameters.size
    for (const i of asked) parameters.add(i)
    for (const graph of graphs) {
      const outputs = [...results].map((i) => graph.outputs[i] as Node)
      for (const i of reached(graph, outputs)) parameters.add(i)
    }
    // A carry that is read has to be computed, and one that is computed is read.
    for (let i = 0; i < carries; i++) {
      if (parameters.has(i) || results.has(i)) {
        parameters.add(i)
        results.add(i)
      }
    }
  }
  const list = [...parameters].sort((a, b) => a - b)
  const first = isOp(node, 'cond') ? 1 : 0
  return {
    results: [...results].sort((a, b) => a - b),
    parameters: list,
    inputs: [...node.inputs.slice(0, first), ...list.map((i) => node.inputs[first + i] as Node)],
  }
}

/** The numbers of the parameters that outputs depend on. */
function reached({ parameters }: Subgraph, outputs: readonly Node[]): number[] {
  const ends = new Set(parameters)
  const found = new Set(topologicalOrder(outputs, (node) => ends.has(node)))
  return parameters.flatMap((p, i) => (found.has(p) ? [i] : []))
}

/** The operation reduced to what is needed. */
function reduce(node: Node<ControlName>, used: ReadonlySet<number>, simplify: Simplify): Results {
  if (used.size === 0) return []
  if (isOp(node, 'cond')) return reduceCond(node, used, simplify)
  return isOp(node, 'scan') ? reduceScan(node, used, simplify) : reduceWhile(node as Node<'whileLoop'>, used, simplify)
}

/** The results of a new operation, at the numbers that they had in the old one. */
function resultsAt(made: Node, numbers: readonly number[]): Results {
  const results: (Node | undefined)[] = []
  numbers.forEach((number, index) => {
    results[number] = build.node('part', [made], { index })
  })
  return results
}

function reduceCond(node: Node<'cond'>, used: ReadonlySet<number>, simplify: Simplify): Results {
  const { whenTrue, whenFalse } = node.attributes
  const [predicate, ...operands] = node.inputs as [Node, ...Node[]]
  if (isOp(predicate, 'constant'))
    return inline(build, predicate.attributes.value !== 0 ? whenTrue : whenFalse, operands)
  const { results, parameters, inputs } = partsOf(node, used)
  const [yes, no] = [whenTrue, whenFalse].map((graph) => simplified(graph, parameters, results, simplify))
  const made = build.node('cond', inputs, { whenTrue: yes as Subgraph, whenFalse: no as Subgraph })
  return resultsAt(made, results)
}

function reduceScan(node: Node<'scan'>, used: ReadonlySet<number>, simplify: Simplify): Results {
  const { body, carries, length } = node.attributes
  if (length === 0) {
    return resultsOf(node).map(({ shape, dtype }, i) =>
      i < carries ? (node.inputs[i] as Node) : build.constant(0, shape, dtype),
    )
  }
  const { results, parameters } = partsOf(node, used)
  const isFixed = (i: number): boolean => i < carries && body.outputs[i] === body.parameters[i]
  const kinds = [
    parameters.filter((i) => i < carries && !isFixed(i)),
    parameters.filter((i) => i >= carries && i < carries + node.attributes.sequences),
    parameters.filter((i) => isFixed(i) || i >= carries + node.attributes.sequences),
  ] as const
  const order = kinds.flat()
  const kept = results.filter((i) => !isFixed(i))
  const made = build.node(
    'scan',
    order.map((i) => node.inputs[i] as Node),
    {
      ...node.attributes,
      body: simplified(body, order, kept, simplify),
      carries: kinds[0].length,
      sequences: kinds[1].length,
    },
  )
  const all: (Node | undefined)[] = []
  hoisted(made).forEach((result, i) => {
    all[kept[i] as number] = result
  })
  return withFixed(all, node, results.filter(isFixed))
}

function reduceWhile(node: Node<'whileLoop'>, used: ReadonlySet<number>, simplify: Simplify): Results {
  const { condition, body, carries, maximum } = node.attributes
  const { results, parameters } = partsOf(node, used)
  const isFixed = (i: number): boolean => i < carries && body.outputs[i] === body.parameters[i]
  const moving = parameters.filter((i) => i < carries && !isFixed(i))
  const order = [...moving, ...parameters.filter((i) => isFixed(i) || i >= carries)]
  const made = build.node(
    'whileLoop',
    order.map((i) => node.inputs[i] as Node),
    {
      condition: simplified(condition, order, [0], simplify),
      body: simplified(body, order, moving, simplify),
      carries: moving.length,
      maximum,
    },
  )
  return withFixed(resultsAt(made, moving), node, results.filter(isFixed))
}

/** A carry that never changes ends as it began. */
function withFixed(results: Results, { inputs }: Node, fixed: readonly number[]): Results {
  const all = [...results]
  for (const i of fixed) all[i] = inputs[i]
  return all
}

/** Some outputs of a subgraph, simplified, as functions of some of its parameters, which become leaves. */
function simplified(
  { parameters, outputs }: Subgraph,
  from: readonly number[],
  wanted: readonly number[],
  simplify: Simplify,
): Subgraph {
  const leaves = from.map((i) => {
    const { shape, dtype } = parameters[i] as Node
    return build.leaf({}, shape, dtype)
  })
  const graph = { parameters: from.map((i) => parameters[i] as Node), outputs: wanted.map((i) => outputs[i] as Node) }
  return { parameters: leaves, outputs: simplify(inline(build, graph, leaves)) }
}
