// Launches of loops and routines as tasks: args blocks, and in what pieces they run.

import { dtypes } from '../../graph/dtype.ts'
import { sizeOf } from '../../graph/shape.ts'
import type { TableArguments } from '../../kernel/contract.ts'
import type { LoopLaunch } from '../../kernel/loop.ts'
import type { Launch } from '../../kernel/program.ts'
import type { RoutineLaunch } from '../../kernel/routine.ts'
import { loopCost } from './cost.ts'
import type { ImageWords } from './image-words.ts'
import type { CompiledKernel } from './kernels.ts'
import { loopLayout } from './layout.ts'
import { routineArgs } from './routines.ts'

/** A launch before it is written: which function runs on which args block, in what pieces. */
export interface Task {
  readonly function: number
  readonly args: number
  readonly grain: number
  readonly total: number
  readonly nanoseconds: number
  readonly callerOnly: boolean
  readonly source: Launch
  /** Of a task that only packs an operand for its launch, where that lies. */
  readonly packs?: readonly TableArguments[]
  /** Whether the next task goes on with each of its pieces, and whether it does so with those of the one before. */
  readonly followed?: boolean
  readonly follows?: boolean
}

/** Nanoseconds per element, a rough guess: routines run alone anyway. */
const routineCost = 20

export function loopTask(image: ImageWords, compiled: CompiledKernel, launch: LoopLaunch): Task | undefined {
  if (launch.total === 0) return undefined
  if (compiled.kind !== 'loop') throw new TypeError(`launch: kernel ${launch.kernel} is no loop kernel`)
  const layout = loopLayout(compiled.kernel)
  const args = image.args(layout.words, compiled.loop.native)
  const put = (words: readonly number[], values: readonly number[], scale: number): void => {
    for (const [i, word] of words.entries()) if (word >= 0) image.set(args + word, values[i] * scale)
  }
  put(layout.extents, launch.extents, 1)
  for (const [i, access] of layout.accesses.entries()) {
    const given = launch.accesses[i]
    const size = dtypes[compiled.kernel.accesses[i].dtype].bytes
    image.address(args + access.address, given.buffer, given.offset * size)
    put(access.strides, given.strides, size)
    put(access.low, given.low, 1)
    put(access.high, given.high, 1)
    put([access.indirectStride], [given.indirectStride], size)
    put([access.indirectExtent], [given.indirectExtent], 1)
  }
  return {
    function: compiled.loop.index,
    args,
    grain: Math.min(Math.max(1, launch.grain), launch.total),
    total: launch.total,
    nanoseconds: loopCost(compiled.loop.cost, launch),
    callerOnly: compiled.loop.callerOnly,
    source: launch,
  }
}

export function routineTask(image: ImageWords, compiled: CompiledKernel, launch: RoutineLaunch): Task {
  if (compiled.kind !== 'routine') throw new TypeError(`launch: kernel ${launch.kernel} is no routine`)
  const args = image.record(4)
  image.set(args + routineArgs.number, compiled.number)
  for (const { buffer, shape } of launch.arguments) {
    const at = image.record(4 * (2 + shape.length))
    image.address(at, buffer, 0)
    image.set(at + 1, shape.length)
    shape.forEach((extent, axis) => {
      image.set(at + 2 + axis, extent)
    })
  }
  const elements = sizeOf(launch.arguments[launch.arguments.length - 1].shape)
  return {
    function: compiled.index,
    args,
    grain: 1,
    total: 1,
    nanoseconds: elements * routineCost,
    callerOnly: true,
    source: launch,
  }
}
