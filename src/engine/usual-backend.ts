// Which backend computes where none is named: machine code where it can be.

import { platform } from '#platform'
import { x86Vectors } from '#x86'
import { type BackendName, backendNames } from './engine.ts'

/** What TENON_BACKEND names; else the fastest here. Throws where the variable names none. */
export function usualBackend(): BackendName {
  const named = platform.environment('TENON_BACKEND')
  if (named === undefined || named === '') return x86Vectors() === undefined ? 'wasm' : 'x86'
  const found = backendNames.find((name) => name === named)
  if (found) return found
  throw new RangeError(`TENON_BACKEND is '${named}': it may be ${backendNames.join(' or ')}`)
}
