// Assembling: blocks of units, each with an arena of its own, as one program with numbered kernels and buffers.

import type { Node } from '../graph/node.ts'
import { kernelKey } from '../kernel/key.ts'
import type { BufferPlace, Chain, Kernel, Label, Launch, Program, Step } from '../kernel/program.ts'
import { copyLabel } from './label.ts'
import type { Tables } from './lower-contract.ts'
import { type Block, type Control, type Inner, membersOf, type Unit } from './unit.ts'

export function assemble(block: Block, tables: Tables, bindings: number): Program {
  const assembler = new Assembler()
  const steps = assembler.steps(block, { arena: 0, slots: [] })
  const { kernels, buffers, labels } = assembler
  return { kernels, buffers, tables: tables.list, steps, labels, arenaBytes: block.arenaBytes, bindings }
}

/** Where a block lies: the start of its arena in the program's, and the buffers of its slots; none for the outermost one. */
interface Placement {
  readonly arena: number
  readonly slots: readonly (number | undefined)[]
}

class Assembler {
  readonly kernels: Kernel[] = []
  readonly buffers: BufferPlace[] = []
  readonly labels = new Map<Launch, Label>()
  private readonly kernelIndex = new Map<string, number>()
  /** Launches that are alike have one kernel. */
  private readonly numbers = new Map<Kernel, number>()

  steps(block: Block, at: Placement): Step[] {
    const known = new Map<Node, number>()
    const numberOf = (node: Node): number => {
      const number = known.get(node) ?? this.place(block, at, node)
      known.set(node, number)
      return number
    }
    return block.phases.flatMap((units): Step[] => {
      const launches: Launch[] = []
      const chains: Chain[] = []
      for (const unit of units) {
        const first = launches.length
        for (const member of membersOf(unit))
          launches.push(...this.launches(member, numberOf, block.labels.get(member) ?? copyLabel))
        if (unit.chain) chains.push({ first, length: launches.length - first, pieces: unit.chain.pieces })
      }
      const controls = units.flatMap(({ control }) => (control ? [this.control(control, numberOf)] : []))
      return launches.length > 0
        ? [{ kind: 'phase', launches, ...(chains.length > 0 && { chains }) }, ...controls]
        : controls
    })
  }

  private control(control: Control, numberOf: (node: Node) => number): Step {
    if (control.kind === 'branch') {
      const { flag, whenTrue, whenFalse } = control
      const steps = (inner: Inner): Step[] => this.inner(inner, numberOf).steps
      return { kind: 'branch', flag: numberOf(flag), whenTrue: steps(whenTrue), whenFalse: steps(whenFalse) }
    }
    const { turns, test, body } = control
    const { steps, moving } = this.inner(body, numberOf)
    if (!test) return { kind: 'loop', turns, steps, moving }
    const asked = this.inner(test.inner, numberOf).steps
    return { kind: 'loop', turns, test: { steps: asked, flag: numberOf(test.flag) }, steps, moving }
  }

  private inner({ block, slots, arena }: Inner, numberOf: (node: Node) => number): { steps: Step[]; moving: number[] } {
    const moving: number[] = []
    const used = new Set([...block.places.values()].flatMap((place) => (place.kind === 'binding' ? [place.slot] : [])))
    const places = slots.map(({ node, moves }, slot): number | undefined => {
      if (!used.has(slot)) return undefined
      const buffer = numberOf(node)
      if (!moves) return buffer
      const window = this.buffers.push({ kind: 'moving', buffer, ...moves }) - 1
      moving.push(window)
      return window
    })
    const space = this.buffers[numberOf(arena)]
    if (space?.kind !== 'arena') throw new Error('compile: the memory of a block lies outside of the arena')
    return { steps: this.steps(block, { arena: space.offset, slots: places }), moving }
  }

  private launches(unit: Unit, numberOf: (node: Node) => number, label: Label): Launch[] {
    const place = <T extends { readonly buffer: number }>(list: readonly T[]): T[] =>
      list.map((a) => ({ ...a, buffer: numberOf(unit.buffers[a.buffer] as Node) }))
    return unit.launches.map(({ kernel, launch }): Launch => {
      const number = this.kernelNumber(kernel)
      const placed: Launch =
        launch.kind === 'loop'
          ? { ...launch, kernel: number, accesses: place(launch.accesses) }
          : launch.kind === 'routine'
            ? { ...launch, kernel: number, arguments: place(launch.arguments) }
            : {
                ...launch,
                kernel: number,
                left: place(launch.left),
                right: place(launch.right),
                epilogue: place(launch.epilogue),
              }
      this.labels.set(placed, label)
      return placed
    })
  }

  private place(block: Block, at: Placement, node: Node): number {
    const place = block.places.get(node)
    if (!place) throw new Error(`compile: ${node.op} has no memory`)
    if (place.kind === 'arena') return this.buffers.push({ ...place, offset: place.offset + at.arena }) - 1
    return at.slots[place.slot] ?? this.buffers.push(place) - 1
  }

  private kernelNumber(kernel: Kernel): number {
    const same = this.numbers.get(kernel)
    if (same !== undefined) return same
    const key = kernelKey(kernel)
    const number = this.kernelIndex.get(key) ?? this.kernels.push(kernel) - 1
    this.kernelIndex.set(key, number)
    this.numbers.set(kernel, number)
    return number
  }
}
