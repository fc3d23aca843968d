/** vmap: axes in and out, nested, with gradients, networks and random draws inside; and what it refuses. */

import { describe, expect, it } from 'vitest'
import * as nn from '../../src/nn/index.ts'
import {
  compile,
  concat,
  grad,
  jvp,
  random,
  stack,
  type Tensor,
  tensor,
  trace,
  variable,
  vmap,
  withTraining,
  zeros,
} from '../../src/tensor/index.ts'
import { forEachBackend } from '../support/backends.ts'
import { expectClose } from '../support/close.ts'
import { normals, randomOf } from '../support/random.ts'

forEachBackend(() => {
  const draw = randomOf(9)
  const numbers = (...shape: number[]): Tensor =>
    tensor(
      normals(
        draw,
        shape.reduce((n, d) => n * d, 1),
      ),
      { shape },
    )
  const values = (x: Tensor): number[] => [...x.dataSync()]

  describe('axes', () => {
    const dot = (x: Tensor, y: Tensor): Tensor => x.mul(y).sum()

    it('any axis of the arguments, counted from either end; null for one value', () => {
      const [x, y] = [numbers(3, 4), numbers(4)]
      expectClose(vmap(dot, { in: [0, null] })(x, y), x.matmul(y), 1e-5)
      expectClose(vmap(dot, { in: [1, null] })(x, numbers(3).mul(0).add(1)), x.sum(0), 1e-5)
      expectClose(vmap(dot, { in: [-1, -1] })(x.transpose(), x.transpose()), x.square().sum(1), 1e-5)
      expectClose(vmap(dot)(x, x), x.square().sum(1), 1e-5)
    })
    it('any axis of the results', () => {
      const x = numbers(5, 2, 3)
      const twice = (one: Tensor): Tensor => one.mul(2)
      for (const out of [0, 1, 2, -1, -2, -3]) {
        const shape = vmap(twice, { out })(x).shape
        expect([...shape].filter((d) => d !== 5)).toEqual([2, 3])
        expect(shape[(out + 3) % 3]).toBe(5)
      }
    })
    it('trees in and out, with axes for their parts', () => {
      const [a, b, c] = [numbers(4, 2), numbers(2, 4), numbers(2)]
      const f = ({ p, q }: { p: Tensor; q: Tensor[] }): { sum: Tensor; own: Tensor; label: string } => ({
        sum: p.add(q[0]).add(q[1]),
        own: q[1].exp(),
        label: 'carried',
      })
      const mapped = vmap(f, { in: [{ p: 0, q: [1, null] }], out: { sum: 1, own: null, label: null } })
      const { sum, own, label } = mapped({ p: a, q: [b, c] })
      expectClose(sum, a.add(b.transpose()).add(c).transpose(), 1e-6)
      expectClose(own, c.exp(), 1e-6)
      expect(label).toBe('carried')
    })
    it('results that do not depend on the example are repeated', () => {
      const y = vmap((_: Tensor) => tensor([1, 2]))(zeros([3]))
      expect(y.arraySync()).toEqual([
        [1, 2],
        [1, 2],
        [1, 2],
      ])
    })
    it('one example, and none', () => {
      expect(vmap((x: Tensor) => x.square().sum())(tensor([[3, 4]])).arraySync()).toEqual([25])
      expect(vmap((x: Tensor) => x.square().sum())(zeros([0, 2])).shape).toEqual([0])
      expect(vmap((x: Tensor) => x.matmul(x.transpose()))(zeros([0, 2, 3])).shape).toEqual([0, 2, 2])
    })
  })

  describe('nested', () => {
    it('all pairs', () => {
      const [x, y] = [numbers(3, 4), numbers(5, 4)]
      const distance = (a: Tensor, b: Tensor): Tensor => a.sub(b).square().sum()
      const table = vmap((a: Tensor) => vmap((b: Tensor) => distance(a, b))(y))(x)
      expect(table.shape).toEqual([3, 5])
      for (let i = 0; i < 3; i++)
        for (let k = 0; k < 5; k++) expectClose(table.at(i).at(k), distance(x.at(i), y.at(k)), 1e-5)
    })
    it('over three axes, in any order', () => {
      const x = numbers(2, 3, 4)
      const square = (v: Tensor): Tensor => v.square().exp()
      const cubes = vmap(vmap(vmap(square)), { in: 1, out: 1 })(x)
      expectClose(cubes, x.square().exp(), 1e-6)
      const turned = vmap(
        vmap((v: Tensor) => v.sum(), { in: 1 }),
        { in: 2 },
      )(x)
      expectClose(turned, x.sum(0).transpose(), 1e-5)
    })
    it('with values of the outer map used inside, differentiated by both', () => {
      const [x, w] = [numbers(3, 2), numbers(4, 2)]
      const f = (a: Tensor): Tensor => vmap((b: Tensor) => grad((c: Tensor) => a.mul(c).sin().sum())(b))(w)
      const expected = x.unsqueeze(1).mul(x.unsqueeze(1).mul(w).cos())
      expectClose(vmap(f)(x), expected, 1e-5)
      const [dx, dw] = grad(vmap(f)(x).sum(), [x, w])
      const [ex, ew] = grad(expected.sum(), [x, w])
      expectClose(dx, ex, 1e-5)
      expectClose(dw, ew, 1e-5)
    })
  })

  describe('with derivatives', () => {
    const parameters = (): { w: Tensor; b: Tensor } => ({ w: numbers(3, 2), b: numbers(2) })
    const loss = ({ w, b }: { w: Tensor; b: Tensor }, x: Tensor, t: Tensor): Tensor =>
      x
        .matmul(w)
        .add(b)
        .logSoftmax()
        .takeAlong(t.reshape([1]), 0)
        .sum()
        .neg()
    const labels = (): Tensor => tensor(new Int32Array([0, 1, 1, 0, 1]))

    it('per-sample gradients: vmap(grad) equals a loop, and its mean the gradient of the mean', () => {
      const [p, x, t] = [parameters(), numbers(5, 3), labels()]
      const perSample = vmap(grad(loss), { in: [null, 0, 0] })(p, x, t)
      expect([perSample.w.shape, perSample.b.shape]).toEqual([
        [5, 3, 2],
        [5, 2],
      ])
      for (let i = 0; i < 5; i++) {
        const one = grad(loss)(p, x.at(i), t.at(i))
        expectClose(perSample.w.at(i), one.w, 1e-6)
        expectClose(perSample.b.at(i), one.b, 1e-6)
      }
      const mean = vmap(loss, { in: [null, 0, 0] })
      expectClose(grad(mean(p, x, t).mean(), p.w), perSample.w.mean(0), 1e-6)
    })
    it('compile(vmap(grad)) is one program of the same numbers', () => {
      const [p, x, t] = [parameters(), numbers(5, 3), labels()]
      const mapped = vmap(grad(loss), { in: [null, 0, 0] })
      expectClose(compile(mapped)(p, x, t).w, mapped(p, x, t).w, 1e-6)
    })
    it('grad(vmap), jvp of vmap and vmap of jvp', () => {
      const [x, v] = [numbers(4, 3), numbers(4, 3)]
      const f = (a: Tensor): Tensor => a.softmax().mul(a).sum()
      expectClose(grad((a: Tensor) => vmap(f)(a).sum())(x), vmap(grad(f))(x), 1e-6)
      const outside = jvp(vmap(f), [x], [v])[1]
      const inside = vmap((a: Tensor, t: Tensor) => jvp(f, [a], [t])[1])(x, v)
      expectClose(outside, inside, 1e-6)
    })
    it('a gradient penalty inside a map, differentiated outside (second order through batching rules)', () => {
      const [w, x] = [numbers(3), numbers(6, 3)]
      const penalty = (a: Tensor, weight: Tensor): Tensor =>
        grad((b: Tensor) => b.mul(weight).sum().tanh())(a)
          .square()
          .sum()
      const mapped = grad((weight: Tensor) => vmap(penalty, { in: [0, null] })(x, weight).sum())(w)
      const looped = [0, 1, 2, 3, 4, 5].map((i) => grad((weight: Tensor) => penalty(x.at(i), weight))(w))
      expectClose(
        mapped,
        looped.reduce((a, b) => a.add(b)),
        2e-5,
      )
    })
  })

  describe('networks', () => {
    it('convolution, normalisation, pooling and attention for single examples equal the batch', () => {
      const net = nn.sequential(
        nn.conv2d(2, 4, 3, { padding: 1 }),
        nn.relu(),
        nn.maxPool2d(2),
        nn.flatten(),
        nn.linear(16, 5),
        nn.layerNorm([5]),
      )
      const x = numbers(3, 2, 4, 4)
      const single = (one: Tensor): Tensor => net(one.unsqueeze(0)).squeeze(0)
      expectClose(vmap(single)(x), net(x), 2e-5)
      const weights = net.parameters()
      const each = vmap((one: Tensor) => grad(single(one).square().sum(), weights))(x)
      const whole = grad(net(x).square().sum(), weights)
      each.forEach((g, i) => {
        expect(g.shape).toEqual([3, ...weights[i].shape])
        expectClose(g.sum(0), whole[i], 1e-4)
      })
    })
    it('many networks at once: parameters are mapped over too', () => {
      const nets = [0, 1, 2].map(() => nn.sequential(nn.linear(3, 4), nn.tanh(), nn.linear(4, 2)))
      const names = Object.keys(nets[0].namedParameters())
      const stacked = Object.fromEntries(names.map((n) => [n, stack(nets.map((net) => net.namedParameters()[n]))]))
      const x = numbers(5, 3)
      const ensemble = vmap((p: Record<string, Tensor>) => nets[0].with(p)(x))(stacked)
      nets.forEach((net, i) => {
        expectClose(ensemble.at(i), net(x), 1e-5)
      })
    })
    it('writes numbers where they belong: indexing by example', () => {
      const [table, rows] = [numbers(4, 6, 2), tensor(new Int32Array([5, -1, 0, 99]))]
      const picked = vmap((t: Tensor, i: Tensor) => t.take(i))(table, rows)
      expectClose(picked, stack([5, 5, 0, 5].map((i, n) => table.at(n).at(i))), 0)
      const hot = vmap((i: Tensor) => zeros([6]).indexAdd(i.reshape([1]), tensor([1])))(rows)
      expect(hot.argmax(1).arraySync()).toEqual([5, 5, 0, 5])
      expect(values(vmap((m: Tensor) => trace(m))(numbers(0, 3, 3)))).toEqual([])
    })
  })

  describe('random draws', () => {
    const noise = (x: Tensor): Tensor => x.add(random.uniform([2]))
    const distinct = (x: Tensor): number => new Set(values(x)).size

    it('differ from example to example and from call to call, the same for a seed', () => {
      const y = vmap(noise)(zeros([50, 2]))
      expect(distinct(y)).toBe(100)
      const key = random.key(7)
      const seeded = (): Tensor => vmap((k: Tensor) => random.normal([3], { key: k }))(random.split(key, 4))
      expect(values(seeded())).toEqual(values(seeded()))
      expect(distinct(seeded())).toBe(12)
    })
    it('are the same for all on request', () => {
      expect(distinct(vmap(noise, { randomness: 'same' })(zeros([50, 2])))).toBe(2)
      const pairs = vmap((x: Tensor) => vmap(noise, { randomness: 'same' })(x))(zeros([3, 4, 2]))
      expect(distinct(pairs)).toBe(6)
    })
    it('differ in nested maps, in compiled functions and in layers', () => {
      expect(distinct(vmap(vmap(noise))(zeros([3, 4, 2])))).toBe(24)
      const compiled = compile(vmap(noise))
      const [first, second] = [compiled(zeros([5, 2])), compiled(zeros([5, 2]))]
      expect(distinct(concat([first, second]))).toBe(20)
      const drop = nn.dropout(0.5)
      const masks = withTraining(true, () => vmap((x: Tensor) => drop(x))(zeros([8, 32]).add(1)))
      expect(new Set((masks.arraySync() as number[][]).map((m) => m.join())).size).toBe(8)
    })
  })
})

describe('refused', () => {
  const x = zeros([3, 2])
  it.each<[string, () => unknown, string]>([
    [
      'arguments of different numbers of examples',
      () => vmap((a: Tensor, b: Tensor) => a.add(b))(x, zeros([4, 2])),
      'vmap: argument 0 [3, 2] along axis 0 has 3 examples, argument 1 [4, 2] along axis 0 has 4: they must be equal; for a value that is the same for all give its axis as null',
    ],
    ['nothing to map over', () => vmap((a: Tensor) => a, { in: null })(x), 'vmap: no argument holds examples'],
    ['an axis that is not there', () => vmap((a: Tensor) => a, { in: 2 })(x), 'axis 2 is out of range for rank 2'],
    ['a scalar to map over', () => vmap((a: Tensor) => a)(tensor(1)), 'axis 0 is out of range for rank 0'],
    [
      'axes for another number of arguments',
      () => vmap((a: Tensor) => a, { in: [0, 0] })(x),
      'vmap: axes for 2 arguments, but 1 were given',
    ],
    [
      'axes of another tree',
      () => vmap((a: Tensor[]) => a[0], { in: [[0, 0]] })([x]),
      'vmap: the two trees differ: one has a list of 1 where the other has a list of 2',
    ],
    [
      'a result that depends on the example but is said not to',
      () => vmap((a: Tensor) => a.mul(2), { out: null })(x),
      'vmap: a result [2] depends on the example: its axis cannot be null',
    ],
    [
      'reading a value inside',
      () => vmap((a: Tensor) => a.mul(a.sum().itemSync()))(x),
      'vmap: a value that depends on the example was read, assigned to a variable or kept',
    ],
    [
      'assigning to a variable inside',
      () => {
        const v = variable(zeros([2]))
        vmap((a: Tensor) => v.assign(a.mul(2)))(x)
      },
      'vmap: a value that depends on the example was read, assigned',
    ],
    [
      'assigning to a variable inside a compiled function',
      () => {
        const v = variable(zeros([2]))
        compile((b: Tensor) => vmap((a: Tensor) => v.assign(a.mul(2)))(b))(x)
      },
      'vmap: a value that depends on the example was read, assigned',
    ],
    [
      'keeping a value beyond the call',
      () => {
        let kept: Tensor | undefined
        vmap((a: Tensor) => {
          kept = a.mul(2)
          return kept
        })(x)
        kept?.dataSync()
      },
      'vmap: a value that depends on the example was read, assigned to a variable or kept',
    ],
    [
      'an async function',
      () => vmap(async (a: Tensor) => a)(x),
      'vmap: the function is async: only synchronous functions of tensors can be mapped',
    ],
  ])('%s', (_, f, message) => {
    expect(f).toThrow(message)
  })
})
