// Units: the launches of one group, before they are given phases and memory; buffers are named by the values that they hold.

import type { Node } from '../graph/node.ts'
import type { BufferPlace, Kernel, Label, Launch } from '../kernel/program.ts'

/** A launch whose buffer numbers index `buffers` of its unit. */
export interface UnitLaunch {
  readonly kernel: Kernel
  readonly launch: Launch
}

/** Launches that are independent of each other. */
export interface Unit {
  readonly launches: readonly UnitLaunch[]
  readonly buffers: readonly Node[]
  readonly reads: ReadonlySet<Node>
  readonly writes: ReadonlySet<Node>
  /** Runs before units that write the same buffer without being first: fills a buffer that others write parts of. */
  readonly order: number
  /** Of the reads, those that are read at any other point than the one being written. */
  readonly scattered: ReadonlySet<Node>
  /** What runs after the launches: a conditional or a loop. */
  readonly control?: Control
  /** What has no launches of its own, but units that run one after the other, piece by piece. */
  readonly chain?: Chain
}

/** Units whose work is in `pieces`: each needs only that very piece of what those before it write, and of the values that are `cut` only that. */
export interface Chain {
  readonly members: readonly Unit[]
  readonly pieces: number
  readonly cut: ReadonlySet<Node>
}

/** A graph made into units on its own: `places` are in an arena of its own and in slots, its leaves' and then its outputs'. */
export interface Block {
  readonly phases: readonly (readonly Unit[])[]
  readonly places: ReadonlyMap<Node, Exclude<BufferPlace, { kind: 'moving' }>>
  readonly arenaBytes: number
  readonly labels: ReadonlyMap<Unit, Label>
}

/** The value around a block that a slot is, or the part of it that the turn works on: `step` bytes further in every turn. */
export interface Slot {
  readonly node: Node
  readonly moves?: { readonly first: number; readonly step: number; readonly bytes: number }
}

/** A block inside another one, whose arena is a value there. */
export interface Inner {
  readonly block: Block
  readonly slots: readonly Slot[]
  readonly arena: Node
}

/** Flags are bool values around the inner blocks. */
export type Control =
  | { readonly kind: 'branch'; readonly flag: Node; readonly whenTrue: Inner; readonly whenFalse: Inner }
  | {
      readonly kind: 'loop'
      readonly turns: number
      readonly test?: { readonly inner: Inner; readonly flag: Node }
      readonly body: Inner
    }

/** The units that a unit consists of. */
export const membersOf = (unit: Unit): readonly Unit[] => unit.chain?.members ?? [unit]
