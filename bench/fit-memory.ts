// Memory of a long training: 10,000 steps of the benchmark's MLP through fit; the largest resident size must not grow.
// Run: npx tsx --conditions=tenon-source bench/fit-memory.ts [steps]

import { mlpNet } from '../src/cli/bench/models.ts'
import { integers, uniform } from '../src/cli/bench/numbers.ts'
import { dataset } from '../src/data/index.ts'
import * as loss from '../src/loss/index.ts'
import { adam } from '../src/optim/index.ts'
import { accuracy, fit } from '../src/train/index.ts'

const steps = Number(process.argv[2] ?? 10_000)
const [batchSize, stepsPerEpoch] = [128, 100]
const count = batchSize * stepsPerEpoch
const data = dataset({
  name: 'noise',
  inputs: uniform(1, count * 784),
  inputShape: [784],
  targets: integers(2, count, 10),
  classes: 10,
})
const net = mlpNet()

/** Largest resident size, in MiB, of the steps from a tenth to a half, and from there to the end. */
const largest = { early: 0, late: 0 }
await fit(net, data, {
  loss: loss.softmaxCrossEntropy,
  optimizer: adam({ learningRate: 1e-4 }),
  epochs: Math.ceil(steps / stepsPerEpoch),
  batchSize,
  metrics: { accuracy },
  callbacks: {
    onStep: ({ step }) => {
      if (step < steps / 10 || step % 10 !== 0) return
      const part = step < steps / 2 ? 'early' : 'late'
      largest[part] = Math.max(largest[part], process.memoryUsage.rss() / 2 ** 20)
    },
  },
})
const ratio = largest.late / largest.early
console.log(
  `largest resident size: ${largest.early.toFixed(0)} MiB in steps ${steps / 10} to ${steps / 2}, ${largest.late.toFixed(0)} MiB in steps ${steps / 2} to ${steps}: ${ratio.toFixed(3)} times`,
)
process.exitCode = ratio <= 1.1 ? 0 : 1
