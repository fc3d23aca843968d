// Machine code for AVX2 where there is AVX-512 too: operations at their edges, random graphs, and the benchmark's losses; the rest of the suite says TENON_X86=avx2.

import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { createX86Backend, x86Vectors } from '#x86'
import type { VectorTarget } from '../../src/backend/x86/target.ts'
import { workloads } from '../../src/cli/bench/workloads.ts'
import { platform } from '../../src/platform/node.ts'
import { configure, type Tensor, tensor } from '../../src/tensor/index.ts'
import { useMachineCode } from '../support/backends.ts'
import { checkAgain } from '../support/engine-checks.ts'
import { checkBackend, expected } from '../support/graph-checks.ts'
import { asText, randomGraphs } from '../support/random-graph.ts'
import { targets } from './native.ts'

/** Numbers at which minimum, comparisons and casts go wrong, each beside each. */
const edges = [0, -0, 1, -1, 0.5, -2.5, 3.5, 2 ** 31, -(2 ** 31), 2147483520, -2147483904, 1e10, 1e-40, 3.4e38]
const corners = [...edges, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN]
const left = corners.flatMap((x) => corners.map(() => x))
const right = corners.flatMap(() => corners)

const atEdges: { readonly [name: string]: (x: Tensor, y: Tensor) => Tensor } = {
  minimum: (x, y) => x.minimum(y),
  maximum: (x, y) => x.maximum(y),
  less: (x, y) => x.less(y),
  'less or equal': (x, y) => x.lessEqual(y),
  greater: (x, y) => x.greater(y),
  'greater or equal': (x, y) => x.greaterEqual(y),
  equal: (x, y) => x.equal(y),
  'not equal': (x, y) => x.notEqual(y),
  choice: (x, y) => x.less(y).where(x, y.neg()),
  int32: (x, y) => x.add(y).cast('int32'),
  uint8: (x, y) => x.add(y).cast('uint8'),
  bool: (x, y) => x.add(y).cast('bool'),
  'whole numbers less': (x, y) => x.cast('int32').less(y.cast('int32')),
  'whole numbers greater or equal': (x, y) => x.cast('int32').greaterEqual(y.cast('int32')),
  'whole numbers not equal': (x, y) => x.cast('int32').notEqual(y.cast('int32')),
  'smaller whole number': (x, y) => x.cast('int32').minimum(y.cast('int32')),
  float32: (x, y) => x.add(y).cast('float32'),
  float64: (x, y) => x.add(y).cast('float64').mul(x.cast('float64')),
  floor: (x) => x.floor(),
  ceiling: (x) => x.ceil(),
  rounded: (x) => x.round(),
  absolute: (x) => x.abs(),
  'largest of rows': (x) => x.reshape([corners.length, corners.length]).transpose().max([1]),
  'place of the smallest': (x, y) => x.add(y).reshape([corners.length, corners.length]).argmin(0),
  padded: (x) =>
    x
      .greater(0)
      .reshape([17, 17])
      .pad(
        [
          [1, 2],
          [3, 9],
        ],
        1,
      ),
}

function outcome(run: (x: Tensor, y: Tensor) => Tensor, dtype: 'float32' | 'float64'): readonly number[] {
  return Array.from(run(tensor(left, { dtype }), tensor(right, { dtype })).dataSync())
}

describe.each(targets)('$title', ({ name: vectors }: VectorTarget) => {
  const use = (threads: number): void => {
    configure({ backend: 'x86', threads, seed: 0, worker: false })
    useMachineCode({ threads, vectors })
  }

  test.each(Object.keys(atEdges))('%s at the edges is the reference’s', (name) => {
    for (const dtype of ['float32', 'float64'] as const) {
      configure({ backend: 'reference', seed: 0, worker: false })
      const want = outcome(atEdges[name], dtype)
      use(1)
      expect(outcome(atEdges[name], dtype), dtype).toEqual(want)
    }
  })
})

describe.runIf(targets.some(({ name }) => name === 'avx2'))('AVX2', () => {
  const use = (threads: number, worthCalling?: number): void => {
    configure({ backend: 'x86', threads, seed: 0, worker: false })
    useMachineCode({ threads, vectors: 'avx2', ...(worthCalling === undefined ? {} : { worthCalling }) })
  }
  beforeAll(() => use(2))

  test('random graphs give what the records give, again and again', () => {
    fc.assert(
      fc.property(fc.noBias(randomGraphs), (graph) => {
        expect(checkBackend(graph, expected(graph)), asText(graph)).toBeUndefined()
      }),
      { seed: 400, numRuns: 15 },
    )
    fc.assert(
      fc.property(fc.noBias(randomGraphs), (graph) => {
        expect(checkAgain(graph), asText(graph)).toBeUndefined()
      }),
      { seed: 401, numRuns: 5 },
    )
  })

  test.each([
    ['mlp', 1.57958],
    ['cnn', 1.70051],
    ['gpt', 3.99451],
  ])('%s has the loss of the peers after five updates, the same on any number of threads', async (name, loss5) => {
    const after = async (threads: number): Promise<number | undefined> => {
      use(threads, 1000)
      const task = workloads[name].task?.()
      for (let i = 0; i < 5; i++) await task?.steps(1)
      return task?.steps(1)
    }
    const loss = await after(2)
    expect(Math.abs((loss ?? Number.NaN) - loss5)).toBeLessThan(1e-4 * loss5)
    if (name === 'mlp') expect(await after(1)).toBe(loss)
  })
})

test.runIf(targets.length > 1)('the variable TENON_X86 says which vectors to use, an option does so before it', () => {
  const on = (value: string): { readonly platform: typeof platform } => ({
    platform: { ...platform, environment: (name) => (name === 'TENON_X86' ? value : undefined) },
  })
  expect(x86Vectors(on('avx2'))).toBe('AVX2')
  expect(x86Vectors({ ...on('avx2'), vectors: 'avx512' })).toBe('AVX-512')
  expect(createX86Backend({ ...on('sse'), threads: 1 })).toMatch(/'sse': it may be avx512 or avx2/)
  expect(x86Vectors(on('sse'))).toBeUndefined()
})
