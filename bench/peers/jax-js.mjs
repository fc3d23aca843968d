// jax-js on its WebAssembly backend: jitted steps, with threads where more than one is asked for.
import { integers, uniform } from '../../src/cli/bench/numbers.ts'
import { install } from './worker-shim.mjs'

// Node 20 has no iterator helpers, which jax-js calls.
const iterators = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()))
iterators.map ??= function* (f) {
  for (const x of this) yield f(x)
}
iterators.filter ??= function* (f) {
  for (const x of this) if (f(x)) yield x
}

let jax, np, nn

// Every argument is consumed: .ref keeps an array for later use.
const array = (data, shape) => np.array(data).reshape(shape)
const weight = (seed, shape, scale) => array(uniform(seed, sizeOf(shape), scale), shape)
const sizeOf = (shape) => shape.reduce((product, extent) => product * extent, 1)
const oneHot = (labels, n) => nn.oneHot(np.array(labels), n)
const dense = (x, w, b) => np.add(np.matmul(x, w), b)
const crossEntropy = (logits, y) => np.sum(np.multiply(nn.logSoftmax(logits), y)).mul(-1 / logits.shape[0])

/** Adam, with decay AdamW: @jax-js/optax is not on npm. */
const adam =
  (rate, decay = 0) =>
  (p, g, m, v, c1, c2) => {
    const m2 = m.mul(0.9).add(g.ref.mul(0.1))
    const v2 = v.mul(0.999).add(np.square(g).mul(0.001))
    const change = m2.ref
      .div(c1)
      .div(np.sqrt(v2.ref.div(c2)).add(1e-8))
      .mul(-rate)
    return [(decay ? p.mul(1 - rate * decay) : p).add(change), m2, v2]
  }

/** One jitted step over a flat list of parameters. */
function training({ forward, params, x, y, update }) {
  let [p, m, v] = [params, params.map((a) => np.zeros(a.shape)), params.map((a) => np.zeros(a.shape))]
  let t = 0
  const loss = (ps, input, target) => crossEntropy(forward(ps, input), target)
  const step = jax.jit((ps, ms, vs, c1, c2, input, target) => {
    const [value, grads] = jax.valueAndGrad(loss)(
      ps.map((a) => a.ref),
      input,
      target,
    )
    const out = ps.map((a, i) => update(a, grads[i], ms[i], vs[i], c1.ref, c2.ref))
    c1.dispose()
    c2.dispose()
    return [value, out.map((o) => o[0]), out.map((o) => o[1]), out.map((o) => o[2])]
  })
  const steps = async (count) => {
    let value
    for (let i = 0; i < count; i++) {
      t++
      ;[value, p, m, v] = step(p, m, v, np.array(1 - 0.9 ** t), np.array(1 - 0.999 ** t), x.ref, y.ref)
      await jax.blockUntilReady([p, m, v])
    }
    return (await value.data())[0]
  }
  return { steps }
}

function xor() {
  let params = [weight(3, [2, 2], 1), np.zeros([2]), weight(4, [2, 1], 1), np.zeros([1])]
  const [x, y] = [
    array(new Float32Array([0, 0, 0, 1, 1, 0, 1, 1]), [4, 2]),
    array(new Float32Array([0, 1, 1, 0]), [4, 1]),
  ]
  const loss = ([w1, b1, w2, b2], input, target) => {
    const z = dense(nn.sigmoid(dense(input, w1, b1)), w2, b2)
    return np.mean(np.subtract(nn.softplus(z.ref), np.multiply(z, target)))
  }
  const step = jax.jit((ps, input, target) => {
    const [value, grads] = jax.valueAndGrad(loss)(
      ps.map((a) => a.ref),
      input,
      target,
    )
    return [value, ps.map((a, i) => a.sub(grads[i]))]
  })
  const steps = async (count) => {
    let value
    for (let i = 0; i < count; i++) {
      value?.dispose()
      ;[value, params] = step(params, x.ref, y.ref)
    }
    return (await value.data())[0]
  }
  return { steps, chunk: 50 }
}

function mlp() {
  const sizes = [784, 512, 256, 10]
  const params = [0, 1, 2].flatMap((i) => [
    weight(10 + i, [sizes[i], sizes[i + 1]], 1 / Math.sqrt(sizes[i])),
    np.zeros([sizes[i + 1]]),
  ])
  const forward = ([w1, b1, w2, b2, w3, b3], x) => dense(nn.relu(dense(nn.relu(dense(x, w1, b1)), w2, b2)), w3, b3)
  return { forward, params, x: weight(1, [128, 784], 1), y: oneHot(integers(2, 128, 10), 10), update: adam(1e-3) }
}

function cnn() {
  const [batch, flat] = [64, 9216]
  const params = [
    weight(10, [32, 1, 3, 3], 1 / 3),
    np.zeros([32]),
    weight(11, [64, 32, 3, 3], 1 / Math.sqrt(288)),
    np.zeros([64]),
    weight(12, [flat, 128], 1 / Math.sqrt(flat)),
    np.zeros([128]),
    weight(13, [128, 10], 1 / Math.sqrt(128)),
    np.zeros([10]),
  ]
  const convolution = (x, w, b) => np.add(jax.lax.conv(x, w, [1, 1], 'VALID'), b.reshape([b.shape[0], 1, 1]))
  const forward = ([k1, b1, k2, b2, w1, c1, w2, c2], x) => {
    const h = nn.relu(convolution(nn.relu(convolution(x, k1, b1)), k2, b2))
    const pooled = np.max(h.reshape([batch, 64, 12, 2, 12, 2]), [3, 5])
    return dense(nn.relu(dense(pooled.reshape([batch, flat]), w1, c1)), w2, c2)
  }
  const x = weight(1, [batch, 1, 28, 28], 1)
  return { forward, params, x, y: oneHot(integers(2, batch, 10), 10), update: adam(1e-3) }
}

function gpt() {
  const [layers, heads, d, time, vocabulary, batch] = [4, 4, 128, 128, 65, 16]
  const n = batch * time
  const params = []
  let seed = 10
  const keep = (a) => params.push(a) - 1
  const matrix = (shape, scale = 1 / Math.sqrt(shape[0])) => keep(weight(seed++, shape, scale))
  const linear = (inputs, outputs) => [matrix([inputs, outputs]), keep(np.zeros([outputs]))]
  const norm = () => [keep(np.ones([d])), keep(np.zeros([d]))]
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
  const forward = (P, x) => {
    const normed = (h, [g, b]) => np.add(np.multiply(nn.standardize(h, -1, { epsilon: 1e-5 }), P[g]), P[b])
    const through = (h, [w, b]) => dense(h, P[w], P[b])
    const attention = (h, { qkv, proj }) => {
      const [q, k, v] = np.split(through(h, qkv), 3, 1).map((a) => a.reshape([batch, time, heads, d / heads]))
      return through(nn.dotProductAttention(q, k, v, { isCausal: true }).reshape([n, d]), proj)
    }
    let h = np.add(np.matmul(x, P[tokens]).reshape([batch, time, d]), P[places]).reshape([n, d])
    for (const block of blocks) {
      h = np.add(h.ref, attention(normed(h, block.n1), block))
      h = np.add(h.ref, through(nn.gelu(through(normed(h, block.n2), block.fc1)), block.fc2))
    }
    return np.matmul(normed(h, last), P[head])
  }
  const [x, y] = [1, 2].map((s) => oneHot(integers(s, n, vocabulary), vocabulary))
  return { forward, params, x, y, update: adam(1e-3, 0.01) }
}

const repeated = (run) => ({
  steps: async (count) => {
    for (let i = 0; i < count; i++) {
      const y = run()
      await jax.blockUntilReady(y)
      y.dispose()
    }
  },
})

function forwardOnly({ forward, params, x }) {
  const f = jax.jit(forward)
  return repeated(() =>
    f(
      params.map((p) => p.ref),
      x.ref,
    ),
  )
}

function gemm(n) {
  const f = jax.jit((a, b) => np.matmul(a, b))
  const [a, b] = [weight(1, [n, n]), weight(2, [n, n])]
  return repeated(() => f(a.ref, b.ref))
}

function pointwise(expression) {
  const f = jax.jit(expression)
  const x = np.array(uniform(1, 2 ** 24, 4))
  return repeated(() => f(x.ref))
}

const tasks = {
  xor,
  mlp: () => training(mlp()),
  cnn: () => training(cnn()),
  gpt: () => training(gpt()),
  'mlp-forward': () => forwardOnly(mlp()),
  'cnn-forward': () => forwardOnly(cnn()),
  elementwise: () => pointwise((x) => np.add(np.multiply(nn.gelu(x.ref), nn.sigmoid(x.ref)), x)),
  'scale-add': () => pointwise((x) => x.mul(2).add(1)),
}

export async function taskOf(workload, threads) {
  if (threads > 1) install(threads)
  jax = await import('@jax-js/jax')
  ;({ numpy: np, nn } = jax)
  await jax.init('wasm')
  jax.defaultDevice('wasm')
  return workload.startsWith('gemm-') ? gemm(Number(workload.slice(5))) : tasks[workload]()
}
