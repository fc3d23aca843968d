/** checkGradient: accepts what is right on every backend, and says of wrong gradients what is wrong. */

import { describe, expect, it } from 'vitest'
import * as nn from '../../src/nn/index.ts'
import { checkGradient, customGradient, random, type Tensor, tensor } from '../../src/tensor/index.ts'
import { forEachBackend } from '../support/backends.ts'

type Backward = (g: Tensor, inputs: readonly Tensor[], y: Tensor) => readonly (Tensor | null)[]

forEachBackend(
  () => {
    const x = (): Tensor => random.normal([3, 2], { key: random.key(3) })

    describe('accepts', () => {
      it('functions of several tensors, trees, and other arguments', async () => {
        await checkGradient((a: Tensor, b: Tensor) => a.matmul(b).softmax().log(), [x(), x().transpose()])
        await checkGradient(
          ({ a, rows }: { a: Tensor; rows: Tensor }, n: number) => [a.take(rows).mul(n), a.exp(), rows],
          [{ a: x(), rows: tensor(new Int32Array([0, 2])) }, 3],
        )
      })
      it('a custom gradient of its own, twice differentiable', async () => {
        const square = customGradient(
          (a) => a.mul(a),
          (g, [a]) => [g.mul(a).mul(2)],
        )
        await checkGradient((a: Tensor) => square(a).mul(a), [x()])
      })
      it('a module', async () => {
        const net = nn.sequential(nn.linear(2, 4), nn.gelu(), nn.layerNorm([4]))
        await checkGradient((a: Tensor) => net(a), [x()])
      })
      it('a function that computes in float32', async () => {
        await checkGradient((a: Tensor) => a.cast('float32').tanh(), [x()])
      })
      it('a straight-through estimator, told so', async () => {
        const straight = customGradient(
          (a) => a.round(),
          (g) => [g],
        )
        await checkGradient((a: Tensor) => straight(a), [x()], { differences: false })
      })
    })

    const custom =
      (backward: Backward) =>
      (a: Tensor): Tensor =>
        customGradient((z) => z.mul(z), backward)(a)

    it.each<[string, Backward, string]>([
      [
        'a factor is missing',
        (g, [a]) => [g.mul(a)],
        'input 0 [3, 2]: its gradient is wrong: along a random direction',
      ],
      ['none is given', () => [null], 'input 0 [3, 2]: its gradient is wrong'],
      [
        'it clips',
        (g, [a]) => [g.mul(a).mul(2).clamp(-1, 1)],
        'backward is not linear in the cotangent: less compares it',
      ],
      ['it adds', (g, [a]) => [g.mul(a).mul(2).add(0.1)], 'backward is not linear in the cotangent: add adds to it'],
      ['it squares', (g, [a]) => [g.square().mul(a)], 'not linear in the cotangent'],
      ['it is not finite', (g, [a]) => [g.mul(a).mul(a.mul(0).div(0))], 'its gradient is not finite: element 0 is NaN'],
      [
        'its own gradient is wrong',
        (g, [a]) => [g.mul(a.detach()).mul(2)],
        'second order: input 0 [3, 2]: its gradient is wrong',
      ],
    ])('refuses a gradient where %s', async (_, backward, message) => {
      await expect(checkGradient(custom(backward), [x()])).rejects.toThrow(message)
    })

    it('refuses what has no gradient', async () => {
      await expect(checkGradient((a: Tensor) => a.argmax(), [x()])).rejects.toThrow(
        'the function gives no float tensor',
      )
      await expect(checkGradient((n: number) => x().mul(n), [3])).rejects.toThrow('no argument holds a float tensor')
    })
  },
  ({ threads }) => threads === 1,
)
