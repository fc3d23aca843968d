/** cond and whileLoop: only what is taken runs, forward and backward; variables, random numbers and what is refused. */

import { afterEach, describe, expect, it } from 'vitest'
import type { Launch } from '../../src/kernel/program.ts'
import { batchNorm } from '../../src/nn/index.ts'
import {
  compile,
  cond,
  configure,
  grad,
  ones,
  random,
  runtime,
  scan,
  type Tensor,
  tensor,
  variable,
  whileLoop,
  withTraining,
  zeros,
} from '../../src/tensor/index.ts'
import { interpreterBackend } from '../compile/interpreter.ts'
import { forEachBackend } from '../support/backends.ts'
import { expectClose } from '../support/close.ts'
import { checkFirstOrder, checkSecondOrder } from '../support/derivative.ts'
import { normals, randomOf } from '../support/random.ts'

const collatz = (n: Tensor): { n: Tensor; steps: Tensor } =>
  whileLoop(
    ({ n }) => n.notEqual(1),
    ({ n, steps }) => ({
      n: cond(
        n.remainder(2).equal(0),
        () => n.floorDivide(2),
        () => n.mul(3).add(1),
      ),
      steps: steps.add(1),
    }),
    { n, steps: tensor(0, { dtype: 'int32' }) },
  )

forEachBackend(() => {
  it('takes one branch or the other', () => {
    const f = (p: Tensor, x: Tensor): Tensor =>
      cond(
        p.greater(0),
        (v) => v.log(),
        (v) => v.neg(),
        x,
      )
    for (const run of [f, compile(f)]) {
      expect(run(tensor(1), tensor([1, Math.E])).arraySync()).toEqual([0, expect.closeTo(1, 6)])
      expect(run(tensor(-1), tensor([1, 2])).arraySync()).toEqual([-1, -2])
    }
  })

  it('the branch that is not taken does not run: it would never end', () => {
    const endless = (x: Tensor): Tensor =>
      whileLoop(
        () => tensor(true, { dtype: 'bool' }),
        (v) => v.add(1),
        x,
      )
    const f = compile((p: Tensor, x: Tensor) =>
      cond(
        p,
        () => x.mul(2),
        () => endless(x),
      ),
    )
    expect(f(tensor(true, { dtype: 'bool' }), tensor([1, 2])).arraySync()).toEqual([2, 4])
  })

  it('gradients gate as values do, also where the other branch has none', () => {
    const f = compile((x: Tensor) => {
      const y = cond(
        x.sum().greater(0),
        () => x.sqrt().sum(),
        () => tensor(7),
      )
      return [y, grad(y, x)]
    })
    expect(f(tensor([1, 4])).map((t) => t.arraySync())).toEqual([3, [0.5, 0.25]])
    expect(f(tensor([-1, -4])).map((t) => t.arraySync())).toEqual([7, [0, 0]])
  })

  it('branches in branches, trees as results, a branch that gives its input', () => {
    const f = compile((x: Tensor) =>
      cond(
        x.greater(0),
        () =>
          cond(
            x.greater(10),
            () => ({ a: x, b: [x.mul(2)] }),
            () => ({ a: x.neg(), b: [x] }),
          ),
        () => ({ a: zeros([]), b: [ones([])] }),
      ),
    )
    const values = (v: number): number[] => {
      const { a, b } = f(tensor(v))
      return [a.itemSync(), (b[0] as Tensor).itemSync()]
    }
    expect(values(20)).toEqual([20, 40])
    expect(values(5)).toEqual([-5, 5])
    expect(values(-1)).toEqual([0, 1])
  })

  it('a loop of as many turns as the values say', () => {
    const compiled = compile(collatz)
    for (const [n, steps] of [
      [1, 0],
      [6, 8],
      [27, 111],
    ] as const) {
      for (const run of [collatz, compiled]) {
        const result = run(tensor(n, { dtype: 'int32' }))
        expect([result.n.itemSync(), result.steps.itemSync()]).toEqual([1, steps])
      }
    }
  })

  it('a bound on the turns', () => {
    const f = (maximum: number): Tensor =>
      whileLoop(
        (x) => x.less(100),
        (x) => x.mul(2),
        tensor(1),
        { maximum },
      )
    expect([0, 3, 1000].map((m) => f(m).itemSync())).toEqual([1, 8, 128])
  })

  describe('derivatives of a bounded loop', () => {
    // Newton's square root: the number of turns depends on the value.
    const root = ([a]: readonly Tensor[]): Tensor[] => [
      whileLoop(
        (x) =>
          x
            .square()
            .sub(a as Tensor)
            .abs()
            .max()
            .greater(1e-12),
        (x) => x.add((a as Tensor).div(x)).mul(0.5),
        (a as Tensor).mul(0).add(1),
        { maximum: 30 },
      ),
    ]
    const at = [{ shape: [3], data: [2, 3, 5] }]
    it('first order', () => checkFirstOrder(root, at, randomOf(1)))
    it('second order', () => checkSecondOrder(root, at, randomOf(2)))
  })

  describe('variables', () => {
    it('keep their value from turn to turn', () => {
      for (const wrap of [(f: () => Tensor) => f, compile]) {
        const count = variable(tensor([0, 0]))
        const f = wrap(
          () =>
            scan(
              (s: Tensor, x: Tensor) => {
                count.assign(count.add(x))
                return [s.add(count.sum()), undefined]
              },
              tensor(0),
              tensor([
                [1, 2],
                [3, 4],
                [5, 6],
              ]),
            )[0],
        )
        expect(f().itemSync()).toBe(3 + 10 + 21)
        expect(count.arraySync()).toEqual([9, 12])
      }
    })

    it('change in the branch that is taken', () => {
      const hits = variable(tensor(0))
      const f = compile((x: Tensor) =>
        cond(
          x.greater(0),
          () => {
            hits.assign(hits.add(1))
            return x.mul(hits)
          },
          () => x,
        ),
      )
      expect([1, -1, 1, 1].map((v) => f(tensor(v)).itemSync())).toEqual([1, -1, 2, 3])
      expect(hits.itemSync()).toBe(3)
    })

    it('statistics of a batch normalisation inside a scan', () => {
      const xs = tensor(Float32Array.from(normals(randomOf(3), 4 * 6 * 3)), { shape: [4, 6, 3] })
      const states = [true, false].map((scanned) => {
        const norm = batchNorm(3)
        const step = compile((x: Tensor) =>
          scanned
            ? scan((s: Tensor, v: Tensor) => [s.add(norm(v).sum(0)), undefined], zeros([3]), x)[0]
            : [0, 1, 2, 3].reduce<Tensor>((s, t) => s.add(norm(x.at(t)).sum(0)), zeros([3])),
        )
        const y = withTraining(true, () => step(xs))
        return [y, ...Object.values(norm.state()).map((v) => v as Tensor)]
      })
      states[0]?.forEach((y, i) => {
        expectClose(y, states[1]?.[i] as Tensor, 1e-5, `state ${i}`)
      })
    })
  })

  it('draws other random numbers in every turn, the same ones for the same seed', () => {
    const draw = (): number[] => {
      configure({ seed: 5 })
      const f = compile(() => scan((s: Tensor) => [s, random.uniform([3])], tensor(0), undefined, { length: 4 })[1])
      return [...f().dataSync(), ...f().dataSync()]
    }
    const [first, second] = [draw(), draw()]
    expect(first).toEqual(second)
    expect(new Set(first).size).toBe(24)
    const [x] = whileLoop(
      ([, n]) => (n as Tensor).less(3),
      ([s, n]) => [(s as Tensor).add(random.uniform([])), (n as Tensor).add(1)],
      [tensor(0), tensor(0)],
    )
    expect((x as Tensor).itemSync()).toBeGreaterThan(0)
  })
})

describe('what runs, counted', () => {
  afterEach(() => {
    runtime.backend = undefined
    runtime.executables = new Map()
  })

  it('nothing of the branch that is not taken, forward and backward', () => {
    configure({ backend: 'wasm', seed: 1 })
    const counts = new Map<string, number>()
    let large = 0
    runtime.backend = interpreterBackend(undefined, (launch: Launch) => {
      const size = launch.kind === 'loop' ? launch.extents.reduce((a, b) => a * b, 1) : 0
      if (size >= 48) large++
      counts.set(launch.kind, (counts.get(launch.kind) ?? 0) + 1)
    })
    const f = compile((p: Tensor, x: Tensor, w: Tensor) => {
      const y = cond(
        p.greater(0),
        () => x.matmul(w).tanh().sum(),
        () => x.sum(),
      )
      return [y, ...grad(y, [x, w])]
    })
    const [x, w] = [ones([2, 3]), ones([3, 16])]
    f(tensor(1), x, w)
    const taken = large
    large = 0
    f(tensor(-1), x, w)
    expect(taken).toBeGreaterThan(2)
    // What is left fills the zero gradient of w.
    expect(large).toBeLessThanOrEqual(1)
  })
})

describe('bad input', () => {
  const yes = tensor(true, { dtype: 'bool' })
  it.each<[string, () => unknown]>([
    [
      'it must be a tensor: use an if',
      () =>
        cond(
          true as unknown as Tensor,
          () => yes,
          () => yes,
        ),
    ],
    [
      'it must be one bool',
      () =>
        cond(
          ones([2]).greater(0),
          () => yes,
          () => yes,
        ),
    ],
    [
      'the branches give float32[2] and float32[3]',
      () =>
        cond(
          yes,
          () => ones([2]),
          () => ones([3]),
        ),
    ],
    [
      'it must be one bool',
      () =>
        whileLoop(
          (x) => x,
          (x) => x,
          ones([]),
        ),
    ],
    [
      'after a turn: shapes and dtypes must stay',
      () =>
        whileLoop(
          (x) => x.less(1),
          (x) => x.sum(),
          ones([2]),
        ),
    ],
    [
      'maximum is -1',
      () =>
        whileLoop(
          (x) => x.less(1),
          (x) => x,
          ones([]),
          { maximum: -1 },
        ),
    ],
    [
      'pass { maximum }, or use scan',
      () => {
        const x = ones([])
        return grad(
          whileLoop(
            (v) => v.less(5),
            (v) => v.add(1),
            x,
          ),
          x,
        )
      },
    ],
  ])('%s', (message, run) => {
    expect(run).toThrow(message)
  })
})
