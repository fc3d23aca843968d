// Drawn digits: the same for a seed, balanced, normalised, legible to a simple rule and too hard for a linear model.
import { expect, test } from 'vitest'
import type { Dataset } from '../../src/data/dataset.ts'
import { digits } from '../../src/data/digits/digits.ts'
import { loader } from '../../src/data/loader.ts'

test('the first images of a seed never change', async () => {
  const { train, test } = digits({ train: 40, test: 20, seed: 7 })
  const parts = [train, test].flatMap(({ inputs, targets }) => [inputs.buffer, targets.buffer])
  const digest = await crypto.subtle.digest('SHA-256', await new Blob(parts as ArrayBuffer[]).arrayBuffer())
  const text = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
  expect(text).toBe('4805760002a18322e9f3e29c192608de5721ebc2b474eebd39a96d0ad65aaca2')
})

test('an image depends on the seed and its place alone; train and test differ', () => {
  const small = digits({ train: 30, test: 30, seed: 1 })
  const large = digits({ train: 50, test: 40, seed: 1 })
  expect(large.train.inputs.subarray(0, small.train.inputs.length)).toEqual(small.train.inputs)
  expect(large.test.targets.subarray(0, 30)).toEqual(small.test.targets)
  expect(small.test.inputs).not.toEqual(small.train.inputs)
  expect(digits({ train: 30, test: 30, seed: 2 }).train.inputs).not.toEqual(small.train.inputs)
})

test('shape, balance, mean 0 and standard deviation 1', () => {
  const { train, test } = digits({ train: 2000, test: 100 })
  expect(train).toMatchObject({ length: 2000, inputShape: [1, 28, 28], targetShape: [], classes: 10 })
  expect(test.length).toBe(100)
  for (let ten = 0; ten < 2000; ten += 10)
    expect([...train.targets.subarray(ten, ten + 10)].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  let [sum, squares] = [0, 0]
  for (const value of train.inputs) {
    sum += value
    squares += value * value
  }
  const mean = sum / train.inputs.length
  expect(Math.abs(mean)).toBeLessThan(0.02)
  expect(Math.abs(Math.sqrt(squares / train.inputs.length - mean * mean) - 1)).toBeLessThan(0.02)
})

test('a digit keeps clear of the edge of its image', () => {
  const { train } = digits({ train: 1000, test: 1 })
  const paper = Math.min(...train.inputs.subarray(0, 784))
  const byRow = (row: number) => {
    let ink = 0
    for (let i = 0; i < train.length; i++)
      for (let column = 0; column < 28; column++) ink += train.inputs[i * 784 + row * 28 + column] - paper
    return ink / train.length / 28
  }
  expect(byRow(0)).toBeLessThan(0.2)
  expect(byRow(27)).toBeLessThan(0.2)
  expect(byRow(14)).toBeGreaterThan(0.5)
})

test('a linear model learns something, but stays below 93 %', () => {
  const { train, test } = digits({ train: 3000, test: 1000 })
  const weights = trainLinear(train, 8)
  expect(accuracy(weights, train)).toBeGreaterThan(0.75)
  expect(accuracy(weights, test)).toBeGreaterThan(0.6)
  expect(accuracy(weights, test)).toBeLessThan(0.93)
})

/** Softmax regression by stochastic gradient descent; weights [784, 10], no bias. */
function trainLinear(train: Dataset, epochs: number): Float32Array {
  const weights = new Float32Array(784 * 10)
  const batches = loader(train, { batchSize: 1, shuffle: true })
  for (let epoch = 0; epoch < epochs; epoch++)
    for (const { inputs, targets } of batches.epoch(epoch)) {
      const error = scores(weights, inputs, 0).map(Math.exp)
      const total = error.reduce((sum, value) => sum + value, 0)
      for (let k = 0; k < 10; k++) error[k] = error[k] / total - (k === targets[0] ? 1 : 0)
      for (let i = 0; i < 784; i++) for (let k = 0; k < 10; k++) weights[i * 10 + k] -= 0.001 * inputs[i] * error[k]
    }
  return weights
}

function accuracy(weights: Float32Array, data: Dataset): number {
  let correct = 0
  for (let i = 0; i < data.length; i++) {
    const found = scores(weights, data.inputs, i * 784)
    if (found.indexOf(Math.max(...found)) === data.targets[i]) correct++
  }
  return correct / data.length
}

function scores(weights: Float32Array, inputs: Float32Array, from: number): Float64Array {
  const sums = new Float64Array(10)
  for (let i = 0; i < 784; i++) for (let k = 0; k < 10; k++) sums[k] += inputs[from + i] * weights[i * 10 + k]
  return sums
}
