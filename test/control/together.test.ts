/** Loops together with what else transforms graphs: batches, checkpoints, repeated runs, optimizers. */

import { expect, it } from 'vitest'
import { sgd } from '../../src/optim/index.ts'
import {
  checkpoint,
  compile,
  grad,
  scan,
  stack,
  type Tensor,
  tensor,
  variable,
  vmap,
  whileLoop,
  zeros,
} from '../../src/tensor/index.ts'
import { forEachBackend } from '../support/backends.ts'
import { expectClose } from '../support/close.ts'
import { normals, randomOf } from '../support/random.ts'

const xs: Tensor = tensor(normals(randomOf(1), 12), { shape: [2, 3, 2] })
const products = (x: Tensor): Tensor =>
  scan((s: Tensor, v: Tensor) => [s.add(v.sin()), s.mul(v)], zeros([2]) as Tensor, x)[1]

forEachBackend(() => {
  it('maps over examples, with gradients', () => {
    const batched = vmap(products)
    const expected = stack([0, 1].map((i) => products(xs.at(i))))
    expectClose(batched(xs), expected, 1e-6)
    expectClose(grad(batched(xs).square().sum(), xs), grad(expected.square().sum(), xs), 1e-6)
  })

  it('maps the gradient of a loop in a loop, whose counter is one for all examples', () => {
    const slope = (x: Tensor): Tensor => {
      const twice = (state: Tensor, v: Tensor): Tensor =>
        whileLoop(
          ([i]: readonly Tensor[]) => i.less(2),
          ([i, s]) => [i.add(1), s.add(v).tanh()],
          [tensor(0, { dtype: 'int32' }) as Tensor, state],
          { maximum: 3 },
        )[1]
      return grad(scan((s: Tensor, v: Tensor) => [twice(s, s.mul(v)), undefined], x.at(0), x)[0].sum(), x)
    }
    expectClose(vmap(slope)(xs), stack([0, 1].map((i) => slope(xs.at(i)))), 1e-6)
  })

  it('each example ends when its own condition says so', () => {
    const double = (n: Tensor): Tensor =>
      whileLoop(
        (s) => s.less(100),
        (s) => s.mul(2),
        n,
      )
    expect(vmap(double)(tensor([1, 3, 200]) as Tensor).arraySync()).toEqual([128, 192, 200])
  })

  it('checkpoints in loops and loops in checkpoints', () => {
    const step = (s: Tensor, v: Tensor): Tensor => s.mul(v).tanh().exp()
    const network = (kept: boolean) => (x: Tensor) => {
      const turn = (s: Tensor, v: Tensor): Tensor => (kept ? checkpoint((a: Tensor) => step(a, v))(s) : step(s, v))
      const all = scan((s: Tensor, v: Tensor) => [turn(s, v), turn(s, v)], tensor([0.1, 0.2]) as Tensor, x)[1]
      return grad(all.sum(), x)
    }
    expectClose(compile(network(true))(xs.at(0)), compile(network(false))(xs.at(0)), 1e-6)
    const outer = (wrap: (f: (x: Tensor) => Tensor) => (x: Tensor) => Tensor) =>
      compile((x: Tensor) => grad(wrap((y) => products(y).square().sum())(x), x))
    expectClose(outer((f) => checkpoint(f))(xs.at(0)), outer((f) => f)(xs.at(0)), 1e-6)
  })

  it('starts anew in every run of a repeated step', () => {
    const state = variable(zeros([2]))
    const step = compile((x: Tensor) => {
      state.assign(scan((s: Tensor, v: Tensor) => [s.mul(0.5).add(v), undefined], state as Tensor, x)[0])
      return state.sum()
    })
    const x = tensor([
      [1, 2],
      [3, 4],
      [5, 6],
    ])
    step.repeat(3, x)
    expect(state.arraySync()).toEqual([7.69921875, 9.6953125])
  })

  it('refuses the step of an optimizer inside', () => {
    const [p, optimizer] = [variable(tensor([1, 2])), sgd({ learningRate: 0.1 })]
    const run = (): unknown =>
      scan(
        (s: Tensor) => {
          optimizer.step([p], [s])
          return [s, s]
        },
        tensor([1, 1]) as Tensor,
        undefined,
        { length: 2 },
      )
    expect(run).toThrow("scan: an optimizer's step counts calls of the host")
  })
})
