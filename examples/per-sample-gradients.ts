// A gradient for every example at once: wrong labels show by the size of theirs.
// Run: npx tsx --conditions=tenon-source examples/per-sample-gradients.ts
import { compile, fit, grad, loss, nn, optim, type Tensor, tensor, vmap } from 'tenon'
import { dataset, toy } from 'tenon/data'

// A disc in a ring, every twentieth label of which is wrong.
const { inputs, targets, length } = toy.circle({ samples: 400, seed: 0 })
const wrong = (i: number) => i % 20 === 7
const labels = Int32Array.from(targets, (t: number, i) => (wrong(i) ? 1 - t : t))
const net = nn.sequential(nn.linear(2, 32), nn.tanh(), nn.linear(32, 2))
await fit(net, dataset({ inputs, inputShape: [2], targets: labels, classes: 2 }), {
  loss: loss.softmaxCrossEntropy,
  optimizer: optim.adam({ learningRate: 0.01, weightDecay: 1e-3 }),
  epochs: 20,
})

// The loss of one example; vmap of its gradient is the gradient of each, without a loop.
const gradientsOf = vmap((x: Tensor, t: Tensor) =>
  grad(loss.softmaxCrossEntropy(net(x.unsqueeze(0)), t.unsqueeze(0)), net.parameters()),
)
const norms = compile((x: Tensor, t: Tensor) =>
  gradientsOf(x, t)
    .map((g) => g.square().flatten(1).sum(1))
    .reduce((sum, part) => sum.add(part))
    .sqrt(),
)
const sizes = await norms(tensor(inputs, { shape: [length, 2] }), tensor(labels)).data()

const suspects = [...sizes.keys()].sort((a, b) => sizes[b] - sizes[a]).slice(0, 20)
console.log(
  'largest gradients:',
  suspects
    .slice(0, 5)
    .map((i) => `example ${i}: ${sizes[i].toFixed(2)}`)
    .join(', '),
)
console.log(`of the 20 most suspicious examples, ${suspects.filter(wrong).length} have a wrong label`)
