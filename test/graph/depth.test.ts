/** Deep graphs: no walk is recursive. */

import { expect, it } from 'vitest'
import { topologicalOrder } from '../../src/graph/walk.ts'
import { compile, grad, type Tensor, tensor } from '../../src/tensor/index.ts'
import { forEachBackend } from '../support/backends.ts'

const depth = 20_000
const patience = 60_000
const chain = (x: Tensor): Tensor => {
  let y = x
  for (let i = 0; i < depth; i++) y = y.add(1)
  return y
}

forEachBackend(() => {
  it(
    `a chain of ${depth} additions is evaluated`,
    () => {
      expect(chain(tensor([0.5])).itemSync()).toBe(depth + 0.5)
    },
    patience,
  )
  it(
    `a chain of ${depth} additions is compiled`,
    () => {
      expect(compile(chain)(tensor([0.5])).itemSync()).toBe(depth + 0.5)
    },
    patience,
  )
  it(
    'a chain is differentiated',
    () => {
      const x = tensor([2])
      expect(grad(chain(x).sum(), x).itemSync()).toBe(1)
    },
    patience,
  )
})

it('every node comes after its inputs, once', () => {
  const x = tensor([1])
  let y: Tensor = x
  // 2^40 paths, 40 nodes.
  for (let i = 0; i < 40; i++) y = y.add(y)
  const order = topologicalOrder([y.node, x.node])
  expect(order.length).toBe(41)
  expect(new Set(order).size).toBe(41)
  const place = new Map(order.map((node, i) => [node, i]))
  for (const node of order) {
    for (const input of node.inputs) expect(place.get(input)).toBeLessThan(place.get(node) as number)
  }
})
