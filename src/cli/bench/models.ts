// The networks that all peers train, with their fixed batches, built without waking the engine: that belongs to the first step.
import * as loss from '../../loss/index.ts'
import * as nn from '../../nn/index.ts'
import { type Tensor, tensor, type Variable } from '../../tensor/index.ts'
import { denseWeight, integers, uniform } from './numbers.ts'

/** A network, and what is to become small over its one batch. */
export interface Problem {
  readonly parameters: readonly Variable[]
  /** What the network gives for the batch. */
  readonly forward: () => Tensor
  readonly loss: () => Tensor
}

/** 2-2-1 with sigmoids on the truth table of XOR. */
export function xor(): Problem {
  const points = tensor([
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
  ])
  const targets = tensor([[0], [1], [1], [0]])
  const net = nn.sequential(dense(3, 2, 2, 1), nn.sigmoid(), dense(4, 2, 1, 1))
  return supervised(net, points, (logits) => loss.sigmoidBinaryCrossEntropy(logits, targets))
}

/** 784-512-256-10 with ReLU. */
export const mlp = (scale = 1): Problem => classify(mlpNet(), 128 * scale, [784])

export const mlpNet = (): nn.Module =>
  nn.sequential(dense(10, 784, 512), nn.relu(), dense(11, 512, 256), nn.relu(), dense(12, 256, 10))

/** Two 3×3 convolutions, a pool and two dense layers. */
export function cnn(scale = 1): Problem {
  const net = nn.sequential(
    convolution(10, 1, 32),
    nn.relu(),
    convolution(11, 32, 64),
    nn.relu(),
    nn.maxPool2d(2),
    nn.flatten(),
    dense(12, 9216, 128),
    nn.relu(),
    dense(13, 128, 10),
  )
  return classify(net, 64 * scale, [1, 28, 28])
}

/** A pre-norm transformer of four causal blocks. */
export function gpt(scale = 1): Problem {
  const [layers, heads, size, time, vocabulary, batch] = [4, 4, 128, 128, 65, 16 * scale]
  const block = (seed: number): nn.Module[] => [
    nn.residual(
      nn.sequential(
        nn.layerNorm(size),
        nn.attention(size, {
          heads,
          causal: true,
          init: ([outputs]) => denseWeight(outputs === size ? seed + 1 : seed, size, outputs),
        }),
      ),
    ),
    nn.residual(
      nn.sequential(
        nn.layerNorm(size),
        dense(seed + 2, size, 4 * size),
        nn.gelu('tanh'),
        dense(seed + 3, 4 * size, size),
      ),
    ),
  ]
  const net = nn.sequential(
    nn.embedding(vocabulary, size, { init: () => uniform(10, vocabulary * size, 0.05) }),
    nn.positional(time, size, { init: () => uniform(11, time * size, 0.05) }),
    ...Array.from({ length: layers }, (_, i) => block(12 + 4 * i)).flat(),
    nn.layerNorm(size),
    nn.linear(size, vocabulary, { bias: false, init: () => denseWeight(12 + 4 * layers, size, vocabulary) }),
    nn.flatten(0, 1),
  )
  const tokens = tensor(integers(1, batch * time, vocabulary), { shape: [batch, time] })
  const next = tensor(integers(2, batch * time, vocabulary))
  return supervised(net, tokens, (logits) => loss.softmaxCrossEntropy(logits, next))
}

/** A network whose outputs over one batch have a loss. */
function supervised(net: nn.Module, inputs: Tensor, lossOf: (outputs: Tensor) => Tensor): Problem {
  const forward = (): Tensor => net(inputs)
  return { parameters: net.parameters(), forward, loss: () => lossOf(forward()) }
}

/** Ten classes of examples of the given shape. */
export function classify(net: nn.Module, count: number, shape: readonly number[]): Problem {
  const size = shape.reduce((product, extent) => product * extent, 1)
  const labels = tensor(integers(2, count, 10))
  return supervised(net, tensor(uniform(1, count * size), { shape: [count, ...shape] }), (logits) =>
    loss.softmaxCrossEntropy(logits, labels),
  )
}

export const zeroBias: nn.init.Initializer = ([count]) => new Float32Array(count)

/** A linear layer of the shared numbers, without a bias to begin with. */
export const dense = (seed: number, inputs: number, outputs: number, bound?: number): nn.Module =>
  nn.linear(inputs, outputs, { init: () => denseWeight(seed, inputs, outputs, bound), biasInit: zeroBias })

/** The shared numbers as kernels [outputs, inputs, size, size]. */
export const kernels =
  (seed: number, inputs: number): nn.init.Initializer =>
  ([outputs, , size]) => {
    const fan = inputs * size * size
    return uniform(seed, outputs * fan, 1 / Math.sqrt(fan))
  }

const convolution = (seed: number, inputs: number, outputs: number): nn.Module =>
  nn.conv2d(inputs, outputs, 3, { init: kernels(seed, inputs), biasInit: zeroBias })
