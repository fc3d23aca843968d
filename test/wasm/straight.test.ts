// Small programs that run often become one function: it must give the bits that their kernels gave.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Engine } from '../../src/backend/wasm/engine.ts'
import { KernelCache } from '../../src/backend/wasm/kernels.ts'
import { LoadedProgram } from '../../src/backend/wasm/load.ts'
import { isSmall } from '../../src/backend/wasm/straight.ts'
import { compile, configure, grad, tensor, Variable } from '../../src/tensor/index.ts'
import { leavesOf, outputsOf, randomGraphs } from '../support/random-graph.ts'
import { contractProgram, matrices } from './contract-program.ts'

const often = 120

/** Elements as text: bits, with every NaN the same. */
const bitsOf = (values: ArrayLike<number>): string =>
  Array.from(values, (v) => (Object.is(v, -0) ? '-0' : String(v))).join()

test('random graphs give the same bits before and after', () => {
  configure({ backend: 'wasm', threads: 1 })
  for (const graph of fc.sample(randomGraphs, { numRuns: 60, seed: 5 })) {
    const inputs = leavesOf(graph)
    const run = compile((...given: typeof inputs) => outputsOf(graph, given))
    const first = run(...inputs).map((t) => bitsOf(t.dataSync()))
    run.repeat(often, ...inputs)
    expect(run(...inputs).map((t) => bitsOf(t.dataSync()))).toEqual(first)
  }
})

test('a training step reads and writes variables wherever they come to lie', () => {
  configure({ backend: 'wasm', threads: 1 })
  const train = (read: boolean): string[] => {
    const w = new Variable(new Float32Array([0.5, -0.25, 0.125, 1, 2, -3]), [2, 3], 'float32')
    const x = tensor([
      [1, 2],
      [3, -4],
      [-0.5, 0.25],
      [0, 1],
      [2, 2],
    ])
    const step = compile(() => {
      const loss = x.matmul(w).sigmoid().square().sum()
      const [dw] = grad(loss, [w])
      w.assign(w.sub(dw.mul(0.1)))
      return loss
    })
    const seen: string[] = []
    for (let i = 0; i < 2 * often; i++) {
      const loss = step()
      // A value that someone holds makes the variable move.
      const before = read && i % 50 === 20 ? w.add(0) : undefined
      if (i === often + 30) w.assign(new Float32Array(6).fill(0.5))
      if (i % 50 === 21) seen.push(bitsOf(loss.dataSync()), bitsOf(w.dataSync()))
      if (before && i === often + 20) seen.push(bitsOf(before.dataSync()))
    }
    return seen
  }
  const quiet = train(false)
  const moving = train(true)
  expect(moving.filter((_, i) => i < 4)).toEqual(quiet.slice(0, 4))
  expect(moving.slice(-4)).toEqual(quiet.slice(-4))
})

test('a matrix product is no small program, however often it runs', () => {
  const engine = new Engine({ threads: 1 })
  const cache = new KernelCache(engine)
  const program = contractProgram(matrices(1, 20, 20, 20))
  expect(isSmall(program, cache.compile(program.kernels))).toBe(false)
  const loaded = new LoadedProgram(engine, { compile: ({ kernels }) => cache.compile(kernels) }, program)
  const storages = [0, 1, 2].map(() => engine.memory.allocate(1600))
  loaded.run(storages, often)
  loaded.run(storages)
  loaded.release()
  expect(() => loaded.run(storages)).toThrow(/released/)
})
