/** scan against the loop written out: values, gradients of first and second order, whatever the length. */

import { describe, expect, it } from 'vitest'
import {
  compile,
  concat,
  cond,
  grad,
  jvp,
  noGrad,
  scan,
  stack,
  type Tensor,
  tensor,
  Variable,
  vjp,
  whileLoop,
  zeros,
} from '../../src/tensor/index.ts'
import { forEachBackend } from '../support/backends.ts'
import { expectClose } from '../support/close.ts'
import { checkFirstOrder, checkSecondOrder } from '../support/derivative.ts'
import { normals, randomOf } from '../support/random.ts'
import { evaluateByRecords } from '../support/records.ts'

const random = (shape: readonly number[], seed: number, scale = 1): Tensor =>
  tensor(
    Float32Array.from(
      normals(
        randomOf(seed),
        shape.reduce((n, d) => n * d, 1),
      ),
      (v) => v * scale,
    ),
    { shape },
  )

/** An Elman network, by scan and written out. */
const step = (h: Tensor, x: Tensor, w: Tensor, u: Tensor, b: Tensor): Tensor =>
  x.matmul(w).add(h.matmul(u)).add(b).tanh()
const scanned = (h: Tensor, xs: Tensor, w: Tensor, u: Tensor, b: Tensor, reverse = false): [Tensor, Tensor] =>
  scan(
    (state: Tensor, x: Tensor) => {
      const next = step(state, x, w, u, b)
      return [next, next.mul(2)]
    },
    h,
    xs,
    { reverse },
  )
const unrolled = (h: Tensor, xs: Tensor, w: Tensor, u: Tensor, b: Tensor, reverse = false): [Tensor, Tensor] => {
  const length = xs.shape[0] as number
  const results: Tensor[] = []
  let state = h
  for (let i = 0; i < length; i++) {
    const t = reverse ? length - 1 - i : i
    state = step(state, xs.at(t), w, u, b)
    results[t] = state.mul(2)
  }
  return [state, length > 0 ? stack(results) : zeros([0, ...h.shape])]
}

forEachBackend(() => {
  it('what a body makes of a variable alone is made of its value outside', () => {
    const w = new Variable(new Float32Array([3]), [1], 'float32')
    const looped = compile(() => {
      const [h] = scan((h: Tensor) => [h.mul(w.mul(2)).add(w.detach()), h.sum()], zeros([1]), undefined, { length: 2 })
      const [branch] = [
        cond(
          w.sum().greater(0),
          () => w.mul(2).add(h),
          () => w,
        ),
      ]
      const [slope] = grad(branch.sum(), [w])
      return [branch, slope]
    })
    // h = (0·2w + w')·2w + w', where w' counts as constant: 2w·w' + w'; with w = w' = 3 that is 21, and by w it is 2w' = 6.
    const [value, slope] = looped()
    expect([value.itemSync(), slope.itemSync()]).toEqual([27, 8])
  })

  it.each([0, 1, 2, 7, 64])('a recurrent network over %i steps, forward and backward', (length) => {
    const inputs = [
      random([3, 5], 1),
      random([length, 3, 4], 2),
      random([4, 5], 3, 0.4),
      random([5, 5], 4, 0.4),
      random([5], 5),
    ] as const
    for (const reverse of [false, true]) {
      const train =
        (network: typeof scanned) =>
        (...[h, xs, w, u, b]: Tensor[]): Tensor[] => {
          const [last, all] = network(h as Tensor, xs as Tensor, w as Tensor, u as Tensor, b as Tensor, reverse)
          const loss = last.square().sum().add(all.sin().sum())
          return [last, all, loss, ...grad(loss, [h, xs, w, u, b] as Tensor[])]
        }
      const expected = train(unrolled)(...inputs).map((y) => ({ shape: y.shape, data: evaluateByRecords(y.node) }))
      const eager = train(scanned)(...inputs)
      const compiled = compile(train(scanned))(...inputs)
      expected.forEach((e, i) => {
        expect([eager[i]?.shape, compiled[i]?.shape]).toEqual([e.shape, e.shape])
        expectClose(eager[i] as Tensor, e.data, 2e-5, `eager ${i}`)
        expectClose(compiled[i] as Tensor, e.data, 2e-5, `compiled ${i}`)
      })
    }
  })

  it('large enough for blocked products', () => {
    const inputs = [
      random([8, 32], 1),
      random([6, 8, 24], 2),
      random([24, 32], 3, 0.2),
      random([32, 32], 4, 0.2),
      random([32], 5),
    ]
    const train =
      (network: typeof scanned) =>
      (...[h, xs, w, u, b]: Tensor[]): Tensor[] => {
        const [last, all] = network(h as Tensor, xs as Tensor, w as Tensor, u as Tensor, b as Tensor)
        const loss = last.square().sum().add(all.sin().sum())
        return [last, all, ...grad(loss, [h, xs, w, u, b] as Tensor[])]
      }
    const expected = train(unrolled)(...inputs)
    compile(train(scanned))(...inputs).forEach((y, i) => {
      expectClose(y, expected[i] as Tensor, 1e-5, `output ${i}`)
    })
  })

  describe('derivatives', () => {
    const f = (inputs: readonly Tensor[]): Tensor[] => {
      const [h, xs, w, u, b] = inputs as [Tensor, Tensor, Tensor, Tensor, Tensor]
      return scanned(h, xs, w, u, b)
    }
    const at = [[2, 3], [4, 2, 2], [2, 3], [3, 3], [3]].map((shape, i) => ({
      shape,
      data: normals(
        randomOf(i + 1),
        shape.reduce((n, d) => n * d, 1),
      ),
    }))
    it('first order', () => checkFirstOrder(f, at, randomOf(9)))
    it('second order', () => checkSecondOrder(f, at, randomOf(9)))

    it('by a move of what the loop reads, made outside', () => {
      const w = tensor(new Float64Array([0.5, -1, 0.25, 2]))
      const [square, turned] = [w.reshape([2, 2]), w.reshape([2, 2]).transpose()]
      const xs = tensor(new Float64Array([1, 2, 3, 4, 5, 6]), { shape: [3, 1, 2] })
      const states = (m: Tensor): Tensor =>
        scan(
          (h: Tensor, x: Tensor) => {
            const next = h.matmul(m).add(x)
            return [next, next] as const
          },
          zeros([1, 2], 'float64'),
          xs,
        )[1]
      const unrolled = (m: Tensor): Tensor => {
        const [a, b, c]: Tensor[] = [xs.at(0), xs.at(1), xs.at(2)]
        const second = a.matmul(m).add(b)
        return stack([a, second, second.matmul(m).add(c)])
      }
      for (const m of [square, turned]) {
        expectClose(grad(states(m).sum(), m), grad(unrolled(m).sum(), m), 1e-15)
        const tangent = m.mul(0).add(1)
        expectClose(jvp(states, [m], [tangent])[1], jvp(unrolled, [m], [tangent])[1], 1e-15)
        const halved = whileLoop(
          (h: Tensor) => h.sum().less(100),
          (h: Tensor) => h.matmul(m).add(1),
          xs.at(0),
          { maximum: 2 },
        )
        const twice = xs.at(0).matmul(m).add(1).matmul(m).add(1)
        expectClose(grad(halved.sum(), m), grad(twice.sum(), m), 1e-15)
      }
    })
    it('of a scan in a scan', () => {
      // Powers of a matrix of numbers, each a product over an inner scan.
      const nested = ([x, c]: readonly Tensor[]): Tensor[] =>
        scan(
          (outer: Tensor, row: Tensor) => {
            const [inner, all] = scan(
              (p: Tensor, e: Tensor) => [p.mul(e.tanh()).add(c as Tensor), p.sin()] as const,
              outer,
              row,
            )
            return [inner, all.sum().add(inner)]
          },
          (c as Tensor).mul(0.5),
          x as Tensor,
        )
      const points = [
        { shape: [3, 4], data: normals(randomOf(3), 12) },
        { shape: [], data: [0.3] },
      ]
      checkFirstOrder(nested, points, randomOf(5))
      checkSecondOrder(nested, points, randomOf(6))
    })

    it('of a cond in a scan', () => {
      const piecewise = ([x, a]: readonly Tensor[]): Tensor[] =>
        scan(
          (s: Tensor, e: Tensor) => {
            const y = cond(
              e.greater(0),
              () => s.mul(e).add(a as Tensor),
              () => s.sub(e).sin(),
            )
            return [y, y.square()]
          },
          (a as Tensor).exp(),
          x as Tensor,
        )
      const points = [
        { shape: [5], data: [0.5, -1, 2, -0.3, 0.7] },
        { shape: [], data: [0.3] },
      ]
      checkFirstOrder(piecewise, points, randomOf(5))
      checkSecondOrder(piecewise, points, randomOf(6))
    })
  })

  it('without sequences, with carries that are swapped, kept and whole numbers', () => {
    const fibonacci = (a: Tensor, b: Tensor, kept: Tensor): [Tensor, Tensor, Tensor, Tensor] => {
      const [state, stacked] = scan(
        ({ a, b, kept }: { a: Tensor; b: Tensor; kept: Tensor }) => [{ a: b, b: a.add(b), kept }, a] as const,
        { a, b, kept },
        undefined,
        { length: 10 },
      )
      return [state.a, state.b, state.kept, stacked]
    }
    const start = [tensor(0, { dtype: 'int32' }), tensor(1, { dtype: 'int32' }), tensor([2.5])] as const
    for (const run of [fibonacci, compile(fibonacci)]) {
      const [a, b, kept, all] = run(...start)
      expect([a.itemSync(), b.itemSync(), kept.itemSync()]).toEqual([55, 89, 2.5])
      expect([...all.dataSync()]).toEqual([0, 1, 1, 2, 3, 5, 8, 13, 21, 34])
    }
    const swapped = compile((x: Tensor, y: Tensor) =>
      scan(([p, q]: Tensor[]) => [[q as Tensor, p as Tensor] as Tensor[], p as Tensor] as const, [x, y], undefined, {
        length: 3,
      }),
    )
    const [[p, q], all] = swapped(tensor([1, 2]), tensor([3, 4]))
    expect([...(p as Tensor).dataSync(), ...(q as Tensor).dataSync()]).toEqual([3, 4, 1, 2])
    expect([...all.dataSync()]).toEqual([1, 2, 3, 4, 1, 2])
  })

  it('trees of sequences and results, unused results, every dtype', () => {
    const run = compile((a: Tensor, b: Tensor) =>
      scan(
        (n: Tensor, { a, b }: { a: Tensor; b: Tensor }) => [
          n.add(a.cast('int32').sum()),
          { pair: [a.mul(b), b.greater(0)], constant: zeros([2]) },
        ],
        tensor(0, { dtype: 'int32' }),
        { a, b },
      ),
    )
    const [n, { pair, constant }] = run(
      tensor([
        [1, 2],
        [3, 4],
      ]),
      tensor([
        [1, -1],
        [0, 2],
      ]),
    )
    expect(n.itemSync()).toBe(10)
    expect(pair[0]?.arraySync()).toEqual([
      [1, -2],
      [0, 8],
    ])
    expect(pair[1]?.arraySync()).toEqual([
      [true, false],
      [false, true],
    ])
    expect(constant.arraySync()).toEqual([
      [0, 0],
      [0, 0],
    ])
    const [only] = scan(
      (s: Tensor, x: Tensor) => [s.add(x), s.exp()],
      zeros([2]),
      tensor([
        [1, 2],
        [3, 4],
      ]),
    )
    expect(only.arraySync()).toEqual([4, 6])
  })

  it('cumulative sums and their gradient', () => {
    const cumulative = (x: Tensor): Tensor => scan((s: Tensor, v: Tensor) => [s.add(v), s.add(v)], tensor(0), x)[1]
    const x = tensor([1, 2, 3, 4])
    expect(cumulative(x).arraySync()).toEqual([1, 3, 6, 10])
    expect(
      grad(
        cumulative(x)
          .mul(tensor([1, 10, 100, 1000]))
          .sum(),
        x,
      ).arraySync(),
    ).toEqual([1111, 1110, 1100, 1000])
    expect(grad(noGrad(() => cumulative(x)).sum(), x).arraySync()).toEqual([0, 0, 0, 0])
  })

  it('a bias whose gradient sums what the gradient of the sequence is', () => {
    const xs = random([3, 2, 3], 1)
    const b = random([3], 2)
    const both = compile((x: Tensor, bias: Tensor) => {
      const [last, all] = scan(
        (s: Tensor, v: Tensor) => {
          const shifted = v.add(bias)
          const next = s.mul(0.5).add(shifted.square().sum().mul(0.1).tanh())
          return [next, shifted.mul(next)]
        },
        tensor(0.5),
        x,
      )
      return grad(last.add(all.square().sum()), [x, bias])
    })
    const [dx, db] = both(xs, b)
    expectClose(db as Tensor, (dx as Tensor).sum([0, 1]), 1e-5)
  })

  it('results of results', () => {
    const x = tensor([
      [1, 2],
      [3, 4],
      [5, 6],
    ])
    const twice = (y: Tensor): Tensor => scan((s: Tensor, v: Tensor) => [s.add(v), s.mul(v)], zeros([2]), y)[1]
    const expected = [
      [0, 0],
      [0, 0],
      [0, 0],
    ]
    expect(twice(twice(x)).shape).toEqual([3, 2])
    const direct = compile((y: Tensor) => concat([twice(y), y], 0))(x)
    expect(direct.arraySync()).toEqual([
      [0, 0],
      [3, 8],
      [20, 36],
      [1, 2],
      [3, 4],
      [5, 6],
    ])
    expect(vjp([twice(twice(x))], [zeros([3, 2])], [x])[0]?.arraySync()).toEqual(expected)
  })
})

describe('bad input', () => {
  it.each<[string, () => unknown]>([
    ['scan: without sequences it needs { length }', () => scan((s: Tensor) => [s, s], zeros([2]))],
    ['first axis must be 3', () => scan((s: Tensor) => [s, s], zeros([2]), [zeros([3, 2]), zeros([2, 2])])],
    ['after a turn: shapes and dtypes must stay', () => scan((s: Tensor) => [s.sum(), s], zeros([2]), zeros([3]))],
    [
      'must return [carry, result]',
      () => scan((s: Tensor) => s as unknown as [Tensor, Tensor], zeros([2]), zeros([3])),
    ],
    ['inside cond, scan or whileLoop', () => scan((s: Tensor) => [s.mul(s.itemSync()), s], zeros([]), zeros([3]))],
  ])('%s', (message, run) => {
    expect(run).toThrow(message)
  })
})
