// Walks: the order of a list of outputs is found once, and a graph that nothing was replaced in is the one that was given.
import { expect, test } from 'vitest'
import { build } from '../../src/graph/build.ts'
import { changed, type Node } from '../../src/graph/node.ts'
import { mapGraph, topologicalOrder, wholeOrder } from '../../src/graph/walk.ts'

const x = build.leaf({}, [3], 'float32')
const square = build.binary('mul', x, x)
const outputs = [build.unary('neg', square), square]

test('the order of a list is found once', () => {
  expect(wholeOrder(outputs)).toEqual(topologicalOrder(outputs))
  expect(wholeOrder(outputs)).toBe(wholeOrder(outputs))
  expect(wholeOrder([...outputs])).not.toBe(wholeOrder(outputs))
})

test('where nothing has changed, the outputs are the list that was given', () => {
  expect(mapGraph(outputs, (node) => node).outputs).toBe(outputs)
  const other = build.leaf({}, [3], 'float32')
  const swapped = (node: Node, inputs: readonly Node[]): Node =>
    node === x ? other : inputs === node.inputs ? node : changed(node, { inputs })
  const { outputs: now, map } = mapGraph(outputs, swapped)
  expect(now).not.toBe(outputs)
  expect(now[1]?.inputs).toEqual([other, other])
  expect(now[0]?.inputs[0]).toBe(now[1])
  expect(map.get(x)).toBe(other)
})
