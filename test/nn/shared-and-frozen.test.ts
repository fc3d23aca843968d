/** Parameters that are not simply trained: computed from data and left alone, used in two places, or with a rule of their own. */

import { describe, expect, it } from 'vitest'
import * as linalg from '../../src/linalg/index.ts'
import * as loss from '../../src/loss/index.ts'
import * as nn from '../../src/nn/index.ts'
import * as optim from '../../src/optim/index.ts'
import { compile, eye, grad, random, roll, type Tensor, tensor } from '../../src/tensor/index.ts'
import { forEachEngine } from '../support/backends.ts'
import { expectClose } from '../support/close.ts'

const numbers = (x: Tensor): number[] => [...x.dataSync()]

/** Images whose neighbours are alike, so that there is something to whiten. */
const images = (): Tensor => {
  const draw = random.normal([8, 2, 6, 6], { key: random.key(5), dtype: 'float64' })
  return draw.add(roll(draw, 1, 3).mul(0.7)).add(draw.flip(1).mul(0.3))
}

forEachEngine(() => {
  describe('whitening', () => {
    it('makes what it gives for its own images uncorrelated and of unit size, then the same with the other sign', () => {
      const layer = nn.whitening(2, 2, { dtype: 'float64' })
      nn.whiten(layer, images(), { eigh: linalg.eigh, epsilon: 1e-12 })
      const rows = layer(images()).transpose(1, 3).reshape([200, 16])
      const own = rows.slice(null, [0, 8])
      expectClose(own.transpose().matmul(own).div(200), eye(8).cast('float64'), 1e-9)
      expectClose(rows.slice(null, [8, 16]), own.neg(), 1e-12)
    })

    it('damps a direction by λ / (λ + ε)', () => {
      const layer = nn.whitening(1, 1, { mirrored: false, bias: false, dtype: 'float64' })
      const x = tensor(new Float64Array([2, -2, 2, -2]), { shape: [1, 1, 2, 2] })
      nn.whiten(layer, x, { eigh: linalg.eigh, epsilon: 12 })
      expectClose(layer(x).square(), tensor(new Float64Array(4).fill(4 / 16), { shape: [1, 1, 2, 2] }), 1e-12)
    })

    it('stays as it is while what follows trains, and a saved network has it', () => {
      const make = () =>
        nn.sequential(
          nn.whitening(2, 2, { dtype: 'float64' }),
          nn.relu(),
          nn.flatten(),
          nn.linear(400, 3, { dtype: 'float64' }),
        )
      const net = make()
      nn.whiten(net.children[0], images(), { eigh: linalg.eigh })
      const [filters] = Object.values(net.namedBuffers())
      const before = [numbers(filters), numbers(net.state()['0.bias'])]
      const optimizer = optim.grouped([
        { of: (p) => p.rank < 2, optimizer: optim.adamW({ learningRate: 0.1, weightDecay: 0 }) },
        { optimizer: optim.adamW({ learningRate: 0.1, weightDecay: 0.5 }) },
      ])
      const step = compile((x: Tensor, y: Tensor) => {
        const l = loss.softmaxCrossEntropy(net(x), y)
        const parameters = net.parameters()
        optimizer.step(parameters, grad(l, parameters))
        return l
      })
      const y = tensor(new Int32Array([0, 1, 2, 0, 1, 2, 0, 1]))
      const [first, , third] = [step(images(), y), step(images(), y), step(images(), y)].map((l) => l.itemSync())
      expect(third).toBeLessThan(first)
      expect(Object.keys(net.namedParameters())).toEqual(['0.bias', '3.weight', '3.bias'])
      expect(numbers(filters)).toEqual(before[0])
      expect(numbers(net.state()['0.bias'])).not.toEqual(before[1])
      const again = make()
      again.loadState(net.state())
      expect(numbers(again(images()))).toEqual(numbers(net(images())))
    })
  })

  it('a weight in two places gets both gradients and one update, by the rule of its group; a frozen one gets none', () => {
    const net = nn.sequential(
      nn.embedding(3, 2, { dtype: 'float64' }),
      nn.linear(2, 3, { bias: false, dtype: 'float64' }),
    )
    const tied = net.with({ '1.weight': net.state()['0.weight'] })
    const start = tensor(new Float64Array([1, 2, -1, 0, 0.5, 3]), { shape: [3, 2] })
    const [weight] = tied.parameters()
    weight.assign(start)
    const rate = 0.25
    const optimizer = optim.grouped([
      { of: (p) => p === weight, optimizer: optim.sgd({ learningRate: rate }) },
      { optimizer: optim.sgd({ learningRate: 1e6 }) },
    ])
    const step = compile((x: Tensor) => {
      const parameters = tied.parameters()
      const l = tied(x).sum()
      optimizer.step(parameters, grad(l, parameters))
      return l
    })
    // Σⱼ e·wⱼ with e = w₂: the sum of all rows goes to row 2, and w₂ to every row.
    expect(step(tensor(new Int32Array([2]))).itemSync()).toBe(0.5 * 0.5 + 3 * 5)
    expect(numbers(weight)).toEqual([
      1 - rate * 0.5,
      2 - rate * 3,
      -1 - rate * 0.5,
      0 - rate * 3,
      0.5 - rate * (0.5 + 0.5),
      3 - rate * (5 + 3),
    ])
    expect(Object.values(tied.state()).map(numbers)).toEqual([numbers(weight)])
    tied.freeze()
    expect(tied.parameters()).toEqual([])
  })
})
