/** What becomes of loops: which kernels run in every turn and which once, and that a length is a number, not code. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { launchesOf, type Program, type Step } from '../../src/kernel/program.ts'
import { compile, configure, grad, runtime, scan, type Tensor, tensor, vjp, zeros } from '../../src/tensor/index.ts'
import { interpreterBackend } from '../compile/interpreter.ts'
import { expectClose } from '../support/close.ts'
import { modulesMade } from '../support/engine-checks.ts'
import { normals, randomOf } from '../support/random.ts'

const [batch, inputs, hidden] = [16, 24, 32]
const random = (shape: readonly number[], seed: number): Tensor =>
  tensor(
    Float32Array.from(
      normals(
        randomOf(seed),
        shape.reduce((n, d) => n * d, 1),
      ),
      (v) => v * 0.3,
    ),
    { shape },
  )

const lstm = (x: Tensor, w: Tensor, u: Tensor, b: Tensor): Tensor =>
  scan(
    ([h, c]: Tensor[], slice: Tensor) => {
      const z = slice
        .matmul(w)
        .add((h as Tensor).matmul(u))
        .add(b)
      const [i, f, g, o] = [0, 1, 2, 3].map((k) => z.slice(null, [k * hidden, (k + 1) * hidden])) as [
        Tensor,
        Tensor,
        Tensor,
        Tensor,
      ]
      const cell = f
        .sigmoid()
        .mul(c as Tensor)
        .add(i.sigmoid().mul(g.tanh()))
      const next = o.sigmoid().mul(cell.tanh())
      return [[next, cell], next]
    },
    [zeros([batch, hidden]), zeros([batch, hidden])] as Tensor[],
    x,
  )[1]

const train = (x: Tensor, w: Tensor, u: Tensor, b: Tensor): Tensor[] => {
  const loss = lstm(x, w, u, b).square().sum()
  return [loss, ...grad(loss, [x, w, u, b])]
}
const weights = [random([inputs, 4 * hidden], 2), random([hidden, 4 * hidden], 3), random([4 * hidden], 4)] as const

const products = (steps: readonly Step[]): number => launchesOf(steps).filter((l) => l.kind === 'contract').length
const loops = (steps: readonly Step[]): Extract<Step, { kind: 'loop' }>[] =>
  steps.flatMap((s) => (s.kind === 'loop' ? [s] : []))

describe('programs', () => {
  const programs: Program[] = []
  beforeEach(() => {
    programs.length = 0
    configure({ backend: 'wasm', seed: 0 })
    runtime.backend = interpreterBackend((p) => programs.push(p))
  })
  afterEach(() => {
    runtime.backend = undefined
    runtime.executables = new Map()
  })

  it('one product in every turn of a recurrent network, forward and backward; all others once', () => {
    compile(train)(random([5, batch, inputs], 1), ...weights)
    const [program] = programs.filter((p) => loops(p.steps).length > 0) as [Program]
    const [forward, backward, ...others] = loops(program.steps)
    expect(others).toEqual([])
    expect([forward, backward].map((l) => products(l?.steps ?? []))).toEqual([1, 1])
    // The input projection, and the gradients of x, w and u.
    expect(products(program.steps.filter((s) => s.kind === 'phase'))).toBe(4)
  })

  it('a result that nobody uses costs nothing', () => {
    const f = compile((x: Tensor) => {
      const [last, { sums }] = scan(
        (s: Tensor, v: Tensor) => [s.add(v), { sums: s.mul(2), dear: v.exp().matmul(v.transpose()) }],
        zeros([4, 4]),
        x,
      )
      return [last, sums]
    })
    f(random([3, 4, 4], 1))
    const [program] = programs.filter((p) => loops(p.steps).length > 0) as [Program]
    expect(program.steps.flatMap((s) => (s.kind === 'loop' ? launchesOf(s.steps) : [])).length).toBeLessThanOrEqual(2)
  })
})

it('another length compiles nothing, forward and backward', () => {
  configure({ backend: 'wasm', threads: 1, seed: 0 })
  const network = (x: Tensor, w: Tensor, u: Tensor): Tensor =>
    scan(
      (h: Tensor, slice: Tensor) => {
        const next = slice.matmul(w).add(h.matmul(u)).tanh()
        return [next, next]
      },
      zeros([batch, hidden]) as Tensor,
      x,
    )[1]
  const step = compile((x: Tensor, w: Tensor, u: Tensor, g: Tensor) => {
    const y = network(x, w, u)
    return [y, ...vjp([y], [g], [x, w, u])]
  })
  const [w, u] = [random([inputs, hidden], 2), random([hidden, hidden], 3)]
  const run = (length: number): Tensor[] =>
    step(random([length, batch, inputs], 1), w, u, random([length, batch, hidden], 5))
  expect(modulesMade(() => expect(run(5)[1]?.shape).toEqual([5, batch, inputs]))).toBeGreaterThan(0)
  for (const length of [0, 1, 2, 7, 64])
    expect(modulesMade(() => expect(run(length)[0]?.shape).toEqual([length, batch, hidden]))).toBe(0)
})

it('the same numbers on the reference and on threads, bit for bit on any number of these', () => {
  const on = (backend: 'reference' | 'wasm', threads: number): (readonly number[])[] => {
    configure({ backend, threads, seed: 0 })
    return compile(train)(
      random([6, batch, inputs], 1),
      random([inputs, 4 * hidden], 2),
      random([hidden, 4 * hidden], 3),
      random([4 * hidden], 4),
    ).map((y) => [...y.dataSync()])
  }
  const [reference, one, two] = [on('reference', 1), on('wasm', 1), on('wasm', 2)]
  expect(two).toEqual(one)
  one.forEach((y, i) => {
    expectClose(y, reference[i] as readonly number[], 2e-5, `output ${i}`)
  })
})
