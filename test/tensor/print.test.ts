/** Printing: tensors with values as NumPy shows arrays, others say that they have none yet. */

import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { graphOf } from '../../src/inspect/index.ts'
import * as nn from '../../src/nn/index.ts'
import {
  arange,
  compile,
  configure,
  full,
  memoryReport,
  ones,
  type Tensor,
  tensor,
  variable,
  zeros,
} from '../../src/tensor/index.ts'

configure({ backend: 'reference' })

const lines = (...text: string[]): string => text.join('\n')
const computed = (x: Tensor): Tensor => {
  x.dataSync()
  return x
}

describe('a tensor prints', () => {
  it.each([
    [
      tensor([
        [1, 2],
        [3, 4],
      ]),
      lines('Tensor float32 [2, 2]', '[[1. 2.]', ' [3. 4.]]'),
    ],
    [tensor([1, 0.25, -3]), 'Tensor float32 [3] [ 1.    0.25 -3.  ]'],
    [tensor([0.1, 0.2, 1 / 3]), 'Tensor float32 [3] [0.1        0.2        0.33333334]'],
    [tensor([0.1, 1 / 3], { dtype: 'float64' }), 'Tensor float64 [2] [0.1        0.33333333]'],
    [tensor(5), 'Tensor float32 [] 5.0'],
    [tensor(-7, { dtype: 'int32' }), 'Tensor int32 [] -7'],
    [tensor([1, -20, 300], { dtype: 'int32' }), 'Tensor int32 [3] [  1 -20 300]'],
    [tensor([true, false]), 'Tensor bool [2] [ true false]'],
    [tensor([1, -0, Infinity, -Infinity, NaN]), 'Tensor float32 [5] [  1.  -0.  inf -inf  nan]'],
    [tensor([1e10, 1]), 'Tensor float32 [2] [1.e+10 1.e+00]'],
    [tensor([1.5e-7, 0]), 'Tensor float32 [2] [1.5e-07 0.0e+00]'],
    [tensor([12345.678, 1]), 'Tensor float32 [2] [1.2345678e+04 1.0000000e+00]'],
    [zeros([2, 0, 3]), 'Tensor float32 [2, 0, 3] []'],
    [full([2], 0.5), 'Tensor float32 [2] [0.5 0.5]'],
    [variable(tensor([1, 2]), { name: 'weight' }), "Variable 'weight' float32 [2] [1. 2.]"],
  ])('%s', (x, expected) => {
    expect(inspect(x)).toBe(expected)
    expect(String(x)).toBe(expected)
  })

  it('in lines as NumPy breaks them, with blank lines between matrices', () => {
    expect(inspect(computed(arange(30)))).toBe(
      lines(
        'Tensor int32 [30]',
        '[ 0  1  2  3  4  5  6  7  8  9 10 11 12 13 14 15 16 17 18 19 20 21 22 23',
        ' 24 25 26 27 28 29]',
      ),
    )
    expect(inspect(computed(arange(8).reshape([2, 2, 2])))).toBe(
      lines('Tensor int32 [2, 2, 2]', '[[[0 1]', '  [2 3]]', '', ' [[4 5]', '  [6 7]]]'),
    )
  })

  it('with the middle left out where it is large', () => {
    expect(inspect(computed(arange(2000)))).toBe('Tensor int32 [2000] [   0    1    2 ... 1997 1998 1999]')
    expect(inspect(computed(arange(10000).reshape([100, 100]))).split('\n')).toEqual([
      'Tensor int32 [100, 100]',
      '[[   0    1    2 ...   97   98   99]',
      ' [ 100  101  102 ...  197  198  199]',
      ' [ 200  201  202 ...  297  298  299]',
      ' ...',
      ' [9700 9701 9702 ... 9797 9798 9799]',
      ' [9800 9801 9802 ... 9897 9898 9899]',
      ' [9900 9901 9902 ... 9997 9998 9999]]',
    ])
  })

  it('that it is not computed yet, and is not computed by printing', () => {
    const x = tensor([1, 2]).add(1)
    expect(inspect(x)).toBe('Tensor float32 [2] (not computed yet)')
    expect(x.node.value).toBeUndefined()
    expect(inspect(computed(x))).toBe('Tensor float32 [2] [2. 3.]')
  })

  it('in a trace, after its variable was assigned, and inside other objects', () => {
    let text = ''
    compile((x: Tensor) => {
      text = `${x} ${inspect(x.add(1))}`
      return x
    })(ones([1]))
    expect(text).toBe('Tensor float32 [1] (not computed yet) Tensor float32 [1] (not computed yet)')
    const v = variable(tensor([1]))
    const old = v.reshape([1, 1])
    v.assign(tensor([2]))
    expect(inspect(old)).toBe('Tensor float32 [1, 1] (not computed yet)')
    expect(inspect({ loss: tensor(2) })).toBe('{ loss: Tensor float32 [] 2.0 }')
  })
})

it('reports are read by console.log as by String', () => {
  const net = nn.sequential(nn.linear(2, 3), nn.relu())
  for (const report of [net.summary([1, 2]), memoryReport(), graphOf(net(ones([1, 2])))])
    expect(inspect(report)).toBe(String(report))
})
