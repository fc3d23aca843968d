// Which operands of products stay the same in all turns of a loop, so that packing them once before it is enough.

import type { ContractLaunch, TableArguments } from '../../kernel/contract.ts'
import {
  type BufferPlace,
  type Kernel,
  type Launch,
  type LoopStep,
  launchesOf,
  type Program,
} from '../../kernel/program.ts'
import type { Ahead } from './blocking.ts'

type Fixed = Extract<BufferPlace, { readonly kind: 'arena' | 'binding' }>

/** Tells of a product in the loop whether anything in the loop writes where its operands lie. */
export function loopConstants(loop: LoopStep, { kernels, buffers }: Program): (launch: ContractLaunch) => Ahead {
  /** The memory that a buffer lies in, or moves over. */
  const home = (buffer: number): Fixed => {
    let place = buffers[buffer]
    while (place.kind === 'moving') place = buffers[place.buffer]
    return place
  }
  const written = [...new Set(launchesOf([loop]).flatMap((launch) => writtenBy(launch, kernels[launch.kernel])))].map(
    home,
  )
  const stands = ({ buffer }: TableArguments): boolean => {
    const place = buffers[buffer]
    return place.kind !== 'moving' && !written.some((other) => overlap(place, other))
  }
  return ({ left, right }) => ({ left: left.every(stands), right: right.every(stands) })
}

/** The buffers that a launch writes; those of a routine all count. */
export function writtenBy(launch: Launch, kernel: Kernel): number[] {
  if (launch.kind === 'routine') return launch.arguments.map((a) => a.buffer)
  if (launch.kind === 'contract' && kernel.kind === 'contract') {
    return kernel.epilogue.stores.map(({ access }) => launch.epilogue[access].buffer)
  }
  if (launch.kind === 'loop' && kernel.kind === 'loop') {
    return kernel.stages.flatMap(({ stores }) => stores.map(({ access }) => launch.accesses[access].buffer))
  }
  throw new TypeError(`launch: kernel ${launch.kernel} is no ${launch.kind} kernel`)
}

/** Bindings share no memory: what a program writes in place of a value is written after the last loop that reads it. */
function overlap(a: Fixed, b: Fixed): boolean {
  if (a.kind === 'binding' || b.kind === 'binding')
    return a.kind === 'binding' && b.kind === 'binding' && a.slot === b.slot
  return a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes
}
