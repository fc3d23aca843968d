// Launches that are alike are made once.
import { expect, test } from 'vitest'
import type { Load } from '../../src/compile/expression.ts'
import type { Target } from '../../src/compile/launch.ts'
import { Launches } from '../../src/compile/launches.ts'
import { wholeView } from '../../src/compile/view.ts'
import { build } from '../../src/graph/build.ts'
import type { Node } from '../../src/graph/node.ts'
import * as s from '../../src/scalar/expr.ts'

const leaf = (): Node => build.leaf({}, [4, 3], 'float32')

/** out = x · y + x, with changes. */
function sum(launches: Launches, x: Node, y: Node, out: Node, view: object = {}, target: Partial<Target> = {}) {
  const loads: Load[] = [x, y].map((base) => ({ base, view: { ...wholeView(base), ...(base === y ? view : {}) } }))
  const [a, b] = [s.load('f32', 0), s.load('f32', 1)]
  const to: Target = {
    node: out,
    dtype: 'float32',
    strides: [3, 1],
    offset: 0,
    value: s.add(s.mul(a, b), a),
    stage: -1,
    mode: 'set',
    ...target,
  }
  return launches.of([4, 3], [false, false], { loads, waits: [], reductions: [], positions: [] }, [to])
}

test('the same kernel and numbers over other values', () => {
  const launches = new Launches()
  const [first, second] = [
    [leaf(), leaf(), leaf()],
    [leaf(), leaf(), leaf()],
  ]
  const [one, two] = [sum(launches, ...(first as [Node, Node, Node])), sum(launches, ...(second as [Node, Node, Node]))]
  expect(two.kernel).toBe(one.kernel)
  expect(two.launch).toBe(one.launch)
  for (const [built, [x, y, out]] of [
    [one, first],
    [two, second],
  ] as const) {
    expect(built.buffers).toEqual([x, y, out])
    expect([...built.reads]).toEqual([x, y])
    expect([...built.writes]).toEqual([out])
  }
})

test('not where they differ', () => {
  const launches = new Launches()
  const [x, y, out] = [leaf(), leaf(), leaf()]
  const plain = sum(launches, x, y, out)
  const row = build.leaf({}, [3], 'float32')
  const others = [
    sum(launches, x, x, out),
    sum(launches, x, y, x),
    sum(launches, x, build.leaf({}, [4, 3], 'int32'), out),
    sum(launches, x, row, out, { shape: [4, 3], strides: [0, 1], bounds: [undefined, undefined] }),
    sum(launches, x, y, out, { offset: 1 }),
    sum(launches, x, y, out, { fill: -0 }),
    sum(launches, x, y, out, { bounds: [[0, 2], undefined] }),
    sum(launches, x, y, out, {}, { value: s.load('f32', 1) }),
    sum(launches, x, y, out, {}, { strides: [1, 4] }),
    sum(launches, x, y, out, {}, { offset: 2 }),
    sum(launches, x, y, out, {}, { mode: 'add' }),
  ]
  const all = [plain, ...others].map(({ launch }) => launch)
  expect(new Set(all).size).toBe(all.length)
})
