// Networks as graphs: named nodes that read inputs and other nodes, in any order that has no circle.

import { misfit, mistake } from '../graph/refuse.ts'
import { Tensor } from '../tensor/index.ts'
import { defineModule } from './define.ts'
import { isModule, type Json, type Module, type Modules, type Running } from './module.ts'
import { checkJoin, type Join, joined } from './parallel.ts'

export interface GraphNode {
  /** Whose values it reads: inputs or other nodes. */
  readonly from: string | readonly string[]
  /** What it computes. Several values that are not joined go to the module's `run`. Without a module it is what it reads, joined. */
  readonly module?: Module
  /** How several values become one. */
  readonly join?: Join
  /** The axis to join along; 1, the channels, unless told. */
  readonly axis?: number
}

export interface GraphParts {
  /** Names of the inputs; `x` alone unless told. */
  readonly inputs?: readonly string[]
  readonly nodes: { readonly [name: string]: GraphNode }
  /** Names of the nodes whose values are the outputs; the last one unless told. */
  readonly outputs?: string | readonly string[]
}

type Named = { readonly [name: string]: Tensor }

/**
 * A network of named nodes with any number of inputs and outputs. Nodes may be given in any order; each is computed once, however many
 * read it, and a module that stands at several nodes is one, with one set of parameters. The call takes the only input and gives the
 * first output; `run` takes inputs by name and gives outputs by name. Throws where names are unknown or nodes go round in a circle.
 *
 *     const net = nn.graph({
 *       inputs: ['image', 'text'],
 *       nodes: {
 *         seen: { module: nn.linear(64, 16), from: 'image' },
 *         read: { module: nn.linear(32, 16), from: 'text' },
 *         score: { module: nn.linear(32, 1), from: ['seen', 'read'], join: 'concat' },
 *       },
 *     })
 *     const { score } = net.run({ image, text })
 */
export function graph({ inputs = ['x'], nodes, outputs }: GraphParts): Module & Running<[inputs: Named], Named> {
  const names = Object.keys(nodes)
  const wanted = outputs === undefined ? names.slice(-1) : listed(outputs)
  check(inputs, nodes, wanted)
  const order = ordered(inputs, nodes)
  const children: Modules = Object.fromEntries(
    Object.entries(nodes).flatMap(([name, { module }]) => (module ? [[name, module]] : [])),
  )
  const run = (inner: Modules, given: Named): Named => {
    checkGiven(inputs, given)
    const values = new Map(Object.entries(given))
    for (const name of order) values.set(name, computed(name, nodes[name], inner[name], values))
    return Object.fromEntries(wanted.map((name) => [name, values.get(name) as Tensor]))
  }
  return defineModule({
    kind: 'graph',
    label: `${inputs.join(', ')} → ${wanted.join(', ')}`,
    options: { inputs: [...inputs], outputs: wanted, nodes: described(nodes) },
    children,
    forward: (x, _, inner: Modules) => {
      if (inputs.length !== 1)
        throw mistake(`graph: it has the inputs ${inputs.join(', ')}: call run({ ${inputs.join(', ')} })`)
      return run(inner, { [inputs[0]]: x })[wanted[0]]
    },
    run: (_, inner: Modules, given: Named) => run(inner, given),
  })
}

const listed = (names: string | readonly string[]): readonly string[] => (typeof names === 'string' ? [names] : names)

function computed(
  name: string,
  node: GraphNode,
  module: Module | undefined,
  values: ReadonlyMap<string, Tensor>,
): Tensor {
  const read = listed(node.from).map((from) => values.get(from) as Tensor)
  const { join, axis = 1 } = node
  if (read.length > 1 && join === undefined) {
    const { run } = module as unknown as Running<readonly Tensor[], unknown>
    const result = run(...read)
    const first = result instanceof Tensor ? result : (result as { readonly output?: unknown }).output
    if (!(first instanceof Tensor)) throw mistake(`graph: the module of '${name}' gives no tensor, and no output`)
    return first
  }
  const one = join === undefined ? read[0] : joined(`graph: '${name}'`, read, join, axis)
  return module ? module(one) : one
}

/** Nodes so that each comes after those that it reads. */
function ordered(inputs: readonly string[], nodes: GraphParts['nodes']): readonly string[] {
  const done = new Set(inputs)
  const order: string[] = []
  const visit = (name: string, path: readonly string[]): void => {
    if (done.has(name)) return
    if (path.includes(name))
      throw misfit(
        `graph: the nodes ${[...path.slice(path.indexOf(name)), name].join(' → ')} go round in a circle: let one of them read another value`,
      )
    for (const from of listed(nodes[name].from)) visit(from, [...path, name])
    done.add(name)
    order.push(name)
  }
  for (const name of Object.keys(nodes)) visit(name, [])
  return order
}

function check(inputs: readonly string[], nodes: GraphParts['nodes'], outputs: readonly string[]): void {
  const known = [...inputs, ...Object.keys(nodes)]
  const twice = known.find((name, i) => known.indexOf(name) !== i)
  if (twice !== undefined) throw misfit(`graph: '${twice}' is the name of two: give each input and node its own`)
  if (inputs.length === 0 || outputs.length === 0)
    throw misfit('graph: it needs at least one input and one node: name them')
  for (const [name, { from, module, join, axis = 1 }] of Object.entries(nodes)) {
    const read = listed(from)
    if (read.length === 0) throw misfit(`graph: '${name}' reads nothing: say from`)
    for (const source of read)
      if (!known.includes(source))
        throw misfit(`graph: '${name}' reads '${source}', there are only ${known.join(', ')}`)
    if (module !== undefined && !isModule(module))
      throw mistake(`graph: the module of '${name}' is ${String(module)}, it must be a module`)
    if (join !== undefined) checkJoin(`graph: '${name}'`, join, axis)
    else if (read.length > 1 && !(module && 'run' in module))
      throw misfit(
        `graph: '${name}' reads ${read.join(', ')}: say how to join them, or give a module that runs on several`,
      )
  }
  for (const name of outputs)
    if (!known.includes(name)) throw misfit(`graph: the output '${name}' is none of ${known.join(', ')}`)
}

function checkGiven(inputs: readonly string[], given: Named): void {
  const missing = inputs.filter((name) => !(given[name] instanceof Tensor))
  const more = Object.keys(given).filter((name) => !inputs.includes(name))
  if (missing.length > 0 || more.length > 0)
    throw mistake(
      `graph: run takes the tensors ${inputs.join(', ')}; ${missing.length > 0 ? `${missing.join(', ')} missing` : `${more.join(', ')} unknown`}`,
    )
}

/** The nodes as JSON, without their modules, which are children. */
const described = (nodes: GraphParts['nodes']): { readonly [name: string]: Json } =>
  Object.fromEntries(
    Object.entries(nodes).map(([name, { from, join, axis }]) => [
      name,
      { from: listed(from), ...(join ? { join } : {}), ...(axis === undefined ? {} : { axis }) },
    ]),
  )
