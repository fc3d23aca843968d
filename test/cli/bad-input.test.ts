// Bad input, one row each: refused with one clear message that says where and what to do, nothing half-written, exit code not 0.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { csv, dataset, writeIdx } from '../../src/data/index.ts'
import * as nn from '../../src/nn/index.ts'
import { configure, zeros } from '../../src/tensor/index.ts'
import { load, save } from '../../src/train/index.ts'
import { temporaryFolder } from '../train/support.ts'
import { bundledTenon } from './support.ts'

vi.setConfig({ testTimeout: 60_000 })

const tenon = await bundledTenon()
configure({ backend: 'reference', seed: 0 })

/** Node's flag that forbids what is not allowed; its name grew up. */
const permission = process.allowedNodeEnvironmentFlags.has('--permission')
  ? '--permission'
  : '--experimental-permission'

interface CommandCase {
  readonly what: string
  /** Arguments of `tenon`; runs in a folder of its own. */
  readonly args: readonly string[]
  /** Makes the bad input in that folder. */
  readonly prepare?: (folder: string) => Promise<void> | void
  /** Arguments of Node. */
  readonly node?: readonly string[]
  readonly message: RegExp
  readonly code: 1 | 2
}

const mnist = ['train', 'mnist', '--data', '.', '--model', 'linear', '--out', 'run']
const resume = ['train', 'xor', '--resume', '--out', 'run']
const last = join('run', 'checkpoints', 'last.safetensors')

const commandCases: readonly CommandCase[] = [
  {
    what: 'an idx file that is cut short',
    args: mnist,
    prepare: (folder) => {
      writeMnist(folder)
      shorten(join(folder, 'train-images-idx3-ubyte'), -100)
    },
    message: /train-images-idx3-ubyte: .*(truncated|cut short)/i,
    code: 1,
  },
  {
    what: 'an idx file with a wrong magic number',
    args: mnist,
    prepare: (folder) => {
      writeMnist(folder)
      writeFileSync(join(folder, 'train-labels-idx1-ubyte'), Buffer.from('not a label file'))
    },
    message: /train-labels-idx1-ubyte: not an idx file: it begins with 6e 6f 74 20/,
    code: 1,
  },
  {
    what: 'a label out of range',
    args: mnist,
    prepare: (folder) => writeMnist(folder, 10),
    message: /train-labels-idx1-ubyte: label 3 is 10, expected a digit from 0 to 9/,
    code: 1,
  },
  {
    what: 'a batch larger than the data',
    args: ['train', 'xor', '--batch', '5', '--out', 'run'],
    message: /--batch 5 is larger than the data: xor table has 4 examples/,
    code: 2,
  },
  {
    what: 'a folder without the files',
    args: mnist,
    message: /mnist: no train-images-idx3-ubyte .*; name a folder with the four idx files/,
    code: 1,
  },
  {
    what: 'a checkpoint that is cut short',
    args: resume,
    prepare: async (folder) => {
      await trainXor(folder, 'run')
      shorten(join(folder, last), -9)
    },
    message: /run\/checkpoints\/last\.safetensors: .* cut short\?; put a whole one in its place, or start a new run/,
    code: 1,
  },
  {
    what: 'a checkpoint of another network',
    args: resume,
    prepare: async (folder) => {
      await trainXor(folder, 'run')
      await trainXor(folder, 'other', '--model', 'linear')
      writeFileSync(join(folder, last), readFileSync(join(folder, last.replace('run', 'other'))))
    },
    message:
      /run: the last checkpoint is of another network than the one to train; put the run's own in its place, or start a new run/,
    code: 1,
  },
  {
    what: 'a folder that cannot be written',
    args: ['train', 'xor', '--out', '/proc/run'],
    message: /\/proc\/run: cannot write in this folder \(it cannot be made\); name another one/,
    code: 1,
  },
  {
    what: 'a run folder that is a file',
    args: ['train', 'xor', '--out', 'taken'],
    prepare: (folder) => writeFileSync(join(folder, 'taken'), 'mine'),
    message: /taken: cannot write in this folder \(it is a file.*\); name another one/,
    code: 1,
  },
  {
    what: 'a worker that cannot start',
    args: ['train', 'xor', '--threads', '2', '--out', 'run'],
    // Node's permissions forbid threads here.
    node: [permission, '--allow-fs-read=*', '--allow-fs-write=*', '--no-warnings'],
    message: /a worker thread could not start .*; run with --threads 1/,
    code: 1,
  },
  {
    what: 'a piece that is none',
    args: ['pieces', 'sofmax'],
    message: /^tenon: there is no piece 'sofmax': did you mean softmax, .* or .*\? tenon pieces lists all$/,
    code: 2,
  },
  {
    what: 'no threads at all',
    args: ['train', 'xor', '--threads', '0', '--out', 'run'],
    message: /--threads <n>' argument '0' is invalid: it must be a whole number of at least 1/,
    code: 2,
  },
  {
    what: 'a learning rate that makes the loss infinite',
    args: ['train', 'xor', '--lr', '1e38'],
    message: /fit: the loss is (NaN|Infinity) in epoch \d+, .*: choose a smaller learning rate/,
    code: 1,
  },
]

describe('the command line refuses', () => {
  test.each(commandCases)('$what', async ({ args, prepare, node = [], message, code }) => {
    const cwd = temporaryFolder()
    await prepare?.(cwd)
    const before = contentOf(cwd)
    const outcome = await tenon.run([...args, '--json'], { cwd, node })
    const told = outcome.stderr.split('\n').filter((line) => line !== '')
    expect(told).toEqual([expect.stringMatching(/^tenon: /)])
    expect(told[0]).toMatch(message)
    expect(outcome.code).toBe(code)
    // Only a run that had begun may leave something, and then whole files.
    if (outcome.stdout === '') expect(contentOf(cwd)).toEqual(before)
    expect(contentOf(cwd).filter((file) => file.endsWith('.part'))).toEqual([])
  })
})

interface LibraryCase {
  readonly what: string
  readonly run: (folder: string) => unknown
  readonly message: RegExp
}

const libraryCases: readonly LibraryCase[] = [
  {
    what: 'CSV rows of different length',
    run: (folder) => {
      writeFileSync(join(folder, 'rows.csv'), 'a,b,label\n1,2,x\n1,2\n')
      return csv(join(folder, 'rows.csv'), { target: 'label' })
    },
    message: /rows\.csv.*line 3/,
  },
  {
    what: 'NaN in data',
    run: () => dataset({ name: 'mine', inputs: [0, 1, Number.NaN, 3], inputShape: [2], targets: [0, 1] }),
    message: /dataset 'mine': inputs of example 1 has NaN in column 0; remove the example or replace the value/,
  },
  {
    what: 'labels out of range',
    run: () => dataset({ name: 'mine', inputs: [0, 1], inputShape: [1], targets: [0, 2], classes: 2 }),
    message: /dataset 'mine': label of example 1 is 2, expected a whole number from 0 to 1/,
  },
  {
    what: 'modules that do not fit one another',
    run: () => nn.sequential({ 0: nn.linear(4, 5), 1: nn.relu(), 2: nn.linear(6, 7) }),
    message: /^sequential: 2 linear takes \[\.\.\., 6\], 1 relu gives \[\.\.\., 5\]: 5 is not 6/,
  },
  {
    what: 'a shape error three modules deep',
    run: () => {
      const inner = nn.sequential({ 0: nn.relu(), 1: nn.linear(4, 5) })
      const net = nn.sequential(nn.relu(), nn.sequential(nn.tanh(), inner))
      return net(zeros([2, 3]))
    },
    message: /^net\.1\.1\.1 \(linear 4→5\): expected \[\.\.\., 4\], found \[2, 3\]: 3 is not 4/,
  },
  {
    what: 'a network file that is cut short',
    run: async (folder) => {
      const file = join(folder, 'net.safetensors')
      await save(nn.linear(3, 4), file)
      shorten(file, 60)
      return load(file)
    },
    message: /net\.safetensors: cut short: the header takes \d+ bytes, only 52 follow its length/,
  },
  {
    what: 'a network file of another network',
    run: async (folder) => {
      const file = join(folder, 'net.safetensors')
      await save(nn.linear(3, 4), file)
      return load(file, nn.linear(4, 4))
    },
    message: /net\.safetensors: .*weight is float32 \[4, 3\], the network's is float32 \[4, 4\]/,
  },
  {
    what: 'a file to save to in a folder that is not there',
    run: (folder) => save(nn.linear(3, 4), join(folder, 'absent', 'net.safetensors')),
    message: /absent\/net\.safetensors: cannot be written \(it is not there\)/,
  },
]

describe('the library refuses', () => {
  test.each(libraryCases)('$what', async ({ run, message }) => {
    const folder = temporaryFolder()
    const failure = await Promise.resolve()
      .then(() => run(folder))
      .then(
        () => undefined,
        (error: unknown) => error,
      )
    expect(failure).toBeInstanceOf(Error)
    expect((failure as Error).message).toMatch(message)
    expect((failure as Error).message).not.toContain('\n')
  })
})

/** Four images and labels each for training and testing, as MNIST's files have them. */
function writeMnist(folder: string, lastLabel = 3): void {
  const images = writeIdx({ shape: [4, 28, 28], data: new Uint8Array(4 * 28 * 28) })
  for (const part of ['train', 't10k']) {
    writeFileSync(join(folder, `${part}-images-idx3-ubyte`), images)
    writeFileSync(
      join(folder, `${part}-labels-idx1-ubyte`),
      writeIdx({ shape: [4], data: Uint8Array.of(0, 1, 2, lastLabel) }),
    )
  }
}

async function trainXor(cwd: string, out: string, ...args: readonly string[]): Promise<void> {
  const { code, stderr } = await tenon.run(['train', 'xor', '--epochs', '2', '--json', '--out', out, ...args], { cwd })
  expect([code, stderr]).toEqual([0, ''])
}

/** Leaves the first bytes of a file, or cuts some off its end. */
function shorten(file: string, length: number): void {
  writeFileSync(file, readFileSync(file).subarray(0, length))
}

/** Every file and folder below a folder. */
function contentOf(folder: string): string[] {
  mkdirSync(folder, { recursive: true })
  return readdirSync(folder, { recursive: true }).map(String).sort()
}
