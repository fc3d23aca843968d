// A first network: learns to read digits that the program draws itself, tells how well, and saves what it learned.
// Run: npx tsx --conditions=tenon-source examples/first-network.ts
import { fit, loss, nn, optim, save } from 'tenon'
import { digits } from 'tenon/data'
import { accuracy } from 'tenon/train'

const { train, test } = digits()
const net = nn.sequential(nn.flatten(), nn.linear(784, 128), nn.relu(), nn.linear(128, 10))
console.log(String(net.summary([1, 1, 28, 28])))

const run = await fit(net, train, {
  loss: loss.softmaxCrossEntropy,
  optimizer: optim.adam({ learningRate: 1e-3 }),
  epochs: 3,
  batchSize: 64,
  validation: test,
  metrics: { accuracy },
})

console.log(`read ${run.history.at(-1)?.validation?.accuracy} of the test digits`)
await save(net, 'first-network.safetensors')
