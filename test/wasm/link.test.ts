// Chains as tasks: cut alike where every task can be, threads get equal shares, and nothing is packed before it is there.

import { expect, it } from 'vitest'
import { linkedTasks } from '../../src/backend/wasm/link.ts'
import type { Task } from '../../src/backend/wasm/tasks.ts'
import { compileGraph } from '../../src/compile/index.ts'
import { build } from '../../src/graph/build.ts'
import { launchesOf } from '../../src/kernel/program.ts'

const pieces = 24
const leaf = build.leaf({}, [pieces, 8, 8], 'float32')
const square = build.node('matmul', [leaf, leaf], {})
const cube = build.node('matmul', [square, leaf], {})
const program = compileGraph({ leaves: [leaf], outputs: [cube], aliases: [-1] })
const sources = launchesOf(program.steps)

/** One with so many iterations a piece for each launch, of a microsecond a piece altogether. */
const tasksOf = (...iterations: readonly number[]): Task[] =>
  iterations.map((count, i) => ({
    function: 0,
    args: 0,
    grain: 1,
    total: count * pieces,
    nanoseconds: (1000 * pieces) / iterations.length,
    callerOnly: false,
    source: sources[i] as Task['source'],
  }))
const cut = (tasks: readonly (Task | undefined)[], threads = 2, claim = 0, packing: readonly Task[] = []): unknown =>
  linkedTasks(tasks, packing, { pieces, threads, claim }, program)?.map(({ grain, followed, follows }) => ({
    grain,
    followed,
    follows,
  }))

it('each thread runs a piece of all before the next', () => {
  expect(cut(tasksOf(1, 4))).toEqual([
    { grain: 1, followed: true, follows: false },
    { grain: 4, followed: false, follows: true },
  ])
})

it('small pieces are claimed together', () => {
  expect(cut(tasksOf(1, 4), 2, 3000)).toMatchObject([{ grain: 3 }, { grain: 12 }])
  expect(cut(tasksOf(1, 4), 1, 1e6)).toMatchObject([{ grain: 24 }, { grain: 96 }])
})

it('not where threads would get unequal shares, or a task has no pieces', () => {
  expect(cut(tasksOf(1, 1), 8)).toBeDefined()
  expect(cut(tasksOf(1, 1), 7)).toBeUndefined()
  expect(cut(tasksOf(1, 0.5))).toBeUndefined()
  expect(cut([...tasksOf(1), undefined])).toBeUndefined()
  expect(cut(tasksOf(1, 1).map((task) => ({ ...task, callerOnly: true })))).toBeUndefined()
})

it('not where an operand would be packed before another task has written it', () => {
  const [first, second] = tasksOf(1, 1) as [Task, Task]
  const packing = (task: Task, side: 'left' | 'right'): Task[] => {
    if (task.source.kind !== 'contract') throw new Error('a product was expected')
    return [{ ...task, packs: task.source[side] }]
  }
  expect(cut([first, second], 2, 0, packing(second, 'right'))).toBeDefined()
  expect(cut([first, second], 2, 0, packing(second, 'left'))).toBeUndefined()
  expect(cut([first], 2, 0, packing(second, 'left'))).toBeDefined()
})
