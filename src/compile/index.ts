// From graph to program: group nodes into kernels, decide what is stored, lower, order and place.

import type { Graph } from '../graph/graph.ts'
import { isMovement } from '../graph/movements.ts'
import { changed, type Node } from '../graph/node.ts'
import { sizeOf } from '../graph/shape.ts'
import { mapGraph, wholeOrder } from '../graph/walk.ts'
import type { SeesPadding } from '../kernel/contract.ts'
import type { Chaining, Label, Program } from '../kernel/program.ts'
import { Alike, type Layout } from './alike.ts'
import { assemble } from './assemble.ts'
import { chainUnits } from './chain.ts'
import { classify, type NodeClass } from './classify.ts'
import { Dependencies } from './dependency.ts'
import { type Group, groupNodes } from './group.ts'
import { labelOf } from './label.ts'
import { lowerContract, Tables } from './lower-contract.ts'
import { lowerControl } from './lower-control.ts'
import { lowerAssemble, lowerCopy, lowerLoop, lowerScatter } from './lower-loop.ts'
import { lowerRoutine } from './lower-routine.ts'
import { placedParts } from './place-parts.ts'
import { assignPhases, planMemory } from './plan.ts'
import { seePadding } from './see-padding.ts'
import { shareCopies } from './share-copies.ts'
import { storedNodes } from './store.ts'
import type { Block, Unit } from './unit.ts'
import { resolve } from './view.ts'

/** What a backend wants of programs. */
export interface Wishes {
  /** Which convolutions kernels can do without a copy of padded images (`see-padding.ts`); without it none. */
  readonly seesPadding?: SeesPadding | undefined
  /** From when on units become chains (`chain.ts`); without it never. */
  readonly chaining?: Chaining | undefined
}

export function compileGraph(graph: Graph, { seesPadding, chaining }: Wishes = {}): Program {
  const outputs = seesPadding ? seePadding(graph.outputs, seesPadding) : graph.outputs
  const tables = new Tables()
  const block = compileBlock({ ...graph, outputs }, { tables, alike: new Alike(), chaining })
  return assemble(block, tables, graph.leaves.length + graph.outputs.length)
}

/** What all blocks of a program share. */
interface Shared {
  readonly tables: Tables
  readonly alike: Alike
  readonly chaining: Chaining | undefined
}

/** A graph as units with phases and places; graphs inside of its operations become blocks of their own. */
function compileBlock(graph: Graph, shared: Shared): Block {
  const { tables, alike, chaining } = shared
  const outputs = filledOperands(shareCopies(distinctOutputs(graph.outputs)))
  const grouping = groupNodes(outputs)
  const stored = storedNodes(grouping, outputs)
  const { parts, spared } = placedParts(grouping, outputs, stored)
  const layout: Layout = { grouping, stored, parts }
  const units: Unit[] = []
  const labels = new Map<Unit, Label>()
  const lower: { readonly [K in Group['kind']]: (group: Group) => readonly Unit[] } = {
    loop: (group) => [lowerLoop(group, layout)],
    contract: (group) => [lowerContract(group, layout, tables)],
    assemble: (group) => lowerAssemble(group, layout),
    scatter: (group) => lowerScatter(group, layout),
    routine: (group) => [lowerRoutine(group.nodes[0] as Node<'routine'>)],
    control: (group) => lowerControl(group, (inner) => compileBlock(inner, shared)),
  }
  for (const group of grouping.groups) {
    if (group.nodes.every((n) => !stored.has(n) || spared.has(n) || sizeOf(n.shape) === 0)) continue
    const lowered = alike.units(group, layout, () => lower[group.kind](group))
    units.push(...lowered)
    const label = labelOf(group.nodes)
    for (const unit of lowered) labels.set(unit, label)
  }

  const bindings = new Map<Node, number>(graph.leaves.map((leaf, i) => [leaf, i]))
  const overLeaves = new Set(outputs.filter((_, i) => graph.aliases[i] >= 0))
  const dependencies = new Dependencies(chaining ? chainUnits(units, tables.list, overLeaves, chaining) : units)
  const { copies, direct } = placeOutputs(graph, outputs, dependencies)
  for (const [node, slot] of direct) bindings.set(node, slot)
  const phases = assignPhases(dependencies)
  if (copies.length > 0) {
    for (const { target, slot } of copies) bindings.set(target, slot)
    phases.push(copies.map((c) => c.unit))
  }
  return { phases, ...planMemory(phases, bindings), labels }
}

/** Outputs as nodes of their own that kernels compute: leaves, constants and repetitions are copied. */
function distinctOutputs(outputs: readonly Node[]): Node[] {
  const seen = new Set<Node>()
  return outputs.map((node) => {
    const kind = classify(node)
    const own = kind !== 'leaf' && kind !== 'constant' && !seen.has(node)
    seen.add(node)
    return own ? node : copyOf(node)
  })
}

/** Contractions, routines and control flow read memory: a constant is filled first, and for routines a view is copied. */
function filledOperands(outputs: readonly Node[]): readonly Node[] {
  const isFilled = (node: Node): boolean => {
    const kind = classify(node)
    if (kind !== 'contract' && kind !== 'routine' && kind !== 'control') return true
    return node.inputs.every((x) => isReady(x, kind))
  }
  const isReady = (x: Node, kind: NodeClass): boolean =>
    resolve(x).base.op !== 'constant' && (kind !== 'routine' || !isMovement(x))
  if (wholeOrder(outputs).every(isFilled)) return outputs
  return mapGraph(outputs, (node, inputs) => {
    const same = inputs === node.inputs ? node : changed(node, { inputs })
    if (isFilled(same)) return same
    const kind = classify(same)
    return changed(same, { inputs: inputs.map((x) => (isReady(x, kind) ? x : copyOf(x))) })
  }).outputs
}

/** A node of its own with the value of another. */
const copyOf = (node: Node): Node => changed(node, { op: 'stopGradient', inputs: [node], attributes: {} })

interface Placement {
  /** Values that are copied to their output slot at the very end. */
  readonly copies: { unit: Unit; target: Node; slot: number }[]
  /** Values that kernels write to their output slot directly. */
  readonly direct: Map<Node, number>
}

/**
 * Writes each output where it belongs: in place over an aliased leaf, after all readers of the old value, where none of
 * these depends on the new one; else by a copy.
 */
function placeOutputs(graph: Graph, outputs: readonly Node[], dependencies: Dependencies): Placement {
  const copies: Placement['copies'] = []
  const direct = new Map<Node, number>()
  outputs.forEach((node, i) => {
    const slot = graph.leaves.length + i
    const alias = graph.aliases[i]
    if (sizeOf(node.shape) === 0) return
    if (alias < 0) {
      direct.set(node, slot)
      return
    }
    const leaf = graph.leaves[alias]
    const [writer, ...others] = dependencies.writersOf(node)
    const readers = dependencies.readersOf(leaf).filter((r) => r !== writer)
    const samePoint = writer && !writer.scattered.has(leaf)
    if (writer && samePoint && others.length === 0 && !readers.some((r) => dependencies.dependsOn(r, writer))) {
      direct.set(node, slot)
      dependencies.runAfter(writer, readers)
      return
    }
    const target = changed(node, {})
    copies.push({ unit: lowerCopy(node, target), target, slot })
  })
  return { copies, direct }
}
