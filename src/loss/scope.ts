// The name of a loss on the nodes that it builds, by which pictures, profiles and traces show it.

import { currentScope, within } from '../graph/build.ts'

/** Runs `f`; what it builds is named after the loss. */
export function scoped<T>(name: string, f: () => T): T {
  const around = currentScope()
  return within({ path: around?.path ?? '', name, order: around?.order ?? 0 }, f)
}
