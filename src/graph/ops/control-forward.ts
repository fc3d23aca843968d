// Control flow carried along: tangents beside the values of branches and loops, and many examples in one loop.

import { isFloat } from '../dtype.ts'
import type { BatchInput, Build, ControlBatch, ControlJvp, Node, Subgraph } from '../node.ts'
import { inline, invariants, outsiders } from '../subgraph.ts'
import { full, moveAxis } from './batch.ts'
import { activeCarries } from './control-vjp.ts'

const partsOf = (b: Build, made: Node, count: number): Node[] =>
  Array.from({ length: count }, (_, index) => b.node('part', [made], { index }))

const zero = (b: Build, x: Node): Node => b.constant(0, x.shape, x.dtype)

const floats = (list: readonly Node[]): number[] => numbersOf(list, (i) => isFloat((list[i] as Node).dtype))

const numbersOf = (list: readonly unknown[], keep: (i: number) => boolean): number[] =>
  [...list.keys()].filter((i) => keep(i))

export const condJvp: ControlJvp<'cond'> = ({ b, stand, jvp }, node, tangents) => {
  const [predicate, ...operands] = node.inputs as [Node, ...Node[]]
  const graphs = [node.attributes.whenTrue, node.attributes.whenFalse]
  const moving = numbersOf(operands, (i) => Boolean(tangents[i + 1]))
  const results = floats(node.attributes.whenTrue.outputs)
  const given = moving.map((i) => stand(operands[i] as Node))
  const outputs = graphs.map((graph) =>
    jvp(
      results.map((i) => graph.outputs[i] as Node),
      moving.map((i) => graph.parameters[i] as Node),
      given,
    ),
  )
  const extra = [
    ...new Set(graphs.flatMap((graph, i) => outsiders(outputs[i] as Node[], [...graph.parameters, ...given], -1))),
  ]
  const [whenTrue, whenFalse] = graphs.map(
    (graph, i): Subgraph => ({ parameters: [...graph.parameters, ...given, ...extra], outputs: outputs[i] as Node[] }),
  ) as [Subgraph, Subgraph]
  const inputs = [predicate, ...operands, ...moving.map((i) => tangents[i + 1] as Node), ...extra]
  const made = b.node('cond', inputs, { whenTrue, whenFalse })
  return placed(node.attributes.whenTrue.outputs.length, results, partsOf(b, made, results.length))
}

/** The carries' tangents are carries too, those of the sequences and constants sequences and constants. */
export const scanJvp: ControlJvp<'scan'> = ({ b, stand, jvp }, node, tangents) => {
  const { body, carries, sequences } = node.attributes
  const { parameters } = body
  const hasTangent = tangents.map(Boolean)
  const active = activeCarries(body, carries, hasTangent)
  const first = carries + sequences
  const moving = numbersOf(parameters, (i) => (i < carries ? active.includes(i) : (hasTangent[i] as boolean)))
  const results = numbersOf(body.outputs, (i) =>
    i < carries ? active.includes(i) : isFloat((body.outputs[i] as Node).dtype),
  )
  const given = new Map(moving.map((i) => [i, stand(parameters[i] as Node)] as const))
  const derived = jvp(
    results.map((i) => body.outputs[i] as Node),
    moving.map((i) => parameters[i] as Node),
    [...given.values()],
  )
  const group = (from: number, to: number): Node[] =>
    moving.filter((i) => i >= from && i < to).map((i) => given.get(i) as Node)
  const tangentOf = (i: number): Node => tangents[i] ?? zero(b, node.inputs[i] as Node)
  const inputs = (from: number, to: number): Node[] => [
    ...node.inputs.slice(from, to),
    ...moving.filter((i) => i >= from && i < to).map(tangentOf),
  ]
  const varying = [
    ...parameters.slice(0, carries),
    ...group(0, carries),
    ...parameters.slice(carries, first),
    ...group(carries, first),
  ]
  const outputs = [...body.outputs.slice(0, carries), ...derived]
  const fixed = [...parameters.slice(first), ...group(first, parameters.length)]
  const extra = invariants(outputs, varying, new Set(fixed)).filter((x) => !fixed.includes(x))
  const outer = inline(b, { parameters: [...parameters, ...given.values()], outputs: extra }, [
    ...node.inputs,
    ...moving.map(tangentOf),
  ])
  const made = b.node(
    'scan',
    [...inputs(0, carries), ...inputs(carries, first), ...inputs(first, parameters.length), ...outer],
    {
      ...node.attributes,
      body: { parameters: [...varying, ...fixed, ...extra], outputs },
      carries: carries + active.length,
      sequences: sequences + group(carries, first).length,
    },
  )
  return placed(body.outputs.length, results, partsOf(b, made, outputs.length).slice(carries))
}

export const whileJvp: ControlJvp<'whileLoop'> = ({ b, stand, jvp }, node, tangents) => {
  const { condition, body, carries, maximum } = node.attributes
  const { parameters } = body
  const hasTangent = tangents.map(Boolean)
  const active = activeCarries(body, carries, hasTangent)
  const moving = numbersOf(parameters, (i) => (i < carries ? active.includes(i) : (hasTangent[i] as boolean)))
  const given = moving.map((i) => stand(parameters[i] as Node))
  const derived = jvp(
    active.map((i) => body.outputs[i] as Node),
    moving.map((i) => parameters[i] as Node),
    given,
  )
  const outputs = [...body.outputs, ...derived]
  const [moves, still] = [given.slice(0, active.length), given.slice(active.length)]
  const known = new Set([...parameters.slice(carries), ...still])
  const varying = [...parameters.slice(0, carries), ...moves]
  const extra = invariants(outputs, varying, known).filter((x) => !known.has(x))
  const tangentOf = (i: number): Node => tangents[i] ?? zero(b, node.inputs[i] as Node)
  const outer = inline(b, { parameters: [...parameters, ...given], outputs: extra }, [
    ...node.inputs,
    ...moving.map(tangentOf),
  ])
  const rest = (list: readonly Node[]): Node[] => [
    ...list.slice(0, carries),
    ...moves,
    ...list.slice(carries),
    ...still,
    ...extra,
  ]
  const at = moving.map(tangentOf)
  const made = b.node(
    'whileLoop',
    [
      ...node.inputs.slice(0, carries),
      ...at.slice(0, active.length),
      ...node.inputs.slice(carries),
      ...at.slice(active.length),
      ...outer,
    ],
    {
      condition: { parameters: rest(condition.parameters), outputs: condition.outputs },
      body: { parameters: rest(parameters), outputs },
      carries: carries + active.length,
      maximum,
    },
  )
  return placed(body.outputs.length, active, partsOf(b, made, outputs.length).slice(carries))
}

/** A list with values at some places, null elsewhere. */
function placed(length: number, places: readonly number[], values: readonly Node[]): (Node | null)[] {
  const list = new Array<Node | null>(length).fill(null)
  places.forEach((place, i) => {
    list[place] = values[i] as Node
  })
  return list
}

/** One branch for all examples where the predicate is one for all; else both, of which each example takes its own. */
export const condBatch: ControlBatch<'cond'> = (rule, node, [predicate, ...operands]) => {
  const { b, size, stand, batch } = rule
  const { whenTrue, whenFalse } = node.attributes
  if (predicate?.isBatched) {
    const results = [whenTrue, whenFalse].map((graph) => {
      const args = operands.map((x, i) => (x.isBatched ? stand(graph.parameters[i] as Node) : x.node))
      const examples = operands.flatMap((x, i): [Node, Node][] => (x.isBatched ? [[args[i] as Node, x.node]] : []))
      return batch(inline(b, graph, args), examples).map((x) => full(b, x, rule))
    })
    return (results[0] as Node[]).map((yes, i) => {
      const choice = b.reshape(predicate.node, [size, ...yes.shape.slice(1).map(() => 1)])
      return { node: b.where(choice, yes, (results[1] as Node[])[i] as Node), isBatched: true }
    })
  }
  const graphs = [whenTrue, whenFalse].map((graph) => batchedBody(rule, graph, operands))
  const isBatched = whenTrue.outputs.map((_, i) => graphs.some((g) => g.outputs[i]?.isBatched))
  const [yes, no] = graphs.map(
    ({ parameters, outputs }): Subgraph => ({
      parameters,
      outputs: outputs.map((x, i) => (isBatched[i] ? full(b, x, rule) : x.node)),
    }),
  ) as [Subgraph, Subgraph]
  const made = b.node('cond', [(predicate as BatchInput).node, ...operands.map((x) => x.node)], {
    whenTrue: yes,
    whenFalse: no,
  })
  return partsOf(b, made, isBatched.length).map((part, i) => ({ node: part, isBatched: isBatched[i] as boolean }))
}

type Rule = Parameters<ControlBatch<'scan'>>[0]

/** A subgraph whose parameters are for all examples where its arguments are. */
function batchedBody(
  { size, stand, batch }: Rule,
  graph: Subgraph,
  args: readonly { readonly isBatched: boolean }[],
): { parameters: Node[]; outputs: readonly BatchInput[] } {
  const parameters = graph.parameters.map((p, i) =>
    args[i]?.isBatched ? stand({ shape: [size, ...p.shape], dtype: p.dtype }) : p,
  )
  const examples = graph.parameters.flatMap((p, i): [Node, Node][] =>
    args[i]?.isBatched ? [[p, parameters[i] as Node]] : [],
  )
  // Of a derivative's loop they can be what others of them are made of.
  const same = graph.parameters.filter((_, i) => !args[i]?.isBatched)
  return { parameters, outputs: batch(graph.outputs, examples, same) }
}

/** Which carries become different for each example, at some turn. */
function spreading(
  rule: Rule,
  body: Subgraph,
  carries: number,
  inputs: readonly BatchInput[],
): { isBatched: boolean }[] {
  const args = inputs.map(({ isBatched }) => ({ isBatched }))
  for (let changed = true; changed; ) {
    changed = false
    const { outputs } = batchedBody(rule, body, args)
    args.slice(0, carries).forEach((arg, i) => {
      if (arg.isBatched || !outputs[i]?.isBatched) return
      arg.isBatched = true
      changed = true
    })
  }
  return args
}

export const scanBatch: ControlBatch<'scan'> = (rule, node, inputs) => {
  const { b } = rule
  const { body, carries, sequences } = node.attributes
  const args = spreading(rule, body, carries, inputs)
  const { parameters, outputs } = batchedBody(rule, body, args)
  const isSequence = (i: number): boolean => i >= carries && i < carries + sequences
  const isBatched = outputs.map((x, i) => (i < carries ? (args[i] as BatchInput).isBatched : x.isBatched))
  const made = b.node(
    'scan',
    inputs.map((x, i) => {
      if (!args[i]?.isBatched) return x.node
      const all = full(b, x, rule)
      return isSequence(i) ? moveAxis(b, all, 0, 1) : all
    }),
    {
      ...node.attributes,
      body: { parameters, outputs: outputs.map((x, i) => (isBatched[i] ? full(b, x, rule) : x.node)) },
    },
  )
  return partsOf(b, made, outputs.length).map((part, i) => ({
    node: isBatched[i] && i >= carries ? moveAxis(b, part, 1, 0) : part,
    isBatched: isBatched[i] as boolean,
  }))
}

/** Goes on as long as any example does; those that have ended keep their state. */
export const whileBatch: ControlBatch<'whileLoop'> = (rule, node, inputs) => {
  const { b, size } = rule
  const { condition, body, carries } = node.attributes
  let args = spreading(rule, body, carries, inputs)
  let test = batchedBody(rule, condition, args)
  const own = test.outputs[0]?.isBatched ?? false
  if (own) {
    args = spreading(
      rule,
      body,
      carries,
      inputs.map((x, i) => (i < carries ? { ...x, isBatched: true } : x)),
    )
    test = batchedBody(rule, condition, args)
  }
  const turn = batchedBody(rule, body, args)
  const next = turn.outputs.map((x, i) => (args[i]?.isBatched ? full(b, x, rule) : x.node))
  const [asked] = test.outputs as [BatchInput]
  const [goesOn] = inline(b, { parameters: test.parameters, outputs: [asked.node] }, turn.parameters) as [Node]
  const kept = next.map((x, i) =>
    own ? b.where(b.reshape(goesOn, [size, ...x.shape.slice(1).map(() => 1)]), x, turn.parameters[i] as Node) : x,
  )
  const any = own ? b.node('max', [asked.node], { axes: [0], ties: 'even' }) : asked.node
  const made = b.node(
    'whileLoop',
    inputs.map((x, i) => (args[i]?.isBatched ? full(b, x, rule) : x.node)),
    {
      ...node.attributes,
      condition: { parameters: test.parameters, outputs: [any] },
      body: { parameters: turn.parameters, outputs: kept },
    },
  )
  return partsOf(b, made, carries).map((part, i) => ({ node: part, isBatched: (args[i] as BatchInput).isBatched }))
}
