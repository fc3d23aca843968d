// Making routines: algorithms that are no fused loop (sorting, recurrences, factorizations), as plain TypeScript over memory.

import type { Routine } from './node.ts'

/** A routine of its parts. */
export const routine = (parts: Omit<Routine, 'toString'>): Routine => ({ ...parts, toString: () => parts.name })
