/** Graphs that fusing once got wrong: what random programs found, made small. */

import { expect, it } from 'vitest'
import { compile, grad, roll, type Tensor, tensor, variable } from '../../src/tensor/index.ts'
import { forEachBackend } from '../support/backends.ts'
import { expectClose } from '../support/close.ts'
import { evaluateByRecords } from '../support/records.ts'

type Program = (...inputs: Tensor[]) => readonly Tensor[]

const grid = [
  [1, 2, 3, 4],
  [5, 6, 7, 8],
]
const indices = (...list: number[]): Tensor => tensor(new Int32Array(list))

interface Case {
  readonly name: string
  readonly program: Program
  readonly inputs: readonly (readonly (readonly number[])[])[]
}

const cases: readonly Case[] = [
  {
    name: 'elements taken of a padded axis may lie in the padding',
    program: (x) => [
      x
        .pad([
          [0, 0],
          [1, 1],
        ])
        .take(indices(0, 2, -1, 5), 1),
    ],
    inputs: [grid],
  },
  {
    name: 'elements taken of a sliced or flipped axis',
    program: (x) => [x.slice(null, [1, 3]).take(indices(0, 5, -1, -9), 1), x.flip(1).take(indices(0, 5, -1, -9), 1)],
    inputs: [grid],
  },
  {
    name: 'a piece of a concatenation that is padding alone',
    program: (x) => {
      const padded = x.pad([
        [0, 0],
        [1, 1],
      ])
      return [roll(padded, 11, 1), padded]
    },
    inputs: [grid],
  },
  {
    name: 'a product of single elements beside a sum over more of them',
    program: (x, w) => {
      const product = x.matmul(x.transpose()).mul(0.2).tanh()
      const spread = product.add(w).mul(0.5)
      return [product, spread, grad(spread.sum(), x)]
    },
    inputs: [
      [[-3.13]],
      [
        [-3.13, 1],
        [2, -1],
      ],
    ],
  },
  {
    name: 'a product spread over as many elements as it sums, beside a sum of these',
    program: (x, w) => {
      const spread = x.at(0).matmul(w).broadcastTo([3, 1])
      return [spread, spread.square().sum()]
    },
    inputs: [[[1, -2, 0.5]], [[0.3], [0.4], [-0.7]]],
  },
]

forEachBackend(() => {
  it.each(cases)('$name', ({ program, inputs }) => {
    const given = inputs.map((x) => tensor(x))
    const outputs = compile(program)(...given)
    const expected = program(...given)
    expect(outputs.length).toBe(expected.length)
    expected.forEach((y, i) => {
      expectClose(outputs[i], evaluateByRecords(y.node), 1e-6, `output ${i}`)
    })
  })

  it('a variable that is read again after a sweep over its new values', () => {
    const v = variable(tensor(grid))
    const before = v.arraySync()
    const [sum, old] = compile(() => {
      const was = v.tanh()
      const next = v.mul(0.5).add(was)
      v.assign(next)
      return [next.sum(), was.mul(next.sum())]
    })()
    expectClose(old, tensor(before).tanh().mul(sum), 1e-6)
  })
})
