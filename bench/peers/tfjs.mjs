// TensorFlow.js on its WebAssembly backend, tuned: what it has no fast or no gradient kernel for is written in other operations.
// One thread: the package turns its threads off in Node.
import * as tf from '@tensorflow/tfjs'
import '@tensorflow/tfjs-backend-wasm'
import { integers, uniform } from '../../src/cli/bench/numbers.ts'

const sizeOf = (shape) => shape.reduce((product, extent) => product * extent, 1)
const constant = (seed, shape, scale) => tf.tensor(uniform(seed, sizeOf(shape), scale), shape)
const oneHot = (labels, n) => tf.tidy(() => tf.oneHot(tf.tensor1d(labels, 'int32'), n).toFloat())

// Only a plain 2-D product is fast; the stock gradient has transposed ones, ten times slower and more.
const matMul = tf.customGrad((a, b, save) => {
  save([a, b])
  return {
    value: tf.matMul(a, b),
    gradFunc: (dy, [l, r]) => [tf.matMul(dy, tf.transpose(r)), tf.matMul(tf.transpose(l), dy)],
  }
})
const dense = (x, w, b) => tf.add(matMul(x, w), b)
const gelu = (h) => {
  const inner = tf.mul(tf.add(h, tf.mul(tf.mul(tf.mul(h, h), h), 0.044715)), Math.sqrt(2 / Math.PI))
  return tf.mul(tf.mul(h, 0.5), tf.add(tf.tanh(inner), 1))
}

/** Trainable numbers in the order in which they are asked for. */
function variables() {
  const all = []
  const keep = (value) => {
    all.push(tf.variable(value))
    return all.at(-1)
  }
  return {
    all,
    keep,
    weight: (seed, shape, scale) => keep(constant(seed, shape, scale)),
    zeros: (n) => keep(tf.zeros([n])),
    ones: (n) => keep(tf.ones([n])),
  }
}

/** AdamW is Adam with the decay by hand before it. */
function training({ forward, all, y, rate = 1e-3, decay = 0 }) {
  const adam = tf.train.adam(rate, 0.9, 0.999, 1e-8)
  const step = () => {
    const { value, grads } = tf.variableGrads(() => tf.losses.softmaxCrossEntropy(y, forward()), all)
    if (decay)
      tf.tidy(() => {
        for (const variable of all) variable.assign(tf.mul(variable, 1 - rate * decay))
      })
    adam.applyGradients(grads)
    tf.dispose(grads)
    return value
  }
  return { steps: (count) => counted(step, count), threads: 1 }
}

function counted(step, count) {
  for (let i = 1; i < count; i++) step().dispose()
  const value = step()
  const loss = value.dataSync()[0]
  value.dispose()
  return loss
}

function xor() {
  const { all, weight, zeros } = variables()
  const [w1, b1, w2, b2] = [weight(3, [2, 2], 1), zeros(2), weight(4, [2, 1], 1), zeros(1)]
  const [x, y] = [
    tf.tensor2d(
      [
        [0, 0],
        [0, 1],
        [1, 0],
        [1, 1],
      ],
      [4, 2],
    ),
    tf.tensor2d([0, 1, 1, 0], [4, 1]),
  ]
  const sgd = tf.train.sgd(1)
  const loss = () => tf.losses.sigmoidCrossEntropy(y, dense(tf.sigmoid(dense(x, w1, b1)), w2, b2))
  return { steps: (count) => counted(() => sgd.minimize(loss, true, all), count), chunk: 500, threads: 1 }
}

function mlp() {
  const { all, weight, zeros } = variables()
  const sizes = [784, 512, 256, 10]
  const layers = [0, 1, 2].map((i) => [
    weight(10 + i, [sizes[i], sizes[i + 1]], 1 / Math.sqrt(sizes[i])),
    zeros(sizes[i + 1]),
  ])
  const x = constant(1, [128, 784])
  const forward = () => layers.reduce((h, [w, b], i) => (i === 0 ? dense(h, w, b) : dense(tf.relu(h), w, b)), x)
  return { forward, all, y: oneHot(integers(2, 128, 10), 10) }
}

/** There is no kernel for the gradient by a convolution's weights: nine shifted slices and a product. */
function convolution(x, w) {
  const [n, height, width, channels] = x.shape
  const [h, v] = [height - 2, width - 2]
  const parts = Array.from({ length: 9 }, (_, i) => tf.slice(x, [0, Math.floor(i / 3), i % 3, 0], [n, h, v, channels]))
  const columns = tf.reshape(tf.concat(parts, 3), [n * h * v, 9 * channels])
  return tf.reshape(matMul(columns, tf.reshape(w, [9 * channels, w.shape[3]])), [n, h, v, w.shape[3]])
}

/** The same numbers as everywhere, channels last. */
function cnn() {
  const { all, keep, weight, zeros } = variables()
  const kernel = (seed, outputs, inputs) =>
    keep(constant(seed, [outputs, inputs, 3, 3], 1 / Math.sqrt(inputs * 9)).transpose([2, 3, 1, 0]))
  const [k1, b1, k2, b2] = [kernel(10, 32, 1), zeros(32), kernel(11, 64, 32), zeros(64)]
  const drawn = constant(12, [64, 12, 12, 128], 1 / 96)
  const w1 = keep(drawn.transpose([1, 2, 0, 3]).reshape([9216, 128]))
  const [c1, w2, c2] = [zeros(128), weight(13, [128, 10], 1 / Math.sqrt(128)), zeros(10)]
  const x = constant(1, [64, 28, 28, 1])
  const forward = () => {
    const h = tf.relu(tf.add(convolution(x, k1), b1))
    const g = tf.relu(tf.add(convolution(h, k2), b2))
    const pooled = tf.reshape(tf.maxPool(g, 2, 2, 'valid'), [64, 9216])
    return dense(tf.relu(dense(pooled, w1, c1)), w2, c2)
  }
  return { forward, all, y: oneHot(integers(2, 64, 10), 10) }
}

function gpt() {
  const [layers, heads, d, time, vocabulary, batch] = [4, 4, 128, 128, 65, 16]
  const n = batch * time
  const { all, weight, zeros, ones } = variables()
  let seed = 10
  const matrix = (shape, scale = 1 / Math.sqrt(shape[0])) => weight(seed++, shape, scale)
  const linear = (inputs, outputs) => [matrix([inputs, outputs]), zeros(outputs)]
  const norm = () => [ones(d), zeros(d)]
  const tokens = matrix([vocabulary, d], 0.05)
  const places = matrix([time, d], 0.05)
  const blocks = Array.from({ length: layers }, () => ({
    n1: norm(),
    qkv: linear(d, 3 * d),
    proj: linear(d, d),
    n2: norm(),
    fc1: linear(d, 4 * d),
    fc2: linear(4 * d, d),
  }))
  const last = norm()
  const head = matrix([d, vocabulary])
  const mask = tf.tidy(() => tf.sub(tf.linalg.bandPart(tf.ones([time, time]), -1, 0), 1).mul(1e9))
  const normed = (h, [g, b]) => {
    const { mean, variance } = tf.moments(h, -1, true)
    return tf.add(tf.mul(tf.mul(tf.sub(h, mean), tf.rsqrt(tf.add(variance, 1e-5))), g), b)
  }
  const attention = (h, { qkv, proj }) => {
    const [q, k, v] = tf
      .split(dense(h, ...qkv), 3, 1)
      .map((a) => tf.transpose(tf.reshape(a, [batch, time, heads, d / heads]), [0, 2, 1, 3]))
    const s = tf.softmax(tf.add(tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(d / heads)), mask))
    return dense(tf.reshape(tf.transpose(tf.matMul(s, v), [0, 2, 1, 3]), [n, d]), ...proj)
  }
  // There is no kernel for the gradient of gather: a one-hot product.
  const [x, y] = [1, 2].map((s) => oneHot(integers(s, n, vocabulary), vocabulary))
  const forward = () => {
    let h = tf.reshape(tf.add(tf.reshape(matMul(x, tokens), [batch, time, d]), places), [n, d])
    for (const block of blocks) {
      h = tf.add(h, attention(normed(h, block.n1), block))
      h = tf.add(h, dense(gelu(dense(normed(h, block.n2), ...block.fc1)), ...block.fc2))
    }
    return matMul(normed(h, last), head)
  }
  return { forward, all, y, decay: 0.01 }
}

const repeated = (run) => ({
  steps: (count) => {
    for (let i = 0; i < count; i++) tf.tidy(run).dispose()
  },
  threads: 1,
})

function gemm(n) {
  const [a, b] = [constant(1, [n, n]), constant(2, [n, n])]
  return repeated(() => tf.matMul(a, b))
}

function pointwise(expression) {
  const x = tf.tensor1d(uniform(1, 2 ** 24, 4))
  return repeated(() => expression(x))
}

const tasks = {
  xor,
  mlp: () => training(mlp()),
  cnn: () => training(cnn()),
  gpt: () => training(gpt()),
  'mlp-forward': () => repeated(mlp().forward),
  'cnn-forward': () => repeated(cnn().forward),
  elementwise: () => pointwise((x) => tf.add(tf.mul(gelu(x), tf.sigmoid(x)), x)),
  'scale-add': () => pointwise((x) => tf.add(tf.mul(x, 2), 1)),
}

export async function taskOf(workload) {
  if (!(await tf.setBackend('wasm'))) throw new Error('the wasm backend did not start')
  await tf.ready()
  return workload.startsWith('gemm-') ? gemm(Number(workload.slice(5))) : tasks[workload]()
}
