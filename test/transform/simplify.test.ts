/** simplify: a smaller graph of the same values, bit for bit where nothing is summed in another order. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { build } from '../../src/graph/build.ts'
import type { Node } from '../../src/graph/node.ts'
import { topologicalOrder } from '../../src/graph/walk.ts'
import { convolution } from '../../src/nn/functional/convolution.ts'
import { configure, full, grad, Tensor, tensor, zeros } from '../../src/tensor/index.ts'
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

describe('transposes of products', () => {
  const [x, weight] = [1, 2].map((factor) =>
    tensor(
      Float64Array.from({ length: 9 }, (_, i) => ((i * factor) % 5) - 2),
      { shape: [3, 3] },
    ),
  )
  const ops = (outputs: readonly Tensor[]): string[] =>
    topologicalOrder(simplify(outputs.map((y) => y.node))).map((node) => node.op)
  const turned = (y: Tensor): Tensor => y.matmul(weight).transpose()

  it('are products of transposes, also after one that has become so', () => {
    const twice = turned(turned(x).exp())
    expect(values(simplified(twice))).toEqual(values(twice.node))
    expect(simplified(twice).op).toBe('matmul')
    expect(ops([twice]).filter((op) => op === 'matmul')).toHaveLength(2)
  })

  it('stay where the product itself is needed, also after one that did not', () => {
    const product = turned(x).exp().matmul(weight)
    const outputs = [product, product.transpose()]
    expect(ops(outputs).filter((op) => op === 'matmul')).toHaveLength(2)
    expect(simplify(outputs.map((y) => y.node))[1]?.op).toBe('transpose')
  })
})

it('transposes go to the parts of a concat, unless elements that were neighbours no longer are', () => {
  const leaf = build.leaf({}, [2, 3, 5], 'float32')
  const joined = build.node('concat', [build.unary('exp', leaf), build.unary('sin', leaf)], { axis: 1 })
  const [moved, turned] = simplify([build.transpose(joined, [1, 0, 2]), build.transpose(joined, [0, 2, 1])])
  expect(moved?.op).toBe('transpose') // The concat itself has two readers here.
  expect(turned?.op).toBe('transpose')
  const [alone] = simplify([build.transpose(joined, [1, 0, 2])])
  expect(alone).toMatchObject({ op: 'concat', attributes: { axis: 0 }, shape: [6, 2, 5] })
  expect(simplify([build.transpose(joined, [0, 2, 1])])[0]?.op).toBe('transpose')
})

describe('slices of correlations', () => {
  const whole = (shape: readonly number[], factor: number): Tensor =>
    tensor(Float64Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => ((i * factor) % 11) - 5)).reshape(
      shape,
    )
  const weight = whole([4, 3, 2, 3], 7)
  const ops = (y: Tensor): string[] => topologicalOrder([simplified(y)]).map((node) => node.op)
  /** Input [2, 3, 7, 9], padded or not, and a part of the result. */
  const part = (
    padding: number,
    options: { readonly stride?: number; readonly dilation?: number },
    starts: readonly number[],
    sizes: readonly number[],
    steps = [1, 1, 1, 1],
  ): Tensor => {
    const x = whole([2, 3, 7, 9], 5)
    const y = convolution(x, weight, undefined, { padding, ...options })
    return new Tensor(build.slice(y.node, starts, sizes, steps))
  }
  it.each<[string, Tensor, boolean]>([
    ['of all that padding adds', part(2, {}, [0, 0, 2, 2], [2, 4, 6, 7]), true],
    ['of less', part(2, {}, [0, 0, 1, 2], [2, 4, 9, 7]), true],
    ['of more', part(1, {}, [1, 0, 3, 0], [1, 4, 2, 9]), false],
    ['without padding', part(0, {}, [0, 0, 1, 4], [2, 4, 1, 3]), false],
    ['with strides', part(2, { stride: 2 }, [0, 0, 1, 1], [2, 4, 4, 4]), true],
    ['with dilation', part(3, { dilation: 2 }, [0, 0, 1, 2], [2, 4, 8, 6]), true],
    ['of channels', part(2, {}, [0, 1, 2, 2], [2, 2, 6, 7]), false],
    ['backwards', part(2, {}, [0, 0, 7, 2], [2, 4, 6, 7], [1, 1, -1, 1]), false],
  ])('%s', (_, y, isGone) => {
    expect(values(simplified(y))).toEqual(values(y.node))
    expect(ops(y).includes('slice')).toBe(!isGone)
  })

  it('gradients of padded convolutions, one after the other, compute nothing for the padding', () => {
    const x = whole([1, 3, 5, 6], 3)
    const [first, second] = [whole([3, 3, 3, 3], 7), whole([2, 3, 3, 3], 2)]
    const y = convolution(convolution(x, first, undefined, { padding: 1 }).square(), second, undefined, { padding: 1 })
    const dx = grad(y.square().sum(), x)
    expect(values(simplified(dx))).toEqual(values(dx.node))
    const products = topologicalOrder([simplified(dx)]).filter((node) => node.op === 'conv')
    expect(products.map((node) => node.shape.slice(2))).toEqual(products.map(() => [5, 6]))
  })
})
