/** simplify: a smaller graph of the same values, bit for bit where nothing is summed in another order. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Node } from '../../src/graph/node.ts'
import { topologicalOrder } from '../../src/graph/walk.ts'
import { configure, full, type Tensor, tensor, zeros } from '../../src/tensor/index.ts'
import { simplify } from '../../src/transform/simplify.ts'
import { expectClose } from '../support/close.ts'
import { inputsOf, programs, withGradients } from '../support/programs.ts'
import { evaluateByRecords } from '../support/records.ts'

configure({ backend: 'reference' })

const simplified = (x: Tensor): Node => simplify([x.node])[0]
const values = (node: Node): number[] => [...evaluateByRecords(node)]
const size = (outputs: readonly Node[]): number => topologicalOrder(outputs).length

it('random graphs and their gradients keep their values and do not grow', () => {
  const inputs = inputsOf('float64')
  fc.assert(
    fc.property(programs, (program) => {
      const outputs = withGradients(program, inputs).map((x) => x.node)
      const smaller = simplify(outputs)
      expect(size(smaller)).toBeLessThanOrEqual(size(outputs))
      outputs.forEach((y, i) => {
        expect([smaller[i].dtype, smaller[i].shape]).toEqual([y.dtype, y.shape])
        expectClose(evaluateByRecords(smaller[i]), evaluateByRecords(y), 1e-13, `output ${i}`)
      })
    }),
    { seed: 2, numRuns: 150 },
  )
})

describe('only what IEEE arithmetic allows', () => {
  const odd = tensor([NaN, Infinity, -Infinity, -0, 0, 1])
  it.each<[string, Tensor]>([
    ['x · 0', odd.mul(0)],
    ['x − x', odd.sub(odd)],
    ['x / x', odd.div(odd)],
    ['x + 0', odd.add(0)],
    ['x · 1', odd.mul(1)],
    ['x / 1', odd.div(1)],
    ['−(−x)', odd.neg().neg()],
    ['0 / 0', full([2], 0).div(0)],
    ['a sum of constants', full([3], 0.1).sum()],
    ['a sum of constants, there and back', full([3], 0.1).sum(0).reshape([1]).reshape([])],
    ['a product of constants', full([5], 1.1).prod()],
    ['the largest of nothing', zeros([0]).max()],
  ])('%s', (_, x) => {
    expect(values(simplified(x))).toEqual(values(x.node))
  })

  it('int32 and uint8 constants wrap', () => {
    const x = full([2], 200, 'uint8').add(full([2], 100, 'uint8'))
    expect(values(simplified(x))).toEqual([44, 44])
    const y = full([2], 2147483647, 'int32').add(1)
    expect(values(simplified(y))).toEqual([-2147483648, -2147483648])
    expect(values(simplified(full([300], 1, 'uint8').cast('int32').sum()))).toEqual([300])
  })
})

describe('removes', () => {
  const x = tensor([
    [1, 2],
    [3, 4],
  ])
  it.each<[string, Tensor, number]>([
    ['transposes of transposes', x.transpose().transpose(), 1],
    ['reshapes of reshapes', x.reshape([4]).reshape([2, 2]), 1],
    ['stops of gradients', x.detach().detach(), 1],
    ['equal nodes', x.exp().add(x.exp()), 3],
  ])('%s', (_, y, left) => {
    expect(size([simplified(y)])).toBe(left)
  })
})
