// Groups that are alike are lowered once, whatever values they are of.
import { expect, test } from 'vitest'
import { Alike, type Layout } from '../../src/compile/alike.ts'
import { type Group, groupNodes } from '../../src/compile/group.ts'
import { lowerLoop } from '../../src/compile/lower-loop.ts'
import { storedNodes } from '../../src/compile/store.ts'
import type { Unit } from '../../src/compile/unit.ts'
import type { View } from '../../src/compile/view.ts'
import { build } from '../../src/graph/build.ts'
import type { Node } from '../../src/graph/node.ts'

const leaf = (shape = [4, 3], dtype: Node['dtype'] = 'float32'): Node => build.leaf({}, shape, dtype)

/** What `alike` gives for the only group of an output, and how often it was asked to lower one. */
function unitOf(alike: Alike, output: Node, parts: ReadonlyMap<Node, View> = new Map()): { unit: Unit; made: number } {
  const grouping = groupNodes([output])
  expect(grouping.groups).toHaveLength(1)
  const layout: Layout = { grouping, stored: storedNodes(grouping, [output]), parts }
  const group = grouping.groups[0] as Group
  let made = 0
  const [unit] = alike.units(group, layout, () => {
    made++
    return [lowerLoop(group, layout)]
  })
  return { unit: unit as Unit, made }
}

/** x · y + x. */
const sum = (x: Node, y: Node): Node => build.binary('add', build.binary('mul', x, y), x)

test('the same launch over other values', () => {
  const alike = new Alike()
  const [[a, b], [x, y]] = [
    [leaf(), leaf()],
    [leaf(), leaf()],
  ] as [[Node, Node], [Node, Node]]
  const [first, second] = [sum(a, b), sum(x, y)]
  const [one, two] = [unitOf(alike, first), unitOf(alike, second)]
  expect([one.made, two.made]).toEqual([1, 0])
  expect(two.unit.launches).toBe(one.unit.launches)
  expect(one.unit.buffers).toEqual([a, b, first])
  expect(two.unit.buffers).toEqual([x, y, second])
  expect([...two.unit.reads]).toEqual([x, y])
  expect([...two.unit.writes]).toEqual([second])
  expect([...two.unit.scattered]).toEqual([])
})

test('rows that are read anywhere stay so', () => {
  const alike = new Alike()
  const row = (): Node => build.broadcast(leaf([3]), [4, 3])
  const [one, two] = [sum(leaf(), row()), sum(leaf(), row())].map((node) => unitOf(alike, node).unit) as [Unit, Unit]
  expect(two.launches).toBe(one.launches)
  expect(two.scattered.size).toBe(one.scattered.size)
  for (const node of two.scattered) expect(two.reads).toContain(node)
})

test('not where they differ', () => {
  const [x, y] = [leaf(), leaf()]
  const padded = (value: number): Node =>
    build.node('pad', [leaf([2, 3])], { low: [1, 0], high: [1, 0], interior: [0, 0], value })
  const slice = (starts: number[]): Node =>
    build.node('slice', [leaf([5, 3])], { starts, sizes: [4, 3], steps: [1, 1] })
  const scaled = (by: number): Node => build.binary('mul', leaf(), build.constant(by, [4, 3], 'float32'))
  const total = (axes: number[]): Node => build.node('sum', [leaf([4, 4])], { axes })
  const different: Node[] = [
    sum(x, y),
    sum(x, x),
    build.binary('add', build.binary('mul', x, y), y),
    build.binary('mul', build.binary('mul', x, y), x),
    sum(leaf([4, 3], 'int32'), leaf([4, 3], 'int32')),
    sum(leaf([3, 4]), leaf([3, 4])),
    sum(x, build.transpose(leaf([3, 4]), [1, 0])),
    sum(x, slice([0, 0])),
    sum(x, slice([1, 0])),
    sum(x, padded(0)),
    sum(x, padded(-0)),
    sum(x, build.broadcast(leaf([3]), [4, 3])),
    scaled(0),
    scaled(-0),
    scaled(2),
    total([0]),
    total([1]),
    build.iota([4, 3], 0),
    build.iota([4, 3], 1),
  ]
  const alike = new Alike()
  expect(different.map((node) => unitOf(alike, node).made)).toEqual(different.map(() => 1))
})

test('nor where their results lie elsewhere', () => {
  const alike = new Alike()
  const whole = leaf([8, 3])
  const place = (offset: number): View => ({
    base: whole,
    shape: [4, 3],
    strides: [3, 1],
    offset,
    bounds: [undefined, undefined],
    fill: 0,
  })
  const made = [0, 12, 12].map((offset) => {
    const node = sum(leaf(), leaf())
    return unitOf(alike, node, new Map([[node, place(offset)]])).made
  })
  expect(made).toEqual([1, 1, 0])
})
