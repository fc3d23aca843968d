/** Results in the memory of what their kernel is the last to read: only where it is read at the very points that are written. */

import { expect, it } from 'vitest'
import { compileGraph } from '../../src/compile/index.ts'
import { build } from '../../src/graph/build.ts'
import type { Node } from '../../src/graph/node.ts'
import { launchesOf } from '../../src/kernel/program.ts'
import { arange, compile, type Tensor, tensor } from '../../src/tensor/index.ts'
import { forEachEngine } from '../support/backends.ts'

const n = 64
const [x, y] = [0, 1].map(() => build.leaf({}, [n, n], 'float32'))
const product = (a: Node, b: Node): Node => build.node('matmul', [a, b], {})
const softmax = (a: Node): Node => {
  const e = build.unary('exp', a)
  const sums = build.node('sum', [e], { axes: [1] })
  return build.binary('div', e, build.broadcast(build.reshape(sums, [n, 1]), [n, n]))
}

/** How many matrices the arena of a program holds, and how many launches it has. */
function matrices(...outputs: readonly Node[]): { readonly arena: number; readonly launches: number } {
  const program = compileGraph({ leaves: [x, y], outputs, aliases: outputs.map(() => -1) })
  return { arena: Math.floor(program.arenaBytes / (4 * n * n)), launches: launchesOf(program.steps).length }
}

it('a softmax is written over what it was made of', () => {
  expect(matrices(product(softmax(product(x, y)), y))).toEqual({ arena: 1, launches: 3 })
})

it('not while something else still reads that', () => {
  const scores = product(x, y)
  const weights = softmax(scores)
  expect(matrices(product(weights, y), product(weights, scores))).toEqual({ arena: 2, launches: 4 })
})

it('not where it is read at other points', () => {
  const turned = build.swap(product(x, y))
  expect(matrices(product(softmax(turned), y)).arena).toBe(2)
})

forEachEngine(() => {
  it('not over what says where a later sweep reads', () => {
    // The places are made where the matrix is that later values are taken from, and so lie in memory.
    const read = compile((x: Tensor) => {
      const places = arange(64).mul(37).remainder(64)
      const matrix = x.take(places).reshape([8, 8])
      const taken = matrix.matmul(matrix).reshape([64]).take(places).reshape([8, 8])
      return [taken.sub(taken.sum(1, true)), taken.transpose().matmul(taken)]
    })
    const [rest, product] = read(tensor(Float32Array.from({ length: 64 }, (_, i) => (i % 7) - 3))).map((t) => [
      ...t.dataSync(),
    ])
    const places = Array.from({ length: 64 }, (_, i) => (37 * i) % 64)
    const multiplied = (a: readonly number[], b: readonly number[]): number[] =>
      places.map((_, i) => {
        const [row, column] = [Math.floor(i / 8), i % 8]
        return a.slice(0, 8).reduce((sum, _, k) => sum + (a[8 * row + k] as number) * (b[8 * k + column] as number), 0)
      })
    const matrix = places.map((p) => (p % 7) - 3)
    const square = multiplied(matrix, matrix)
    const taken = places.map((p) => square[p] as number)
    const turned = taken.map((_, i) => taken[8 * (i % 8) + Math.floor(i / 8)] as number)
    const sums = Array.from({ length: 8 }, (_, row) => taken.slice(8 * row, 8 * row + 8).reduce((a, b) => a + b))
    expect(rest).toEqual(taken.map((v, i) => v - (sums[Math.floor(i / 8)] as number)))
    expect(product).toEqual(multiplied(turned, taken))
  })
})
