// fit: what it does to a network, what it tells callbacks, when it ends, and what it refuses.
import { describe, expect, test, vi } from 'vitest'
import * as augment from '../../src/augment/index.ts'
import { dataset, xorTable } from '../../src/data/index.ts'
import * as nn from '../../src/nn/index.ts'
import * as optim from '../../src/optim/index.ts'
import { configure, runtime, type Tensor, tensor } from '../../src/tensor/index.ts'
import * as tenon from '../../src/train/index.ts'
import { forEachBackend } from '../support/backends.ts'
import { network, numbersOf, points, softmaxCrossEntropy, train } from './networks.ts'

vi.setConfig({ testTimeout: 60_000 })

forEachBackend((on) => {
  test('XOR is learned, and measured in evaluation mode', async () => {
    configure({ ...on, seed: 1 })
    const net = nn.sequential(nn.linear(2, 8), nn.tanh(), nn.linear(8, 2))
    const run = await tenon.fit(net, xorTable(), {
      loss: softmaxCrossEntropy,
      optimizer: optim.adam({ learningRate: 0.1 }),
      epochs: 100,
      batchSize: 4,
      metrics: { accuracy: tenon.accuracy },
      progress: false,
    })
    expect(run.ending).toBe('done')
    expect(run.history[0].train.loss).toBeGreaterThan(0.5)
    expect(run.history[99].train).toEqual({ loss: expect.closeTo(0, 1), accuracy: 1 })
    expect(run.losses.map(({ step }) => step)).toEqual([10, 20, 30, 40, 50, 60, 70, 80, 90, 100])
    const outputs = await tenon.predict(net, xorTable())
    expect([...outputs.argmax(1).dataSync()]).toEqual([0, 1, 1, 0])
    expect(runtime.training).toBe(false)
  })

  test('an alternating flip shows each example both ways in two epochs, whatever the order of examples', async () => {
    configure({ ...on, seed: 1 })
    const [inputs, seen] = [Float32Array.from({ length: 24 }, (_, i) => i), [[], []] as number[][]]
    const data = dataset({ name: 'lines', inputs, inputShape: [1, 2], targets: new Float32Array(12), targetShape: [1] })
    // The loss is the number of flipped examples, or rather what tells which.
    const spy = (x: Tensor): Tensor => x.reshape([x.shape[0], 2]).matmul(tensor([[-1], [1]]))
    const net = nn.defineModule({
      kind: 'spy',
      parameters: { weight: nn.parameter('weight', [1], () => [0]) },
      forward: (x, { weight }) => spy(x).add(weight.mul(0)),
    })
    await tenon.fit(net, data, {
      loss: (y) => y.mean(),
      optimizer: optim.sgd({ learningRate: 0 }),
      epochs: 2,
      batchSize: 1,
      augment: [augment.flip({ alternating: true })],
      callbacks: { onStep: ({ epoch, loss }) => void seen[epoch - 1].push(loss) },
      progress: false,
    })
    // Flipped it is −1, else 1: each epoch's number of flips is what the other one's lacks.
    const flips = seen.map((losses) => losses.filter((l) => l === -1).length)
    expect(flips[0] + flips[1]).toBe(12)
    expect(Math.min(...flips)).toBeGreaterThan(0)
  })

  test('accumulated gradients are those of one large batch', async () => {
    const plain = () => nn.sequential(nn.linear(2, 5), nn.tanh(), nn.linear(5, 2))
    const options = { optimizer: optim.sgd({ learningRate: 0.5 }), shuffle: false, epochs: 3, clipNorm: 0.3 }
    configure({ ...on, seed: 3 })
    const large = await train(on, { ...options, batchSize: 24 }, plain())
    configure({ ...on, seed: 3 })
    const small = await train(on, { ...options, batchSize: 8, gradientAccumulation: 3 }, plain())
    // 50 examples: 24, 24 and 2, which the small batches cut into 8, 8, 8; 8, 8, 8; 2.
    expect(small.run.steps).toBe(large.run.steps)
    const [a, b] = [numbersOf(large), numbersOf(small)]
    const near = (value: number) => expect.closeTo(value, 5)
    expect(b.history.map(({ train }) => train.loss)).toEqual(a.history.map(({ train }) => near(train.loss)))
    for (const [name, values] of Object.entries(a.state)) expect(b.state[name]).toEqual(values.map(near))
  })

  test('callbacks come in order, with what happened', async () => {
    const events: string[] = []
    const callbacks: tenon.Callbacks = {
      onStart: ({ epochs, stepsPerEpoch }) => void events.push(`start ${epochs} × ${stepsPerEpoch}`),
      onStep: async ({ step, epoch, batch, batches, loss, running }) => {
        await Promise.resolve()
        expect(loss).toBeGreaterThan(0)
        if (batch === 1) expect(running.loss).toBe(loss)
        events.push(`${step}: epoch ${epoch}, ${batch}/${batches}`)
      },
      onEpoch: ({ epoch, step, validation }) =>
        void events.push(`epoch ${epoch} at ${step} ${Object.keys(validation ?? {})}`),
      onEnd: ({ ending, epochs }) => void events.push(`${ending} ${epochs}`),
    }
    await train(on, { epochs: 2, batchSize: 25, callbacks: [callbacks, {}] })
    expect(events).toEqual([
      'start 2 × 2',
      '1: epoch 1, 1/2',
      '2: epoch 1, 2/2',
      'epoch 1 at 2 loss,accuracy',
      '3: epoch 2, 1/2',
      '4: epoch 2, 2/2',
      'epoch 2 at 4 loss,accuracy',
      'done 2',
    ])
  })

  test('frozen parameters stay as they are', async () => {
    configure({ ...on, seed: 3 })
    const net = network()
    net.children[0].freeze()
    const before = net.state()['0.weight'].dataSync()
    await train(on, { epochs: 1 }, net)
    expect(net.state()['0.weight'].dataSync()).toEqual(before)
    expect(net.state()['4.weight'].dataSync()).not.toEqual(before)
  })
})

const on = { backend: 'reference', threads: 1 } as const

describe('ends', () => {
  test('early, and restores the best', async () => {
    // A rate that is far too large makes the loss jump about.
    const options = {
      optimizer: optim.sgd({ learningRate: 3 }),
      epochs: 40,
      earlyStopping: { patience: 2, restoreBest: true },
    }
    const { run, net } = await train(on, options)
    expect(run.ending).toBe('early')
    const validation = run.history.map((record) => record.validation?.loss ?? 0)
    const best = validation.indexOf(Math.min(...validation))
    expect(run.best).toEqual({ epoch: best + 1, value: validation[best] })
    expect(run.epochs).toBe(best + 1 + 2)
    const { loss } = await tenon.evaluate(net, points(20, 2), { loss: tenon.meanLoss(softmaxCrossEntropy) })
    expect(loss).toBe(validation[best])
  })

  test('early by a metric, and by how much better it has to get', async () => {
    const watch = async (earlyStopping: tenon.EarlyStopping) => (await train(on, { epochs: 6, earlyStopping })).run
    expect(await watch({ patience: 1, minDelta: 10 })).toMatchObject({ ending: 'early', epochs: 2, best: { epoch: 1 } })
    const run = await watch({ patience: 6, monitor: 'accuracy' })
    expect(run.best?.value).toBe(Math.max(...run.history.map((record) => record.validation?.accuracy ?? 0)))
  })

  test('at once when the signal was aborted before', async () => {
    const { run } = await train(on, { signal: AbortSignal.abort() })
    expect(run).toMatchObject({ ending: 'stopped', epochs: 0, steps: 0 })
  })

  test('after the running update when the signal is aborted, from a timer too', async () => {
    const controller = new AbortController()
    setTimeout(() => controller.abort(), 60)
    const { run } = await train(on, { epochs: 1e6, signal: controller.signal })
    expect(run.ending).toBe('stopped')
    expect(run.steps).toBeGreaterThan(0)
  })

  test('with an error where the loss is no number any more, which says where', async () => {
    const options = { optimizer: optim.sgd({ learningRate: 1e30 }) }
    await expect(train(on, options, nn.sequential(nn.linear(2, 2), nn.linear(2, 2)))).rejects.toThrow(
      /fit: the loss is (NaN|Infinity) in epoch 1, batch \d of 7, after \d updates: choose a smaller learning rate/,
    )
  })
})

describe('refused before any work', () => {
  const net = () => nn.sequential(nn.linear(2, 2))
  test('networks that do not fit the data', async () => {
    await expect(train(on, {}, nn.sequential(nn.linear(3, 2)))).rejects.toThrow(/net\.0 \(linear 3→2\)/)
    await expect(train(on, {}, nn.sequential(nn.tanh()))).rejects.toThrow('the network has no parameters to train')
    const ten = dataset({
      name: 'ten',
      inputs: new Float32Array(20),
      inputShape: [2],
      targets: new Int32Array(10),
      classes: 10,
    })
    const options = { loss: softmaxCrossEntropy, optimizer: optim.adam(), epochs: 1 }
    await expect(tenon.fit(net(), ten, options)).rejects.toThrow("the network has 2 outputs, but 'ten' has 10 classes")
  })
})
