// onnxruntime-node, which runs but does not train: the forward passes, from models written here.
import ort from 'onnxruntime-node'
import { uniform } from '../../src/cli/bench/numbers.ts'
import { floats, model, node } from './onnx-model.mjs'

/** A linear layer as `x · w + b`, with w as drawn. */
const dense = (seed, inputs, outputs, x, y) => ({
  nodes: [node('MatMul', [x, `w${seed}`], `${y}m`), node('Add', [`${y}m`, `b${seed}`], y)],
  weights: [
    floats(`w${seed}`, [inputs, outputs], uniform(seed, inputs * outputs, 1 / Math.sqrt(inputs))),
    floats(`b${seed}`, [outputs], new Float32Array(outputs)),
  ],
})

const convolution = (seed, inputs, outputs, x, y) => ({
  nodes: [node('Conv', [x, `w${seed}`, `b${seed}`], y)],
  weights: [
    floats(`w${seed}`, [outputs, inputs, 3, 3], uniform(seed, outputs * inputs * 9, 1 / Math.sqrt(inputs * 9))),
    floats(`b${seed}`, [outputs], new Float32Array(outputs)),
  ],
})

const plain = (...nodes) => ({ nodes, weights: [] })

const networks = {
  'mlp-forward': {
    shape: [128, 784],
    layers: [
      dense(10, 784, 512, 'x', 'h1'),
      plain(node('Relu', ['h1'], 'r1')),
      dense(11, 512, 256, 'r1', 'h2'),
      plain(node('Relu', ['h2'], 'r2')),
      dense(12, 256, 10, 'r2', 'y'),
    ],
  },
  'cnn-forward': {
    shape: [64, 1, 28, 28],
    layers: [
      convolution(10, 1, 32, 'x', 'h1'),
      plain(node('Relu', ['h1'], 'r1')),
      convolution(11, 32, 64, 'r1', 'h2'),
      plain(
        node('Relu', ['h2'], 'r2'),
        node('MaxPool', ['r2'], 'p', { kernel_shape: [2, 2], strides: [2, 2] }),
        node('Flatten', ['p'], 'f', { axis: 1 }),
      ),
      dense(12, 9216, 128, 'f', 'h3'),
      plain(node('Relu', ['h3'], 'r3')),
      dense(13, 128, 10, 'r3', 'y'),
    ],
  },
}

export async function taskOf(workload, threads) {
  const { shape, layers } = networks[workload]
  const bytes = model({
    input: { name: 'x', shape },
    output: { name: 'y', shape: [shape[0], 10] },
    nodes: layers.flatMap(({ nodes }) => nodes),
    weights: layers.flatMap(({ weights }) => weights),
  })
  const session = await ort.InferenceSession.create(bytes, { intraOpNumThreads: threads })
  const size = shape.reduce((product, extent) => product * extent)
  const x = new ort.Tensor('float32', uniform(1, size), shape)
  return {
    steps: async (count) => {
      for (let i = 0; i < count; i++) await session.run({ x })
    },
  }
}
