/** einsum and the parts of matrices against plain loops. */

import { describe, expect, it } from 'vitest'
import {
  arange,
  diag,
  diagonal,
  einsum,
  eye,
  outer,
  type Tensor,
  tensor,
  trace,
  tril,
  triu,
  zeros,
} from '../../src/tensor/index.ts'
import { forEachBackend } from '../support/backends.ts'
import { expectClose } from '../support/close.ts'
import { normals, randomOf } from '../support/random.ts'

/** Sums over all values of all letters, one product at a time. */
function byLoops(equation: string, operands: readonly Tensor[]): { shape: number[]; data: number[] } {
  const [left, output] = equation.split('->')
  const inputs = left.split(',')
  const extents = new Map<string, number>()
  inputs.forEach((labels, i) => {
    ;[...labels].forEach((label, axis) => {
      extents.set(label, operands[i].shape[axis])
    })
  })
  const letters = [...extents.keys()]
  const shape = [...output].map((label) => extents.get(label) as number)
  const data = new Array<number>(shape.reduce((n, d) => n * d, 1)).fill(0)
  const arrays = operands.map((x) => x.dataSync())
  const total = letters.reduce((n, label) => n * (extents.get(label) as number), 1)
  for (let flat = 0; flat < total; flat++) {
    const at = new Map<string, number>()
    let rest = flat
    for (const label of letters) {
      const extent = extents.get(label) as number
      at.set(label, rest % extent)
      rest = Math.floor(rest / extent)
    }
    const place = (labels: string): number =>
      [...labels].reduce((n, label) => n * (extents.get(label) as number) + (at.get(label) as number), 0)
    data[place(output)] += inputs.reduce((product, labels, i) => product * arrays[i][place(labels)], 1)
  }
  return { shape, data }
}

forEachBackend(() => {
  const equations: readonly (readonly [string, readonly (readonly number[])[]])[] = [
    [
      'ij,jk->ik',
      [
        [2, 3],
        [3, 4],
      ],
    ],
    [
      'ij,kj->ik',
      [
        [2, 3],
        [4, 3],
      ],
    ],
    [
      'bij,bjk->bik',
      [
        [2, 3, 4],
        [2, 4, 2],
      ],
    ],
    [
      'bij,bjk->kib',
      [
        [2, 3, 4],
        [2, 4, 2],
      ],
    ],
    ['i,i->', [[5], [5]]],
    ['i,j->ji', [[3], [4]]],
    ['ij->', [[3, 4]]],
    ['ij->j', [[3, 4]]],
    ['ijk->kji', [[2, 3, 4]]],
    ['ii->', [[4, 4]]],
    ['ii->i', [[4, 4]]],
    ['iij->ji', [[3, 3, 2]]],
    [
      'ij,ij->ij',
      [
        [2, 3],
        [2, 3],
      ],
    ],
    [
      'ij,ij->',
      [
        [2, 3],
        [2, 3],
      ],
    ],
    ['ij,j->i', [[2, 3], [3]]],
    [
      'ab,cd->',
      [
        [2, 3],
        [4, 2],
      ],
    ],
    ['a,b,c->cab', [[2], [3], [4]]],
    [
      'ijk,il,lm->jkm',
      [
        [2, 3, 2],
        [2, 3],
        [3, 2],
      ],
    ],
    [
      'bm,mnk,bn->bk',
      [
        [2, 3],
        [3, 4, 2],
        [2, 4],
      ],
    ],
    [
      'ii,ij->j',
      [
        [3, 3],
        [3, 2],
      ],
    ],
    [
      'ij,jk,kl->il',
      [
        [0, 3],
        [3, 2],
        [2, 2],
      ],
    ],
    [
      'ij,jk->ik',
      [
        [2, 0],
        [0, 3],
      ],
    ],
  ]
  it.each(equations)('%s', (equation, shapes) => {
    const random = randomOf(equation.length)
    const operands = shapes.map((shape) => {
      const size = shape.reduce((n, d) => n * d, 1)
      return tensor(new Float64Array(normals(random, size)), { shape })
    })
    const expected = byLoops(equation, operands)
    const actual = einsum(equation, ...operands)
    expect(actual.shape).toEqual(expected.shape)
    expectClose(actual, expected.data, 1e-13)
  })

  it('dots stand for batch axes, which broadcast; without an arrow single letters are kept', () => {
    const x = arange(24).reshape([2, 3, 4]).cast('float32')
    const y = arange(20).reshape([4, 5]).cast('float32')
    expectClose(einsum('...ij,jk->...ik', x, y), x.matmul(y), 0)
    expectClose(einsum('...ij,...jk', x, y.unsqueeze(0)), x.matmul(y), 0)
    expectClose(einsum('ij,jk', x.at(0), y), x.at(0).matmul(y), 0)
    expectClose(einsum('ba', y), y.transpose(), 0)
    expectClose(einsum('...->...', x), x, 0)
    expectClose(einsum('i...->...', x), x.sum(0), 0)
    expect(einsum('ij,ij->ij', x.at(0).slice([0, 1]), x.at(0)).shape).toEqual([3, 4])
  })

  it('parts of matrices', () => {
    const x = arange(12).reshape([3, 4])
    expect(tril(x).arraySync()).toEqual([
      [0, 0, 0, 0],
      [4, 5, 0, 0],
      [8, 9, 10, 0],
    ])
    expect(triu(x, 1).arraySync()).toEqual([
      [0, 1, 2, 3],
      [0, 0, 6, 7],
      [0, 0, 0, 11],
    ])
    expect(
      tril(
        tensor([
          [NaN, NaN],
          [1, 2],
        ]),
      ).arraySync(),
    ).toEqual([
      [NaN, 0],
      [1, 2],
    ])
    expect(diagonal(x).arraySync()).toEqual([0, 5, 10])
    expect(diagonal(x, 2).arraySync()).toEqual([2, 7])
    expect(diagonal(x, -1).arraySync()).toEqual([4, 9])
    expect(diagonal(x, 4).shape).toEqual([0])
    expect(diagonal(arange(24).reshape([2, 3, 4]), 0, 0, 2).arraySync()).toEqual([
      [0, 13],
      [4, 17],
      [8, 21],
    ])
    expect(diag(arange(1, 3), 1).arraySync()).toEqual([
      [0, 1, 0],
      [0, 0, 2],
      [0, 0, 0],
    ])
    expect(diag(arange(1, 3), -1).arraySync()).toEqual([
      [0, 0, 0],
      [1, 0, 0],
      [0, 2, 0],
    ])
    expect(diag(zeros([0]), 2).arraySync()).toEqual([
      [0, 0],
      [0, 0],
    ])
    expect(diag(diag(arange(4))).arraySync()).toEqual([0, 1, 2, 3])
    expect(trace(x).itemSync()).toBe(15)
    expect(outer(arange(2), arange(3)).arraySync()).toEqual([
      [0, 0, 0],
      [0, 1, 2],
    ])
    expect(eye(2, 3, 'int32', 1).arraySync()).toEqual([
      [0, 1, 0],
      [0, 0, 1],
    ])
  })
})

describe('refused', () => {
  // Of a shape that the compiler does not know.
  const x: Tensor = zeros([2, 3])
  it.each([
    [() => einsum('ij,jk->ik', x), "einsum: 'ij,jk->ik' names 2 operands, 1 were given"],
    [() => einsum('ijk->i', x), "einsum 'ijk->i': 'ijk' does not name the axes of operand 0, [2, 3]"],
    [() => einsum('i->i', x), "einsum 'i->i': 'i' does not name the axes of operand 0, [2, 3]"],
    [() => einsum('ij,jk->ik', x, x), "'j' is 2 in operand 1 [2, 3] and 3 in an earlier one"],
    [() => einsum('ij->ik', x), "einsum 'ij->ik': 'k' of the result must be once in it and in an operand"],
    [() => einsum('ij->ii', x), "'i' of the result must be once in it and in an operand"],
    [() => einsum('ii->i', x), "einsum: 'i' names axes of 2 and 3 elements of [2, 3]"],
    [() => einsum('i1->i', x), "einsum: 'i1->i' is not of the form 'ij,jk->ik'"],
    [() => tril(zeros([3])), 'tril: takes matrices [..., rows, columns], not [3]'],
    [() => diag(zeros([1, 1, 1])), 'diag: takes a vector or a matrix, not [1, 1, 1]'],
    [() => diagonal(x, 0, 1, -1), 'diagonal: rows and columns are both axis 1 of [2, 3]'],
  ])('%#', (f, message) => {
    expect(f).toThrow(message)
  })
})
