// The engine of this thread, in a page: not there, as it works in a worker, and loaded only where none can start.

import type { Engine } from './engine.ts'

export const engineAtOnce: Engine | undefined = undefined

/** Pages have no environment that could ask for it. */
export const reporter = (): undefined => undefined

export async function loadEngine(): Promise<Engine> {
  return (await import('./direct.ts')).engine
}
