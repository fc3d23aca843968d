/** 500 random graphs of all operations and dtypes: what each backend, each rewrite and each derivative makes of them. `npm run fuzz` draws more. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { platform } from '#platform'
import { backendCount, forEachBackend } from '../support/backends.ts'
import { type Check, checkBackend, checkGradient, checkRewrites, checkVmap, expected } from '../support/graph-checks.ts'
import { asText, randomGraphs } from '../support/random-graph.ts'

/** Pages emit the same bytes as Node: there a sample is enough. */
const graphs = platform.name === 'browser' ? 100 : 500

function holds(check: Check, seed: number, numRuns: number): void {
  fc.assert(
    fc.property(fc.noBias(randomGraphs), (graph) => {
      expect(check(graph), asText(graph)).toBeUndefined()
    }),
    { seed, numRuns },
  )
}

let seed = 100
forEachBackend(() => {
  const own = seed++
  it('gives what the records give, compiled and eagerly', () => {
    holds((graph) => checkBackend(graph, expected(graph)), own, Math.ceil(graphs / backendCount))
  })
})

describe('without a backend', () => {
  it.each<[string, Check]>([
    ['simplify and stabilize keep values', checkRewrites],
    ['the gradient is what differences give', checkGradient],
    ['vmap is a loop', checkVmap],
  ])('%s', (_, check) => {
    holds(check, 1, graphs)
  })
})
