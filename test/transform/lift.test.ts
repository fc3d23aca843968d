// Numbers that become inputs: one leaf for each, spread over a shape once, however many operations read it.
import { expect, test } from 'vitest'
import { build } from '../../src/graph/build.ts'
import type { Node } from '../../src/graph/node.ts'
import { topologicalOrder } from '../../src/graph/walk.ts'
import { liftConstants } from '../../src/transform/lift.ts'

test('a number is spread over a shape once', () => {
  const [x, y] = [build.leaf({}, [4], 'float32'), build.leaf({}, [4], 'float32')]
  const tenth = build.constant(0.1, [4], 'float32')
  const half = build.constant(0.5, [4], 'float32')
  const outputs = [
    build.binary('mul', x, tenth),
    build.binary('mul', y, tenth),
    build.binary('add', build.binary('mul', x, half), tenth),
  ]
  const number = build.leaf({}, [], 'float32')
  const lifted = liftConstants(outputs, () => number)
  expect(lifted.leaves).toEqual([number])
  const order = topologicalOrder(lifted.outputs)
  const spread = order.filter((node) => node.op === 'broadcast')
  expect(spread.map((node: Node) => node.inputs)).toEqual([[number]])
  // What is structure stays.
  expect(order.filter((node) => node.op === 'constant')).toEqual([half])
})
