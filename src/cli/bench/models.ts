// The networks of the benchmark with their fixed batches, built without waking the engine: that belongs to the first step.
import * as loss from '../../loss/index.ts'
import * as nn from '../../nn/index.ts'
import { type Tensor, tensor } from '../../tensor/index.ts'
import { denseWeight, integers, uniform } from './numbers.ts'

/** A network, one batch, and what is to become small. */
export interface Supervised {
  readonly net: nn.Module
  readonly inputs: Tensor
  readonly targets: Tensor
  readonly loss: (outputs: Tensor, targets: Tensor) => Tensor
}

/** 2-2-1 with sigmoids on the truth table of XOR. */
export function xor(): Supervised {
  return {
    net: nn.sequential(dense(3, 2, 2, 1), nn.sigmoid(), dense(4, 2, 1, 1)),
    inputs: tensor([
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
    ]),
    targets: tensor([[0], [1], [1], [0]]),
    loss: (logits, targets) => loss.sigmoidBinaryCrossEntropy(logits, targets),
  }
}

/** 784-512-256-10 with ReLU. */
export function mlp(): Supervised {
  const net = nn.sequential(dense(10, 784, 512), nn.relu(), dense(11, 512, 256), nn.relu(), dense(12, 256, 10))
  return { net, ...imageBatch(128, [784]) }
}

/** Two 3×3 convolutions, a pool and two dense layers. */
export function cnn(): Supervised {
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
  return { net, ...imageBatch(64, [1, 28, 28]) }
}

/** A pre-norm transformer of four causal blocks. */
export function gpt(): Supervised {
  const [layers, heads, size, time, vocabulary, batch] = [4, 4, 128, 128, 65, 16]
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
  return {
    net,
    inputs: tensor(integers(1, batch * time, vocabulary), { shape: [batch, time] }),
    targets: tensor(integers(2, batch * time, vocabulary)),
    loss: crossEntropy,
  }
}

const crossEntropy: Supervised['loss'] = (logits, labels) => loss.softmaxCrossEntropy(logits, labels)

const zeroBias: nn.init.Initializer = ([count]) => new Float32Array(count)

const dense = (seed: number, inputs: number, outputs: number, bound?: number): nn.Module =>
  nn.linear(inputs, outputs, { init: () => denseWeight(seed, inputs, outputs, bound), biasInit: zeroBias })

const convolution = (seed: number, inputs: number, outputs: number): nn.Module =>
  nn.conv2d(inputs, outputs, 3, {
    init: () => uniform(seed, outputs * inputs * 9, 1 / Math.sqrt(inputs * 9)),
    biasInit: zeroBias,
  })

const imageBatch = (count: number, shape: readonly number[]): Omit<Supervised, 'net'> => ({
  inputs: tensor(uniform(1, count * 784), { shape: [count, ...shape] }),
  targets: tensor(integers(2, count, 10)),
  loss: crossEntropy,
})
