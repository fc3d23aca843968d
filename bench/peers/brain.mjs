// brain.js: one example at a time with squared error, so not the mathematics of the others; the nearest that it offers.
import brain from 'brain.js'
import { integers, uniform } from '../../src/cli/bench/numbers.ts'

const xor = () => ({
  hiddenLayers: [2],
  examples: [
    [0, 0, 0],
    [0, 1, 1],
    [1, 0, 1],
    [1, 1, 0],
  ].map(([a, b, output]) => ({ input: [a, b], output: [output] })),
  learningRate: 0.99,
  chunk: 500,
})

function mlp() {
  const [images, labels] = [uniform(1, 128 * 784), integers(2, 128, 10)]
  const examples = Array.from(labels, (label, i) => ({
    input: images.subarray(i * 784, (i + 1) * 784),
    output: Array.from({ length: 10 }, (_, j) => Number(j === label)),
  }))
  return { hiddenLayers: [512, 256], examples, learningRate: 0.1, chunk: 1 }
}

export function taskOf(workload) {
  const { hiddenLayers, examples, learningRate, chunk } = { xor, mlp }[workload]()
  const net = new brain.NeuralNetwork({ hiddenLayers, activation: 'sigmoid' })
  const options = { errorThresh: 1e-9, learningRate, momentum: 1e-9 }
  // A loss of its own, which is not given out as if it were the others'.
  const steps = (count) => void net.train(examples, { ...options, iterations: count })
  return { steps, chunk, threads: 1 }
}
