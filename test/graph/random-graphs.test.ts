/** 500 random graphs of all operations and dtypes: what each backend, each rewrite and each derivative makes of them. `npm run fuzz` draws more. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { platform } from '#platform'
import type { DType } from '../../src/graph/dtype.ts'
import { isControl, isOp, type Node } from '../../src/graph/node.ts'
import { subgraphsOf } from '../../src/graph/ops/control.ts'
import { ops } from '../../src/graph/ops/index.ts'
import { sizeOf } from '../../src/graph/shape.ts'
import { subgraphOrder } from '../../src/graph/subgraph.ts'
import { topologicalOrder } from '../../src/graph/walk.ts'
import { configure } from '../../src/tensor/index.ts'
import { routines } from '../../src/worker/routines.ts'
import { backendCount, forEachBackend } from '../support/backends.ts'
import { checkAgain, checkAssign, checkBatchSizes } from '../support/engine-checks.ts'
import {
  type Check,
  checkBackend,
  checkGradient,
  checkRewrites,
  checkSecondGradient,
  checkViews,
  checkVmap,
  expected,
} from '../support/graph-checks.ts'
import { asText, leavesOf, outputsOf, randomGraphs } from '../support/random-graph.ts'

/** Pages emit the same bytes as Node: there a sample is enough. */
const graphs = platform.name === 'browser' ? 100 : 500
/** Of each law of an engine. */
const few = platform.name === 'browser' ? 5 : 25

function holds(check: Check, seed: number, numRuns: number): void {
  fc.assert(
    fc.property(fc.noBias(randomGraphs), (graph) => {
      expect(check(graph), asText(graph)).toBeUndefined()
    }),
    { seed, numRuns },
  )
}

let seed = 100
forEachBackend(({ backend }) => {
  const own = seed++
  it('gives what the records give, compiled and eagerly', () => {
    holds((graph) => checkBackend(graph, expected(graph)), own, Math.ceil(graphs / backendCount))
  })
  // The reference has no memory of its own, nothing that it could write over.
  if (backend === 'reference') return
  it.each<[string, Check]>([
    ['gives the same of inputs that lie backwards and across', (graph) => checkViews(graph, expected(graph))],
    ['gives the same bits after other numbers and after many runs', checkAgain],
    ['assigns what it gives, and leaves what was read before', checkAssign],
  ])('%s', (_, check) => {
    holds(check, own + 10, few)
  })
})

if (platform.name === 'node') {
  it('another batch size compiles nothing', () => {
    configure({ backend: 'wasm', threads: 1, seed: 0, worker: false })
    holds(checkBatchSizes, 3, few)
  })
}

describe('without a backend', () => {
  it.each<[string, Check, number]>([
    ['simplify and stabilize keep values', checkRewrites, graphs],
    ['the gradient is what differences give', checkGradient, graphs],
    ['the gradient of the gradient is what differences give', checkSecondGradient, few],
    ['vmap is a loop, of gradients too', checkVmap, graphs / 5],
  ])('%s', (_, check, count) => {
    holds(check, 1, count)
  })

  it('every operation, routine, dtype and kind of shape is drawn', () => {
    const drawn = { ops: new Set<string>(), routines: new Set<string>(), dtypes: new Set<DType>() }
    const sizes = new Set<number>()
    const note = (nodes: readonly Node[]): void => {
      for (const node of nodes) {
        drawn.ops.add(node.op)
        drawn.dtypes.add(node.dtype)
        sizes.add(sizeOf(node.shape))
        if (isOp(node, 'routine')) drawn.routines.add(node.attributes.routine.name)
        if (isControl(node)) for (const body of subgraphsOf(node)) note(subgraphOrder(body))
      }
    }
    for (const graph of fc.sample(fc.noBias(randomGraphs), { seed: 1, numRuns: 300 }))
      note(topologicalOrder(outputsOf(graph, leavesOf(graph)).map((t) => t.node)))
    expect(Object.keys(ops).filter((op) => !drawn.ops.has(op))).toEqual([])
    expect([...routines.keys()].filter((name) => !drawn.routines.has(name))).toEqual([])
    expect([...drawn.dtypes].sort()).toEqual(['bool', 'float32', 'float64', 'int32', 'uint8'])
    for (const size of [0, 1, 17, 31]) expect(sizes).toContain(size)
  })
})
