// Routine kernels: a function of the table that calls back into JavaScript, where the algorithm runs over views of the memory.

import { dtypes } from '../../graph/dtype.ts'
import type { NdArray } from '../../graph/node.ts'
import { kernelKey } from '../../kernel/key.ts'
import type { RoutineKernel } from '../../kernel/routine.ts'
import { ModuleBuilder } from './assembler.ts'
import { importEngine } from './engine-module.ts'
import { kernelParams } from './layout.ts'
import type { LinearMemory } from './memory.ts'

/** Words of an args block: the routine's number, then per argument the address, the rank and the extents. */
export const routineArgs = { number: 0, arguments: 1 } as const

/** The routines that an engine's programs use, by number. */
export class RoutineTable {
  private readonly memory: LinearMemory
  private readonly list: RoutineKernel[] = []
  private readonly numbers = new Map<string, number>()

  constructor(memory: LinearMemory) {
    this.memory = memory
  }

  numberOf(kernel: RoutineKernel): number {
    const key = kernelKey(kernel)
    const known = this.numbers.get(key)
    if (known !== undefined) return known
    this.numbers.set(key, this.list.length)
    return this.list.push(kernel) - 1
  }

  /** Runs what the args block at an address says. */
  run(address: number): void {
    const { i32 } = this.memory.views
    let at = address >>> 2
    const { routine, parameters, inputs, result } = this.list[i32[at++]]
    const views = [...inputs, result].map((dtype): NdArray => {
      const [start, rank] = [i32[at], i32[at + 1]]
      const shape = Array.from(i32.subarray(at + 2, at + 2 + rank))
      at += 2 + rank
      const length = shape.reduce((n, d) => n * d, 1)
      return { shape, dtype, data: new dtypes[dtype].array(this.memory.views.buffer, start >>> 0, length) }
    })
    routine.run(views.slice(0, -1), views[views.length - 1], parameters)
  }
}

/** A module with the one function that hands its args block to the host. */
export function routineModule(shared: boolean): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder()
  const base = importEngine(module, shared)
  const host = module.importFunction('host', 'routine', ['i32'], [])
  const f = module.function(undefined, kernelParams)
  f.get(0).call(host)
  module.element(base, [f])
  return module.build()
}
