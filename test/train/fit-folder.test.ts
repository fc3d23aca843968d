// fit with a run folder: what is in it, and what is refused before there is one.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import * as nn from '../../src/nn/index.ts'
import * as tenon from '../../src/train/index.ts'
import { train } from './networks.ts'
import { temporaryFolder } from './support.ts'

const on = { backend: 'reference', threads: 1 } as const

test('a run folder tells what it takes to build the run again', async () => {
  const folder = join(temporaryFolder(), 'deep', 'run')
  const { run, net } = await train(on, { run: folder, epochs: 2, settings: { recipe: 'points' } })
  expect(run.folder).toBe(folder)
  expect(readdirSync(folder).sort()).toEqual(['checkpoints', 'config.json', 'metrics.jsonl', 'model.safetensors'])
  expect(readdirSync(join(folder, 'checkpoints')).sort()).toEqual(['best.safetensors', 'last.safetensors'])
  const config = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'))
  expect(config).toMatchObject({
    settings: { recipe: 'points' },
    data: { name: 'points 1', examples: 50, inputShape: [2] },
    validation: { name: 'points 2' },
    batchSize: 8,
    seed: 3,
    optimizer: { kind: 'adam' },
    engine: { backend: 'backend reference' },
  })
  const rebuilt = nn.fromConfig(config.network)
  rebuilt.loadState((await tenon.load(join(folder, 'model.safetensors'))).state())
  expect(rebuilt.state()['0.weight'].dataSync()).toEqual(net.state()['0.weight'].dataSync())
  const records = readFileSync(join(folder, 'metrics.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(records.filter((record) => 'epoch' in record)).toEqual(run.history)
})

describe('refused before any work', () => {
  const net = () => nn.sequential(nn.linear(2, 2))
  test.each<[string, Partial<tenon.FitOptions>, string]>([
    ['epochs', { epochs: -1 }, 'fit: epochs is -1, it must be a whole number of at least 0'],
    ['a batch larger than the data', { batchSize: 51 }, 'batch size 51 is larger than the data (50 examples)'],
    ['accumulation', { gradientAccumulation: 0 }, 'gradientAccumulation is 0'],
    ['clipping', { clipNorm: 0 }, 'clipNorm is 0'],
    ['checkpoints', { checkpointEvery: { steps: 0 } }, 'checkpointEvery.steps is 0'],
    ['patience', { earlyStopping: { patience: 0 } }, 'earlyStopping.patience is 0'],
    ['what to watch', { earlyStopping: { monitor: 'speed' } }, "watches 'speed', but there are only loss, accuracy"],
    ['a metric called loss', { metrics: { loss: tenon.accuracy } }, "no metric can be called 'loss'"],
    ['nothing to resume', { resume: true }, 'resume needs the folder'],
    ['a loss for each example', { loss: (y) => y.sum(1) }, 'the loss has shape [2], it must be a scalar'],
  ])('%s', async (_what, options, message) => {
    const folder = join(temporaryFolder(), 'run')
    const given = options.resume ? options : { run: folder, ...options }
    await expect(train(on, given, net())).rejects.toThrow(message)
    expect(existsSync(folder)).toBe(false)
  })

  test('a folder that cannot be written', async () => {
    await expect(train(on, { run: '/proc/tenon/run' })).rejects.toThrow('/proc/tenon/run: cannot write in this folder')
  })
})
