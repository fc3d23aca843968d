// The engine of this thread, in Node: there from the start, as numbers are to be read at once.

import { engine } from './direct.ts'
import type { Engine } from './engine.ts'

export const engineAtOnce: Engine | undefined = engine
export const loadEngine = async (): Promise<Engine> => engine
