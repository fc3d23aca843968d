// A run that was stopped and resumed equals one that was not, bit for bit: weights, statistics, losses, optimizer, schedule, order, dropout.
import { appendFileSync, copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import * as augment from '../../src/augment/index.ts'
import * as nn from '../../src/nn/index.ts'
import * as optim from '../../src/optim/index.ts'
import * as tenon from '../../src/train/index.ts'
import { forEachBackend } from '../support/backends.ts'
import { network, numbersOf, train } from './networks.ts'
import { temporaryFolder } from './support.ts'

vi.setConfig({ testTimeout: 60_000 })

/** Stops training after an update. */
const stopAfter = (update: number): tenon.Callbacks => ({
  onStep: ({ step }, training) => {
    if (step === update) training.stop()
  },
})

forEachBackend((on) => {
  test('stopped in the middle of an epoch and resumed', async () => {
    const straight = numbersOf(await train(on, { epochs: 2 }))
    const folder = join(temporaryFolder(), 'run')
    await train(on, { epochs: 2, run: folder, callbacks: stopAfter(10) })
    const resumed = await train(on, { epochs: 2, run: folder, resume: true })
    expect(numbersOf(resumed)).toEqual(straight)
  })
})

const on = { backend: 'reference', threads: 1 } as const
let numbers: ReturnType<typeof numbersOf> | undefined

/** What comes out of the run that was not stopped. */
async function whole(): Promise<ReturnType<typeof numbersOf>> {
  numbers ??= numbersOf(await train(on))
  return numbers
}

describe('stopped and resumed', () => {
  test('augmented: the same changes come again, and others are refused', async () => {
    const change = [augment.noise(0.1), augment.mixup(0.5)]
    const straight = await train(on, { epochs: 2, augment: change })
    expect(numbersOf(straight).state).not.toEqual(numbersOf(await train(on, { epochs: 2 })).state)
    const folder = join(temporaryFolder(), 'run')
    await train(on, { epochs: 2, augment: change, run: folder, callbacks: stopAfter(9) })
    const other = train(on, { epochs: 2, augment: [augment.noise(0.2)], run: folder, resume: true })
    await expect(other).rejects.toThrow(/augment is \[\{"kind":"noise","standardDeviation":0\.2\}\]/)
    const resumed = await train(on, { epochs: 2, augment: change, run: folder, resume: true })
    expect(numbersOf(resumed)).toEqual(numbersOf(straight))
    await expect(train(on, { augment: [augment.shift(1)] })).rejects.toThrow(/expected images/)
  })

  test('a rate that goes by the losses of the epochs before', async () => {
    const options = () => {
      // Nothing is better by so much: reduced after each epoch but the first.
      const plateau = optim.reduceOnPlateau(0.05, { factor: 0.5, patience: 0, threshold: 0.9 })
      return { plateau, optimizer: optim.adam({ learningRate: plateau }) }
    }
    const own = options()
    const straight = await train(on, own)
    expect(own.plateau.rate).toBe(0.05 / 8)
    const folder = join(temporaryFolder(), 'run')
    await train(on, { ...options(), run: folder, callbacks: stopAfter(17) })
    const resumed = await train(on, { ...options(), run: folder, resume: true })
    expect(numbersOf(resumed)).toEqual(numbersOf(straight))
  })

  test.each([1, 7, 8, 27])('after update %i', async (update) => {
    const folder = join(temporaryFolder(), 'run')
    const first = await train(on, { run: folder, callbacks: stopAfter(update) })
    expect(first.run.ending).toBe('stopped')
    expect(first.run.steps).toBe(update)
    const resumed = await train(on, { run: folder, resume: true })
    expect(resumed.run.ending).toBe('done')
    expect(numbersOf(resumed)).toEqual(await whole())
  })

  test('after every update, with gradients accumulated, clipping, and momentum', async () => {
    const options = () => ({
      gradientAccumulation: 3,
      clipNorm: 0.5,
      optimizer: optim.sgd({ learningRate: 0.1, momentum: 0.9 }),
      epochs: 2,
    })
    const straight = await train(on, options())
    // Seven batches in threes: updates after 3, 6 and 7.
    expect(straight.run.steps).toBe(6)
    const folder = join(temporaryFolder(), 'run')
    const callbacks: tenon.Callbacks = { onStep: (_, training) => training.stop() }
    let last = await train(on, { ...options(), run: folder, callbacks })
    for (let starts = 1; starts < 6; starts++) {
      expect(last.run.ending).toBe('stopped')
      last = await train(on, { ...options(), run: folder, resume: true, callbacks })
    }
    last = await train(on, { ...options(), run: folder, resume: true })
    expect(last.run.ending).toBe('done')
    expect(numbersOf(last)).toEqual(numbersOf(straight))
  })

  test('from a checkpoint in the middle, as a killed process leaves it', async () => {
    const straight = await whole()
    const [folder, copy] = [join(temporaryFolder(), 'run'), join(temporaryFolder(), 'last')]
    const file = join(folder, 'checkpoints', 'last.safetensors')
    const callbacks: tenon.Callbacks = {
      onStep: ({ step }) => {
        if (step === 17) copyFileSync(file, copy)
      },
    }
    await train(on, { run: folder, checkpointEvery: { steps: 4 }, callbacks })
    // What came after the checkpoint was recorded, the last line only in part.
    copyFileSync(copy, file)
    appendFileSync(join(folder, 'metrics.jsonl'), '{"epoch":9,"st')
    writeFileSync(join(folder, 'checkpoints', 'last.safetensors.77.part'), 'half a check')
    const resumed = await train(on, { run: folder, resume: true })
    expect(numbersOf(resumed)).toEqual(straight)
    expect(existsSync(join(folder, 'checkpoints', 'last.safetensors.77.part'))).toBe(false)
    const lines = readFileSync(join(folder, 'metrics.jsonl'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((l) => JSON.parse(l))
    expect(lines.map(({ epoch, step }) => [epoch, step])).toEqual([
      [1, 7],
      [undefined, 10],
      [2, 14],
      [undefined, 20],
      [3, 21],
      [4, 28],
    ])
  })

  test('and a finished run goes on for more epochs', async () => {
    const straight = await whole()
    const folder = join(temporaryFolder(), 'run')
    await train(on, { run: folder, epochs: 2 })
    const more = await train(on, { run: folder, epochs: 4, resume: true })
    expect(numbersOf(more)).toEqual(straight)
    const again = await train(on, { run: folder, epochs: 4, resume: true })
    expect(again.run.ending).toBe('done')
    expect(numbersOf(again)).toEqual(straight)
  })
})

test('a transform sees the same examples again', async () => {
  const options = {
    transform: (example: Float32Array, _: readonly number[], random: { normal(): number }) => {
      example[0] += random.normal() / 10
    },
  }
  const straight = numbersOf(await train(on, options))
  expect(straight).not.toEqual(await whole())
  const folder = join(temporaryFolder(), 'run')
  await train(on, {
    ...options,
    run: folder,
    epochs: 4,
    callbacks: stopAfter(9),
  })
  expect(numbersOf(await train(on, { ...options, run: folder, resume: true }))).toEqual(straight)
})

test('early stopping counts on, and the best network is restored', async () => {
  const options = () => ({
    epochs: 30,
    optimizer: optim.sgd({ learningRate: 3 }),
    earlyStopping: { patience: 3, restoreBest: true },
  })
  const straight = await train(on, options())
  expect(straight.run.ending).toBe('early')
  const folder = join(temporaryFolder(), 'run')
  const stopAt = 7 * ((straight.run.best?.epoch ?? 0) + 1) + 2
  expect((await train(on, { ...options(), run: folder, callbacks: stopAfter(stopAt) })).run.ending).toBe('stopped')
  const resumed = await train(on, { ...options(), run: folder, resume: true })
  expect(numbersOf(resumed)).toEqual(numbersOf(straight))
  // The run's network is the best one.
  const net = await tenon.load(join(folder, 'model.safetensors'))
  const best = await tenon.load(join(folder, 'checkpoints', 'best.safetensors'))
  expect(net.state()['0.weight'].dataSync()).toEqual(best.state()['0.weight'].dataSync())
})

describe('refused', () => {
  test('another network, data, batch size or optimizer, before anything changes', async () => {
    const folder = join(temporaryFolder(), 'run')
    await train(on, { run: folder, epochs: 1 })
    const resume = { run: folder, resume: true }
    await expect(train(on, resume, network(9))).rejects.toThrow(
      `${folder}: cannot resume this run: it trained another network`,
    )
    await expect(train(on, { ...resume, batchSize: 10 })).rejects.toThrow('batchSize is 10, it was 8')
    await expect(train(on, { ...resume, optimizer: optim.sgd({ learningRate: 0.1 }) })).rejects.toThrow(
      'the optimizer is sgd, it was adam',
    )
    await expect(train(on, { run: folder })).rejects.toThrow('there is a run in this folder already')
  })

  test('a checkpoint of another network, or cut short', async () => {
    const [folder, other] = [join(temporaryFolder(), 'run'), join(temporaryFolder(), 'other')]
    await train(on, { run: folder, epochs: 1 })
    const file = join(folder, 'checkpoints', 'last.safetensors')
    const whole = readFileSync(file)
    const net = network()
    const before = net.state()['0.weight'].dataSync()
    for (const length of [0, 7, 100, whole.length - 1]) {
      writeFileSync(file, whole.subarray(0, length))
      await expect(train(on, { run: folder, resume: true }, net)).rejects.toThrow(file)
    }
    await train(on, { run: other, epochs: 1 }, nn.sequential(nn.linear(2, 2)))
    copyFileSync(join(other, 'checkpoints', 'last.safetensors'), file)
    await expect(train(on, { run: folder, resume: true }, net)).rejects.toThrow(
      `${folder}: the last checkpoint is of another network than the one to train`,
    )
    expect(net.state()['0.weight'].dataSync()).toEqual(before)
  })
})
