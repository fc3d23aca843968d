// Networks of other kinds, which PyTorch trains beside Tenon: recurrent, residual, of experts, and with a gradient in the loss.
import * as loss from '../../loss/index.ts'
import * as nn from '../../nn/index.ts'
import { grad, tensor } from '../../tensor/index.ts'
import { classify, dense, kernels, type Problem, zeroBias } from './models.ts'
import { integers, uniform } from './numbers.ts'

/** An LSTM of 256 units over 64 steps of 64 numbers; its last output is classified. */
export function lstm(scale = 1): Problem {
  const [batch, time, inputs, hidden] = [32 * scale, 64, 64, 256]
  const layer = nn.lstm(inputs, hidden, {
    batchFirst: true,
    init: ([rows, columns]) => uniform(columns === inputs ? 10 : 11, rows * columns, 1 / Math.sqrt(hidden)),
    biasInit: zeroBias,
  })
  const head = dense(12, hidden, 10)
  const x = tensor(uniform(1, batch * time * inputs), { shape: [batch, time, inputs] })
  const labels = tensor(integers(2, batch, 10))
  const forward: Problem['forward'] = () => head(layer(x).at(-1, 1))
  return {
    parameters: [...layer.parameters(), ...head.parameters()],
    forward,
    loss: () => loss.softmaxCrossEntropy(forward(), labels),
  }
}

/** Images 3 × 32 × 32 through five convolutions and two blocks of a residual network with batch norm. */
export function resnet(scale = 1): Problem {
  const convolution = (seed: number, inputs: number, outputs: number, size: number, stride = 1): nn.Module =>
    nn.conv2d(inputs, outputs, size, {
      stride,
      padding: (size - 1) / 2,
      bias: false,
      init: kernels(seed, inputs),
    })
  const body = (seed: number, inputs: number, outputs: number, stride: number): nn.Module =>
    nn.sequential(
      convolution(seed, inputs, outputs, 3, stride),
      nn.batchNorm(outputs),
      nn.relu(),
      convolution(seed + 1, outputs, outputs, 3),
      nn.batchNorm(outputs),
    )
  const net = nn.sequential(
    convolution(10, 3, 32, 3),
    nn.batchNorm(32),
    nn.relu(),
    nn.residual(body(11, 32, 32, 1)),
    nn.relu(),
    nn.residual(body(13, 32, 64, 2), nn.sequential(convolution(15, 32, 64, 1, 2), nn.batchNorm(64))),
    nn.relu(),
    nn.globalAveragePool(),
    nn.flatten(),
    dense(16, 64, 10),
  )
  return classify(net, 32 * scale, [3, 32, 32])
}

/** Eight experts for 1,024 tokens, of which the best two of each count, and the loss that keeps all of them in use. */
export function experts(scale = 1): Problem {
  const [tokens, size, hidden, count] = [1024 * scale, 128, 512, 8]
  const expert = (_: unknown, i: number): nn.Module =>
    nn.sequential(dense(20 + 2 * i, size, hidden), nn.relu(), dense(21 + 2 * i, hidden, size))
  const layer = nn.mixtureOfExperts(dense(10, size, count), Array.from({ length: count }, expert), { top: 2 })
  const head = dense(11, size, 10)
  const x = tensor(uniform(1, tokens * size, 2), { shape: [tokens, size] })
  const labels = tensor(integers(2, tokens, 10))
  return {
    parameters: [...layer.parameters(), ...head.parameters()],
    forward: () => head(layer(x)),
    loss: () => {
      const { output, balance } = layer.run(x)
      return loss.softmaxCrossEntropy(head(output), labels).add(balance.mul(0.01))
    },
  }
}

/** A critic 256-512-512-1 whose gradient by its inputs is to have length 1 (Gulrajani et al. 2017): a gradient of a gradient. */
export function penalty(scale = 1): Problem {
  const [batch, inputs, hidden] = [128 * scale, 256, 512]
  const critic = nn.sequential(
    dense(10, inputs, hidden),
    nn.silu(),
    dense(11, hidden, hidden),
    nn.silu(),
    dense(12, hidden, 1),
  )
  const [real, fake, between] = [1, 2, 3].map((seed) =>
    tensor(uniform(seed, batch * inputs), { shape: [batch, inputs] }),
  )
  return {
    parameters: critic.parameters(),
    forward: () => critic(real),
    loss: () => {
      const slope = grad(critic(between).sum(), between)
      const excess = slope.square().sum(1).sqrt().sub(1)
      return critic(fake).mean().sub(critic(real).mean()).add(excess.square().mean().mul(10))
    },
  }
}
