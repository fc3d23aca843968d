// The engine of this thread, in Node: there from the start, as numbers are to be read at once.

import { platform } from '#platform'
import { findingText } from '../transform/stability/report.ts'
import type { Finding } from '../transform/stability/stabilize.ts'
import { engine } from './direct.ts'
import type { Engine } from './engine.ts'

export const engineAtOnce: Engine | undefined = engine
/** Tells what stabilize finds; `TENON_DEBUG=stabilize` prints it on standard error. */
export const reporter = (): ((finding: Finding) => void) | undefined =>
  platform.environment('TENON_DEBUG')?.split(',').includes('stabilize')
    ? (finding) => console.error(`--- stabilize\n${findingText(finding)}`)
    : undefined

export const loadEngine = async (): Promise<Engine> => engine
