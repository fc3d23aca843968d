// Small networks and data for tests of training, made the same way each time.
import { type Dataset, dataset, randomKey, randomStream } from '../../src/data/index.ts'
import * as loss from '../../src/loss/index.ts'
import * as nn from '../../src/nn/index.ts'
import * as optim from '../../src/optim/index.ts'
import { configure, type RuntimeOptions } from '../../src/tensor/index.ts'
import * as tenon from '../../src/train/index.ts'

/** Points of the plane with a class each: whether they lie in the unit circle. */
export function points(count: number, seed = 1): Dataset {
  const random = randomStream(randomKey(seed))
  const inputs = Float32Array.from({ length: 2 * count }, () => random.uniform(-1.5, 1.5))
  const targets = Int32Array.from({ length: count }, (_, i) =>
    Math.hypot(inputs[2 * i], inputs[2 * i + 1]) < 1 ? 1 : 0,
  )
  return dataset({ name: `points ${seed}`, inputs, inputShape: [2], targets, classes: 2 })
}

/** A network with everything that has a state: parameters, running statistics, random numbers. */
export const network = (hidden = 8): nn.Module =>
  nn.sequential(nn.linear(2, hidden), nn.batchNorm(hidden), nn.tanh(), nn.dropout(0.2), nn.linear(hidden, 2))

export const softmaxCrossEntropy = (logits: Parameters<typeof loss.softmaxCrossEntropy>[0], labels: typeof logits) =>
  loss.softmaxCrossEntropy(logits, labels)

/** Trains a new network from the seed on 50 points in batches of 8 (7 of them an epoch, the last with 2 examples). */
export async function train(
  on: RuntimeOptions,
  options: Partial<tenon.FitOptions> = {},
  net?: nn.Module,
): Promise<{ run: tenon.Run; net: nn.Module }> {
  configure({ ...on, seed: 3 })
  const trained = net ?? network()
  const run = await tenon.fit(trained, points(50), {
    loss: softmaxCrossEntropy,
    optimizer: optim.adam({ learningRate: optim.warmup(0.02, { steps: 5 }) }),
    epochs: 4,
    batchSize: 8,
    seed: 3,
    validation: points(20, 2),
    metrics: { accuracy: tenon.accuracy },
    progress: false,
    ...options,
  })
  return { run, net: trained }
}

/** The numbers of a run that must not depend on when it was stopped. */
export const numbersOf = ({ run, net }: { run: tenon.Run; net: nn.Module }) => ({
  history: run.history.map(({ seconds, ...numbers }) => numbers),
  losses: run.losses,
  steps: run.steps,
  best: run.best,
  state: Object.fromEntries(Object.entries(net.state()).map(([name, v]) => [name, [...v.dataSync()]])),
})
