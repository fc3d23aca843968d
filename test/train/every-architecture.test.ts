/** One call of fit trains whatever is joined (R73): recurrent, residual with batch norm, attention, a mixture of experts; and a gradient penalty. */

import { expect, it } from 'vitest'
import { dataset, randomKey, randomStream } from '../../src/data/index.ts'
import * as loss from '../../src/loss/index.ts'
import * as nn from '../../src/nn/index.ts'
import * as optim from '../../src/optim/index.ts'
import { compile, configure, grad, norm, random, type Tensor } from '../../src/tensor/index.ts'
import * as tenon from '../../src/train/index.ts'
import { forEachEngine } from '../support/backends.ts'

const architectures: { readonly [name: string]: readonly [inputShape: readonly number[], make: () => nn.Module] } = {
  linear: [[12], () => nn.linear(12, 2)],
  LSTM: [[4, 3], () => nn.sequential(nn.lstm(3, 6, { batchFirst: true }), nn.flatten(), nn.linear(24, 2)) as nn.Module],
  'a residual network with batch norm': [
    [1, 3, 4],
    () =>
      nn.sequential(
        nn.conv2d(1, 4, 3, { padding: 1 }),
        nn.residual(nn.sequential(nn.batchNorm(4), nn.relu(), nn.conv2d(4, 4, 3, { padding: 1 }))),
        nn.globalAveragePool(),
        nn.linear(4, 2),
      ) as nn.Module,
  ],
  'a transformer': [
    [3, 4],
    () =>
      nn.sequential(nn.transformerEncoderLayer(4, { heads: 2, feed: 8 }), nn.flatten(), nn.linear(12, 2)) as nn.Module,
  ],
  'a mixture of experts': [
    [12],
    () =>
      nn.mixtureOfExperts(
        nn.linear(12, 3) as nn.Module,
        [0, 1, 2].map(() => nn.linear(12, 2) as nn.Module),
        { top: 2 },
      ),
  ],
}

/** Whether the sum of twelve numbers is positive. */
function sums(inputShape: readonly number[]) {
  const stream = randomStream(randomKey(1))
  const inputs = Float32Array.from({ length: 32 * 12 }, () => stream.uniform(-1, 1))
  const targets = Int32Array.from({ length: 32 }, (_, i) =>
    inputs.subarray(12 * i, 12 * i + 12).reduce((a, b) => a + b, 0) > 0 ? 1 : 0,
  )
  return dataset({ name: 'sums', inputs, inputShape, targets, classes: 2 })
}

forEachEngine(() => {
  it.each(Object.entries(architectures))('R73: fit trains %s', async (_, [inputShape, make]) => {
    configure({ seed: 5 })
    const net = make()
    const run = await tenon.fit(net, sums(inputShape), {
      loss: (logits, labels) => loss.softmaxCrossEntropy(logits, labels),
      optimizer: optim.adam({ learningRate: 0.03 }),
      epochs: 8,
      batchSize: 16,
      seed: 5,
      progress: false,
    })
    const [first, last] = [run.history[0], run.history.at(-1)].map((record) => record?.train.loss as number)
    expect(last).toBeLessThan(0.7 * first)
  })

  it('a gradient penalty: the slope of a critic goes to 1', () => {
    configure({ seed: 5 })
    const critic = nn.sequential(nn.linear(2, 8), nn.tanh(), nn.linear(8, 1))
    const [real, made] = [
      random.normal([16, 2], { key: random.key(1) }).add(2),
      random.normal([16, 2], { key: random.key(2) }),
    ]
    const optimizer = optim.adam({ learningRate: 0.02 })
    const step = compile((points: Tensor) => {
      const slopes = norm(grad(critic(points).sum(), points), 2, 1)
      const penalty = slopes.sub(1).square().mean()
      const l = critic(made).mean().sub(critic(real).mean()).add(penalty.mul(10))
      optimizer.step(critic.parameters(), grad(l, critic.parameters()))
      return penalty
    })
    const between = real.add(made).div(2)
    const first = step(between).itemSync()
    expect(step.repeat(60, between).itemSync()).toBeLessThan(first / 4)
    expect(critic(real).mean().sub(critic(made).mean()).itemSync()).toBeGreaterThan(1)
  })
})
