// Lowering control flow: a unit whose subgraphs are blocks that work on the values around them.

import type { Graph } from '../graph/graph.ts'
import { isOp, type Node, type Subgraph } from '../graph/node.ts'
import { resultsOf } from '../graph/ops/control.ts'
import { bytesOf } from './classify.ts'
import type { Group } from './group.ts'
import { lowerCopy } from './lower-loop.ts'
import { contents } from './operand.ts'
import type { Block, Control, Inner, Slot, Unit } from './unit.ts'

/** Compiles a graph whose memory is given slot by slot. */
type CompileBlock = (graph: Graph) => Block

/** A control unit without what all of them have; `own` is memory of its own. */
interface Lowered {
  readonly control: Control
  /** The values that the first results start from. */
  readonly initial: readonly Node[]
  readonly own: readonly Node[]
}

/** Carries live in the memory of their results: they are copied there first, and replaced turn by turn. */
export function lowerControl(group: Group, compile: CompileBlock): Unit[] {
  const [original, ...parts] = group.nodes as [Node, ...Node[]]
  const node: Node = { ...original, inputs: original.inputs.map(contents) }
  const results = resultsOf(node).map(
    ({ shape, dtype }, index): Node =>
      parts.find((p) => isOp(p, 'part') && p.attributes.index === index) ?? memory(node, shape, dtype),
  )
  const { control, initial, own } = isOp(node, 'cond')
    ? lowerCond(node, results, compile)
    : isOp(node, 'scan')
      ? lowerScan(node, results, compile)
      : lowerWhile(node as Node<'whileLoop'>, results, compile)
  const copies = initial.flatMap((from, i): Unit[] => {
    const to = results[i] as Node
    return bytesOf(to) === 0 ? [] : [{ ...lowerCopy(from, to), order: 0 }]
  })
  const reads = new Set(node.inputs)
  const buffers = [...new Set([...node.inputs, ...results, ...own])]
  const unit: Unit = { launches: [], buffers, reads, writes: new Set(results), order: 1, scattered: reads, control }
  return [...copies, unit]
}

function lowerCond(node: Node<'cond'>, results: readonly Node[], compile: CompileBlock): Lowered {
  const [flag, ...operands] = node.inputs as [Node, ...Node[]]
  const slots = [...operands, ...results].map((value): Slot => ({ node: value }))
  const blocks = [node.attributes.whenTrue, node.attributes.whenFalse].map((graph) => compile(graphOf(graph)))
  // Only one of them runs.
  const arena = memory(node, [Math.max(...blocks.map((b) => b.arenaBytes))], 'uint8')
  const [whenTrue, whenFalse] = blocks.map((block): Inner => ({ block, slots, arena })) as [Inner, Inner]
  return { control: { kind: 'branch', flag, whenTrue, whenFalse }, initial: [], own: [arena] }
}

function lowerScan(node: Node<'scan'>, results: readonly Node[], compile: CompileBlock): Lowered {
  const { body, carries, sequences, length, reverse } = node.attributes
  const { inputs } = node
  const slice = (value: Node): Slot => {
    const bytes = length === 0 ? 0 : bytesOf(value) / length
    return { node: value, moves: { first: reverse ? (length - 1) * bytes : 0, step: reverse ? -bytes : bytes, bytes } }
  }
  const fixed = (value: Node): Slot => ({ node: value })
  const slots = [
    ...results.slice(0, carries).map(fixed),
    ...inputs.slice(carries, carries + sequences).map(slice),
    ...inputs.slice(carries + sequences).map(fixed),
    ...results.slice(0, carries).map(fixed),
    ...results.slice(carries).map(slice),
  ]
  const { inner, arena } = innerOf(node, body, slots, carries, compile)
  return { control: { kind: 'loop', turns: length, body: inner }, initial: inputs.slice(0, carries), own: [arena] }
}

function lowerWhile(node: Node<'whileLoop'>, results: readonly Node[], compile: CompileBlock): Lowered {
  const { condition, body, carries, maximum } = node.attributes
  const seen = [...results, ...node.inputs.slice(carries)].map((value): Slot => ({ node: value }))
  const flag = memory(node, [], 'bool')
  const test = innerOf(node, condition, [...seen, { node: flag }], 0, compile)
  const turn = innerOf(node, body, [...seen, ...seen.slice(0, carries)], carries, compile)
  const control: Control = {
    kind: 'loop',
    turns: Math.min(maximum, endless),
    test: { inner: test.inner, flag },
    body: turn.inner,
  }
  return { control, initial: node.inputs.slice(0, carries), own: [flag, test.arena, turn.arena] }
}

/** Turns are counted in 32 bits. */
const endless = 2 ** 32 - 1

function innerOf(
  node: Node,
  graph: Subgraph,
  slots: readonly Slot[],
  carries: number,
  compile: CompileBlock,
): { inner: Inner; arena: Node } {
  const block = compile(graphOf(graph, carries))
  const arena = memory(node, [block.arenaBytes], 'uint8')
  return { inner: { block, slots, arena }, arena }
}

/** The first outputs are written over the first parameters. */
const graphOf = ({ parameters, outputs }: Subgraph, carries = 0): Graph => ({
  leaves: parameters as readonly Node<'leaf'>[],
  outputs,
  aliases: outputs.map((_, i) => (i < carries ? i : -1)),
})

/** A piece of memory that no node of the graph names. */
const memory = (of: Node, shape: Node['shape'], dtype: Node['dtype']): Node => ({ ...of, shape, dtype })
