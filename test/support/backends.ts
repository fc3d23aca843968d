/** The backends that the suite runs on. */

import { beforeAll, describe } from 'vitest'
import { configure } from '../../src/tensor/index.ts'

export interface TestBackend {
  readonly backend: 'reference' | 'wasm'
  readonly threads: number
}

const backends: readonly TestBackend[] = [
  { backend: 'reference', threads: 1 },

  { backend: 'wasm', threads: 1 },
  { backend: 'wasm', threads: 2 },
]

/** Runs the same tests on every backend, or on those that `wanted` names. */
export function forEachBackend(body: (on: TestBackend) => void, wanted = (_: TestBackend): boolean => true): void {
  describe.each(backends.filter(wanted))('$backend, $threads thread(s)', (on) => {
    beforeAll(() => configure({ ...on, seed: 0 }))
    body(on)
  })
}
