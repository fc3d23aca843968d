// Products of few long sums: where they are cut in parts, and that the parts add up to the same.

import { describe, expect, test } from 'vitest'
import { build } from '../../src/graph/build.ts'
import type { Node } from '../../src/graph/node.ts'
import { configure, Tensor, tensor } from '../../src/tensor/index.ts'
import { splitProduct } from '../../src/transform/split-product.ts'

const numbers = (shape: readonly number[]): Tensor => {
  const size = shape.reduce((n, extent) => n * extent, 1)
  // Of so few bits that sums are exact in any order
  return tensor(
    Float32Array.from({ length: size }, (_, i) => ((i * 7919) % 13) - 6),
    { shape },
  )
}

const plain = { strides: [1], dilation: [1] }
const cases: readonly { name: string; node: () => Node; parts: number }[] = [
  {
    name: 'a product of few long sums',
    node: () => build.node('matmul', [numbers([3, 8192]).node, numbers([8192, 5]).node], {}),
    parts: 16,
  },
  {
    name: 'as many parts as divide the sum',
    node: () => build.node('matmul', [numbers([2, 9002]).node, numbers([9002, 3]).node], {}),
    parts: 14,
  },
  {
    name: 'a prime sum',
    node: () => build.node('matmul', [numbers([2, 8209]).node, numbers([8209, 2]).node], {}),
    parts: 1,
  },
  {
    name: 'a shorter sum',
    node: () => build.node('matmul', [numbers([2, 4096]).node, numbers([4096, 2]).node], {}),
    parts: 1,
  },
  {
    name: 'a correlation of many channels',
    node: () => build.node('conv', [numbers([2, 12, 902]).node, numbers([4, 12, 900]).node], { ...plain, groups: 1 }),
    parts: 12,
  },
  {
    name: 'in groups',
    node: () => build.node('conv', [numbers([2, 32, 602]).node, numbers([6, 16, 600]).node], { ...plain, groups: 2 }),
    parts: 16,
  },
  {
    name: 'in groups enough',
    node: () => build.node('conv', [numbers([2, 64, 602]).node, numbers([8, 16, 600]).node], { ...plain, groups: 4 }),
    parts: 1,
  },
]

describe('split', () => {
  test.each(cases)('$name: $parts parts', ({ node, parts }) => {
    configure({ backend: 'reference' })
    const whole = node()
    const cut = splitProduct(whole)
    expect(cut === whole).toBe(parts === 1)
    if (parts === 1) return
    let sum = cut
    while (sum.op !== 'sum') sum = sum.inputs[0] as Node
    expect(sum.inputs[0]?.shape[(sum.attributes as { axes: readonly number[] }).axes[0] as number]).toBe(parts)
    expect(cut.shape).toEqual(whole.shape)
    expect(new Tensor(cut).dataSync()).toEqual(new Tensor(whole).dataSync())
  })
})
