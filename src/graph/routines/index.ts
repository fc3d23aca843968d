// The routines of the package by their names, by which they are known on another thread.

import type { Routine } from '../node.ts'
import { recurrence, runningArgmax } from './recurrence.ts'
import { argsort } from './sort.ts'

export const routines: ReadonlyMap<string, Routine> = new Map(
  [argsort, recurrence, runningArgmax].map((routine) => [routine.name, routine]),
)
