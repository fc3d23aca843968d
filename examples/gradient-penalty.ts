// A loss that contains a gradient: a critic is taught to rise by 1 per unit of length (Gulrajani et al. 2017).
// Run: npx tsx --conditions=tenon-source examples/gradient-penalty.ts
import { compile, configure, grad, nn, norm, optim, random, type Tensor, tensor } from 'tenon'

configure({ seed: 1 })
const critic = nn.sequential(nn.linear(2, 64), nn.gelu(), nn.linear(64, 64), nn.gelu(), nn.linear(64, 1))
const optimizer = optim.adam({ learningRate: 1e-3 })
const centre = tensor([2, 0])
const slopeAt = (x: Tensor) => norm(grad(critic(x).sum(), x), 2, 1)

// Two clouds of points, 4 apart; the slope is held to 1 on the way from one to the other.
const step = compile(() => {
  const [a, b] = [random.normal([128, 2]).sub(centre), random.normal([128, 2]).add(centre)]
  const between = a.add(b.sub(a).mul(random.uniform([128, 1])))
  const penalty = slopeAt(between).sub(1).square().mean()
  const distance = critic(b).mean().sub(critic(a).mean())
  const parameters = critic.parameters()
  optimizer.step(parameters, grad(penalty.mul(100).sub(distance), parameters))
  return [distance, slopeAt(between).mean()]
})

for (let i = 0; i < 600; i++) step()
const [distance, slope] = step()
console.log(`slope between the clouds: ${(await slope.item()).toFixed(2)}`)
console.log(`their distance by the critic: ${(await distance.item()).toFixed(2)} (it is 4)`)
