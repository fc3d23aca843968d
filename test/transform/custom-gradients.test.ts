// Backward passes that are not linear in their cotangent: refused where a gradient is built, with the operation that bends it.

import { expect, it } from 'vitest'
import { solve } from '../../src/linalg/index.ts'
import {
  type Backward,
  cond,
  cumsum,
  customGradient,
  grad,
  jvp,
  random,
  scan,
  sort,
  type Tensor,
  tensor,
  vjp,
  vmap,
  whileLoop,
  zeros,
} from '../../src/tensor/index.ts'
import { forEachEngine } from '../support/backends.ts'

const x = (): Tensor => tensor([1, -2, 3])
const scaled = (backward: Backward): ((x: Tensor) => Tensor) => customGradient((a) => a.mul(2), backward)
const slope = (backward: Backward): Tensor => {
  const a = x()
  return grad(scaled(backward)(a).square().sum(), a)
}
const last = (values: unknown): Tensor => (values as Tensor[])[1] as Tensor
const total = (g: Tensor, start: number, turn: (sum: Tensor, slice: Tensor) => Tensor): Tensor =>
  last(scan((sum: Tensor, slice: Tensor) => [turn(sum, slice), sum], tensor(start), g))

const refused: readonly [string, Backward][] = [
  ['less compares it', (g) => [g.clamp(-1, 1)]],
  ['less compares it', (g) => [g.greater(0).where(g, 0)]],
  ['mul multiplies it by itself', (g) => [g.square()]],
  ['matmul multiplies it by itself', (g) => [g.unsqueeze(0).matmul(g.unsqueeze(1)).reshape([1]).broadcastTo([3])]],
  ['div divides by it', (g) => [g.div(g.sum())]],
  ['sign bends it', (g) => [g.sign()]],
  ['round bends it', (g) => [g.round()]],
  ['prod bends it', (g, [a]) => [(a as Tensor).mul(g.prod())]],
  ['cast bends it', (g) => [g.cast('int32').cast('float32')]],
  ['routine bends it', (g) => [sort(g)]],
  ['add adds to it what does not depend on it', (g) => [g.add(0.1)]],
  ['sub adds to it what does not depend on it', (g, [a]) => [g.sub(a as Tensor)]],
  ['where adds to it what does not depend on it', (g, [a]) => [(a as Tensor).greater(0).where(g, a as Tensor)]],
  ['mul does not depend on it', (_, [a]) => [(a as Tensor).mul(2)]],
  // Inside of loops and branches, and those that it steers.
  ['mul multiplies it by itself', (g) => [total(g, 0, (sum, slice) => sum.mul(slice).add(slice))]],
  ['add adds to it what does not depend on it', (g) => [total(g, 1, (sum, slice) => sum.mul(0.5).add(slice))]],
  [
    'less compares it',
    (g) => [
      cond(
        g.sum().greater(0),
        (a: Tensor) => a,
        (a: Tensor) => a.mul(2),
        g,
      ) as Tensor,
    ],
  ],
  [
    'cond gives what does not depend on it for something linear in it',
    (g, [a]) => [
      cond(
        (a as Tensor).sum().greater(0),
        (b: Tensor) => b,
        () => x(),
        g,
      ) as Tensor,
    ],
  ],
]

it.each(refused)('refuses a backward pass because %s', (how, backward) => {
  expect(() => slope(backward)).toThrow(`backward is not linear in the cotangent: ${how}`)
})

it('names the function, the operation, its place in the program, and what to do', () => {
  const clipped = (a: Tensor): Tensor => a.mul(2)
  const of = customGradient(clipped, (g) => {
    const bent = g.exp()
    return [bent]
  })
  const a = x()
  const place = /custom-gradients\.test\.ts:\d+/.source
  expect(() => grad(of(a).sum(), a)).toThrow(
    new RegExp(
      `^custom gradient of clipped: backward is not linear in the cotangent: exp bends it \\(at ${place}\\): it may scale, move, sum or mask the cotangent by what does not depend on it\\. Clip what grad returns instead, or say \\{ nonLinear: true \\} if it is meant$`,
    ),
  )
})

it('is not deceived by a cotangent that is a constant, an input, or the result', () => {
  const product = customGradient(
    (a) => a.mul(2),
    (g, [a], y) => [g.mul(a as Tensor).mul(y)],
  )
  for (const cotangent of [(a: Tensor) => a, (_: Tensor, y: Tensor) => y, () => tensor([1, 1, 1])]) {
    const a = x()
    const y = product(a)
    expect(() => vjp([y], [cotangent(a, y)], [a])).not.toThrow()
  }
})

it('looks again for inputs of another shape', () => {
  const pooled = customGradient(
    (a) => a.mul(2),
    (g) => [g.shape.length > 1 ? g.square() : g.mul(2)],
  )
  const [a, b] = [x(), tensor([[1, 2]])]
  expect(() => grad(pooled(a).sum(), a)).not.toThrow()
  expect(() => grad(pooled(b).sum(), b)).toThrow('mul multiplies it by itself')
})

it('builds the backward pass once, and draws no random numbers for it', () => {
  let calls = 0
  const counted = scaled((g) => {
    calls++
    return [g.mul(random.uniform([3]))]
  })
  const a = x()
  grad(counted(a).sum(), a)
  expect(calls).toBe(1)
})

forEachEngine(() => {
  const accepted: readonly [string, Backward, number[]][] = [
    ['passes it on', (g) => [g], [4, -8, 12]],
    ['cuts its history', (g) => [g.detach()], [4, -8, 12]],
    ['masks it by an input', (g, [a]) => [(a as Tensor).greater(0).where(g, 0)], [4, 0, 12]],
    ['keeps 0 · ∞ from coming about', (g, [a]) => [g.equal(0).where(0, g.div(a as Tensor))], [4, 4, 4]],
    ['lets nothing through that is not a number', (g) => [g.isNaN().where(0, g)], [4, -8, 12]],
    ['gives zeros', () => [zeros([3])], [0, 0, 0]],
    ['adds zeros', (g) => [g.add(zeros([3]))], [4, -8, 12]],
    ['runs a recurrence', (g) => [cumsum(g)], [4, -4, 8]],
    [
      'solves a system',
      (g) => [
        solve(
          tensor([
            [2, 0, 0],
            [0, 4, 0],
            [0, 0, 1],
          ]),
          g.unsqueeze(1),
        ).squeeze(1),
      ],
      [2, -2, 12],
    ],
    ['uses another custom gradient', (g) => [scaled((h) => [h.mul(3)])(g)], [8, -16, 24]],
    ['runs a loop', (g) => [total(g, 0, (sum, slice) => sum.mul(0.5).add(slice))], [0, 4, -6]],
    [
      'repeats itself until a count is reached',
      (g) => [
        (
          whileLoop(
            ([, i]: [Tensor, Tensor]) => i.less(3),
            ([h, i]: [Tensor, Tensor]): [Tensor, Tensor] => [h.mul(2), i.add(1)],
            [g, tensor(0)] as [Tensor, Tensor],
            { maximum: 5 },
          ) as [Tensor, Tensor]
        )[0],
      ],
      [32, -64, 96],
    ],
    [
      'takes a branch by an input',
      (g, [a]) => [
        cond(
          (a as Tensor).sum().greater(5),
          (b: Tensor) => b,
          (b: Tensor) => b.mul(2),
          g,
        ) as Tensor,
      ],
      [8, -16, 24],
    ],
  ]

  it.each(accepted)('accepts a backward pass that %s', async (_, backward, expected) => {
    expect(await slope(backward).array()).toEqual(expected)
  })

  it('takes one that is declared non-linear as it is, also for each example; forward mode is refused', async () => {
    const clipped = customGradient(
      (a) => a.mul(2),
      (g) => [g.clamp(-5, 5)],
      { nonLinear: true },
    )
    const a = x()
    expect(await grad(clipped(a).square().sum(), a).array()).toEqual([4, -5, 5])
    const each = vmap((b: Tensor) => grad(clipped(b).square().sum(), b))
    expect(await each(tensor([[1, -2, 3]])).array()).toEqual([[4, -5, 5]])
    expect(() => jvp((b: Tensor) => clipped(b), [x()], [x()])).toThrow(
      'jvp: a custom gradient of float32 [3] is not linear in its cotangent',
    )
  })
})
