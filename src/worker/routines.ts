// The routines of the package by their names, by which a page tells the worker of them.

import type { Routine } from '../graph/node.ts'
import * as recurrences from '../graph/routines/recurrence.ts'
import * as sorts from '../graph/routines/sort.ts'
import * as factorizations from '../linalg/routines.ts'
import * as fourier from '../signal/routine.ts'

export const routines: ReadonlyMap<string, Routine> = new Map(
  [recurrences, sorts, factorizations, fourier]
    .flatMap((module): unknown[] => Object.values(module))
    .filter((value): value is Routine => typeof value === 'object' && value !== null && 'run' in value)
    .map((routine) => [routine.name, routine]),
)
