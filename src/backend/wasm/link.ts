// Chains as tasks: launches that a thread runs one after the other on a piece of their values, before it claims the next one.

import type { Program } from '../../kernel/program.ts'
import { writtenBy } from './loop-constants.ts'
import type { Task } from './tasks.ts'

/** Pieces for each thread, from which on it matters little that some have one more. */
const manyPieces = 4

/** The tasks of a chain, cut alike; undefined where they can't be, where threads would get unequal shares, or where one is packed for what another writes. */
export function linkedTasks(
  tasks: readonly (Task | undefined)[],
  packing: readonly Task[],
  { pieces, threads, claim }: { readonly pieces: number; readonly threads: number; readonly claim: number },
  { kernels }: Program,
): Task[] | undefined {
  const members = tasks.filter((task) => task !== undefined)
  const isCut = (task: Task): boolean => !task.callerOnly && task.total % pieces === 0
  if (members.length < tasks.length || !members.every(isCut)) return undefined
  const written = new Set(members.flatMap(({ source }) => writtenBy(source, kernels[source.kernel])))
  const isEarly = ({ source, packs = [] }: Task): boolean =>
    members.some((task) => task.source === source) && packs.some(({ buffer }) => written.has(buffer))
  if (packing.some(isEarly)) return undefined
  const nanoseconds = members.reduce((sum, task) => sum + task.nanoseconds, 0) / pieces
  const together = Math.min(pieces, Math.max(1, Math.ceil(claim / nanoseconds)))
  const claims = Math.ceil(pieces / together)
  if (claims % threads > 0 && claims < manyPieces * threads) return undefined
  return members.map((task, i) => ({
    ...task,
    grain: (together * task.total) / pieces,
    followed: i < members.length - 1,
    follows: i > 0,
  }))
}
