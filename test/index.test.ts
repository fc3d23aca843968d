/** The package as its users import it. */

import { expect, it } from 'vitest'
import { compile, configure, grad, loss, nn, optim, type Tensor, tensor } from '../src/index.ts'

it('the names that a first network needs, at work together', () => {
  configure({ backend: 'reference', seed: 1 })
  const net = nn.sequential(nn.linear(2, 8), nn.tanh(), nn.linear(8, 1))
  const optimizer = optim.sgd({ learningRate: 0.5 })
  const step = compile((x: Tensor, t: Tensor) => {
    const l = loss.sigmoidBinaryCrossEntropy(net(x), t)
    optimizer.step(net.parameters(), grad(l, net.parameters()))
    return l
  })
  const x = tensor([
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
  ])
  const t = tensor([[0], [1], [1], [0]])
  const first = step(x, t).itemSync()
  for (let i = 0; i < 50; i++) step(x, t)
  expect(step(x, t).itemSync()).toBeLessThan(first)
})
