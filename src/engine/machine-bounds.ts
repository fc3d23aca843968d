// What one thread of this machine can do at most, measured: arithmetic, and bytes from the cache and from memory.

import type { KernelBackend, ProgramTime } from '../backend/backend.ts'
import { compileGraph } from '../compile/index.ts'
import { build } from '../graph/build.ts'
import type { Node } from '../graph/node.ts'
import { sizeOf } from '../graph/shape.ts'
import type { Launch } from '../kernel/program.ts'
import { type Work, workOf } from '../kernel/work.ts'

export interface Bounds {
  /** Floating-point operations a second. */
  readonly flops: number
  /** Bytes a second of work that fits the cache, and of work that does not. */
  readonly cached: number
  readonly memory: number
}

/** Work on fewer bytes is thought to find them in the cache. */
const cacheBytes = 2 ** 20

/** Seconds that work takes at least on one thread. */
export const leastSeconds = ({ flops, bytes }: Work, bounds: Bounds): number =>
  Math.max(flops / bounds.flops, bytes / (bytes <= cacheBytes ? bounds.cached : bounds.memory))

/** Takes some tens of milliseconds. */
export function measureBounds(on: KernelBackend): Bounds {
  const leaf = (...shape: number[]): Node<'leaf'> => build.leaf({}, shape, 'float32')
  const [a, b, small, large] = [leaf(512, 512), leaf(512, 512), leaf(2 ** 15), leaf(2 ** 23)]
  return {
    flops: best(on, build.node('matmul', [a, b], {}), [a, b], 5, (w) => w.flops),
    cached: best(on, build.unary('neg', small), [small], 200, (w) => w.bytes),
    memory: best(on, build.unary('neg', large), [large], 3, (w) => w.bytes),
  }
}

/** The best rate a second that a piece of the node's program reached. */
function best(
  on: KernelBackend,
  node: Node,
  leaves: readonly Node<'leaf'>[],
  times: number,
  amount: (work: Work) => number,
): number {
  const bindings = [...leaves, node].map((n) => on.allocate(4 * sizeOf(n.shape)))
  leaves.forEach((leaf, i) => {
    on.upload(bindings[i], new Float32Array(sizeOf(leaf.shape)).fill(0.5))
  })
  let rate = 0
  on.measure?.((run) => {
    for (const [launch, { milliseconds }] of launchTimes(run)) {
      // A clock of a browser may not have moved.
      if (milliseconds > 0) rate = Math.max(rate, (1000 * amount(workOf(run.program, launch))) / milliseconds)
    }
  })
  const loaded = on.load(compileGraph({ leaves, outputs: [node], aliases: [-1] }))
  try {
    loaded.run(bindings, times)
  } finally {
    loaded.release()
    for (const storage of bindings) on.release(storage)
  }
  return rate
}

interface LaunchTime {
  /** On all threads together. */
  milliseconds: number
  /** How often it ran: in loops, once for each turn. */
  runs: number
  /** The iterations, or blocks, of all runs. */
  iterations: number
}

/** What each launch of a run of a program took. */
export function launchTimes(run: ProgramTime): Map<Launch, LaunchTime> {
  const times = new Map<Launch, LaunchTime>()
  for (const { launch, packing, begin, end, start, stop } of run.pieces) {
    const time = times.get(launch) ?? { milliseconds: 0, runs: 0, iterations: 0 }
    time.milliseconds += stop - start
    if (!packing) {
      time.iterations += end - begin
      if (begin === 0) time.runs++
    }
    times.set(launch, time)
  }
  return times
}
