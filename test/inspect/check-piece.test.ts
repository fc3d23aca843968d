/** checkPiece: accepts what is right on every backend, and lists what is wrong with what is not. */

import { expect, it } from 'vitest'
import { checkPiece } from '../../src/inspect/index.ts'
import * as nn from '../../src/nn/index.ts'
import { customGradient, random, type Tensor, tensor } from '../../src/tensor/index.ts'
import { forEachEngine } from '../support/backends.ts'

forEachEngine(() => {
  const x = (): Tensor => random.normal([3, 4], { key: random.key(3) })
  const complaint = async (piece: (x: Tensor) => Tensor): Promise<string> => {
    try {
      await checkPiece(piece, [x()])
    } catch (error) {
      return (error as Error).message
    }
    return 'accepted'
  }

  it('accepts a piece with its own gradient, a module, several inputs and integer ones', async () => {
    const softplus = customGradient(
      (v) => v.relu().add(v.abs().neg().exp().log1p()),
      (g, [v]) => [g.mul(v.sigmoid())],
    )
    expect(await complaint((v) => softplus(v))).toBe('accepted')
    const rows = tensor(new Int32Array([1, 0]))
    await checkPiece((a: Tensor, b: Tensor, i: Tensor) => a.take(i, 0).mul(b).tanh(), [x(), x().slice([0, 2]), rows])
  })
  it('accepts a module', async () => {
    const net = nn.sequential(nn.linear(4, 4), nn.layerNorm([4]), nn.gelu())
    await checkPiece((v: Tensor) => net(v), [x()], { extreme: 100 })
  })
  it('what mixes examples on purpose, told so, and a function of a matrix', async () => {
    await checkPiece((v: Tensor) => v.sub(v.mean(0)), [x()], { examples: false })
    await checkPiece((v: Tensor) => v.transpose().tanh(), [x()])
  })
  it('a straight-through estimator, told so', async () => {
    const round = customGradient(
      (v) => v.round(),
      (g) => [g],
    )
    await checkPiece((v: Tensor) => round(v), [x()], { differences: false })
    expect(await complaint((v) => round(v))).toMatch(/gradient, second order: .*its gradient is wrong/)
  })

  it.each<[string, (x: Tensor) => Tensor, RegExp]>([
    [
      'a gradient of the wrong sign',
      (v) =>
        customGradient(
          (a) => a.sin(),
          (g, [a]) => [g.mul(a.cos().neg())],
        )(v),
      /2 of 7 checks failed\n {2}gradient, second order: checkGradient: input 0 .*its gradient is wrong/,
    ],
    [
      'a gradient that clips the error',
      (v) =>
        customGradient(
          (a) => a.mul(2),
          (g) => [g.clamp(-1, 1).mul(2)],
        )(v),
      /gradient: .*not linear in the cotangent/,
    ],
    [
      'a second derivative that is cut off',
      (v) =>
        customGradient(
          (a) => a.pow(3),
          (g, [a]) => [g.mul(a.detach().square().mul(3))],
        )(v),
      /second order: /,
    ],
    [
      'an overflow',
      (v) =>
        customGradient(
          (a) => a.exp().add(1),
          (g, [a]) => [g.mul(a.exp())],
        )(v),
      /extremes: the value where all inputs are 10000 is Infinity/,
    ],
    [
      'examples that change each other',
      (v) => v.sub(v.mean(0)),
      /1 of 7 checks failed\n {2}examples: output 0 of the last row alone: element 0 is .* pass \{ examples: false \}$/,
    ],
    ['a mean over a batch that it counts itself', (v) => v.div(v.shape[0]), /examples: /],
    [
      'a cotangent of another shape, and says so once',
      (v) =>
        customGradient(
          (a) => a.sum(-1),
          (g) => [g],
        )(v),
      /3 of 7 checks failed\n {2}gradient, second order, extremes: custom gradient: cotangent 0 has shape \[3\][^\n]*$/,
    ],
    [
      'other numbers each time',
      (v) => v.add(random.normal([3, 4])),
      /^checkPiece: the second call: .*Make modules outside/,
    ],
    ['no tensor', (() => 3) as unknown as (x: Tensor) => Tensor, /^checkPiece: the function gives no float tensor/],
    [
      'a constant that widens',
      (v) => v.mul(tensor(new Float64Array([2]))),
      /dtype: output 0 is float64 for float32 inputs/,
    ],
  ])('refuses %s', async (_, piece, message) => {
    expect(await complaint(piece)).toMatch(message)
  })
})
