// Learning to learn: weights from which one step of gradient descent fits a new task (MAML, Finn et al. 2017).
// Run: npx tsx --conditions=tenon-source examples/maml.ts
import { compile, configure, grad, loss, nn, optim, random, type Tensor, vmap } from 'tenon'

configure({ seed: 0 })
const net = nn.sequential(nn.linear(1, 40), nn.tanh(), nn.linear(40, 40), nn.tanh(), nn.linear(40, 1))
const optimizer = optim.adam({ learningRate: 3e-3 })
const lossOf = (weights: readonly Tensor[], x: Tensor, y: Tensor) => loss.mse(net.with(weights)(x), y)

// The inner step: other weights for each task, made of a gradient.
const adapted = (weights: readonly Tensor[], x: Tensor, y: Tensor) => {
  const gradients = grad(lossOf)(weights, x, y)
  return weights.map((w, i) => w.sub(gradients[i].mul(0.05)))
}

// A task is a sine of its own height and phase: ten points to adapt to, ten others to be judged by.
const taskLosses = (weights: readonly Tensor[], height: Tensor, phase: Tensor) => {
  const sine = (x: Tensor) => x.add(phase).sin().mul(height)
  const [seen, asked] = [0, 1].map(() => random.uniform([10, 1], { low: -3, high: 3 }))
  const after = adapted(weights, seen, sine(seen))
  return [lossOf(weights, asked, sine(asked)), lossOf(after, asked, sine(asked))]
}
const tasks = vmap(taskLosses, { in: [null, 0, 0] })

const step = compile((count: number) => {
  const height = random.uniform([count], { low: 0.5, high: 2 })
  const [before, after] = tasks(net.parameters(), height, random.uniform([count], { high: Math.PI }))
  // Through the inner step: a gradient of a gradient, for all tasks at once.
  optimizer.step(net.parameters(), grad(after.mean(), net.parameters()))
  return [before.mean(), after.mean()]
})

for (let i = 0; i < 800; i++) step(32)
const [before, after] = step(256)
console.log(
  `error on new sines: ${(await before.item()).toFixed(3)} before, ${(await after.item()).toFixed(3)} after one step`,
)
