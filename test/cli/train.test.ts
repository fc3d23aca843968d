// `tenon train`: what it prints for programs and for people, what it saves, and how it is interrupted and resumed.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { configure, tensor } from '../../src/tensor/index.ts'
import { load, predict } from '../../src/train/index.ts'
import { temporaryFolder } from '../train/support.ts'
import { bundledTenon, linesOf } from './support.ts'

vi.setConfig({ testTimeout: 60_000 })

const tenon = await bundledTenon()
configure({ backend: 'reference' })

test('xor as JSON lines, saved and loaded', async () => {
  const cwd = temporaryFolder()
  const { code, stdout, stderr } = await tenon.run(['train', 'xor', '--json', '--threads', '2'], { cwd })
  expect([code, stderr]).toEqual([0, ''])
  const [start, ...rest] = linesOf(stdout)
  const done = rest.pop()
  expect(start).toEqual({
    event: 'start',
    recipe: 'xor',
    model: 'mlp',
    backend: 'wasm',
    threads: 2,
    epochs: 500,
    batch: 4,
    lr: 0.05,
    seed: 0,
    parameters: 42,
    trainExamples: 4,
    testExamples: 0,
    run: join('runs', 'xor-mlp-1'),
    resumedAt: null,
  })
  expect(rest.map(({ event, epoch }) => [event, epoch])).toEqual(
    Array.from({ length: 500 }, (_, i) => ['epoch', i + 1]),
  )
  expect(Object.keys(rest[0])).toEqual([
    'event',
    'epoch',
    'epochs',
    'step',
    'seconds',
    'trainLoss',
    'trainAccuracy',
    'testLoss',
    'testAccuracy',
  ])
  expect(done).toEqual({
    event: 'done',
    recipe: 'xor',
    model: 'mlp',
    backend: 'wasm',
    threads: 2,
    epochs: 500,
    seconds: expect.any(Number),
    trainLoss: expect.closeTo(0, 2),
    testLoss: null,
    testAccuracy: null,
    run: join('runs', 'xor-mlp-1'),
  })
  const net = await load(join(cwd, 'runs', 'xor-mlp-1', 'model.safetensors'))
  const outputs = await predict(
    net,
    tensor([
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
    ]),
  )
  expect([...outputs.argmax(1).dataSync()]).toEqual([0, 1, 1, 0])
})

test('no linear model learns xor: the loss ends at ln 2', async () => {
  const { stdout } = await tenon.run(['train', 'xor', '--model', 'linear', '--json'], { cwd: temporaryFolder() })
  expect(linesOf(stdout).at(-1)).toMatchObject({ event: 'done', trainLoss: expect.closeTo(Math.LN2, 4) })
})

test('the spiral needs a hidden layer', async () => {
  const last = async (model: string) => {
    const { stdout } = await tenon.run(['train', 'spiral', '--model', model, '--json'], { cwd: temporaryFolder() })
    return linesOf(stdout).at(-1)?.testAccuracy
  }
  expect(await last('linear')).toBeLessThan(0.7)
  expect(await last('mlp')).toBeGreaterThan(0.95)
})

test('digits for people: epochs, chart, confusion, misread digits, and what to do next, in 80 columns without colours', async () => {
  const cwd = temporaryFolder()
  const args = ['train', 'digits', '--model', 'linear', '--epochs', '1', '--out', 'mine']
  const { code, stdout, stderr } = await tenon.run(args, { cwd })
  expect(code).toBe(0)
  expect(stderr).toMatch(/^epoch 1\/1 {2}loss \d\.\d{4} {2}accuracy \d\d\.\d\d % {2}│ validation /)
  expect(stdout).toContain('digits · linear')
  expect(stdout).toContain(
    '10,000 examples, 2,000 to test · batch 64 · Adam, rate 0.001, falling at the end\n7,850 parameters · wasm, ',
  )
  expect(stdout).toMatch(/Training loss\n.*┼/)
  expect(stdout).toMatch(/Confusion.*\n {5} {4}0 {4}1 .*\n {4}0 /)
  expect(stdout).toMatch(/Misclassified:\n[\s\S]*[▀▄█]{3}[\s\S]*\d, taken for \d/)
  expect(stdout).toMatch(/\d\d\.\d\d % of the test examples right \(\d+ of 2,000 wrong\), loss /)
  expect(stdout).toMatch(/Saved in {3}mine\n/)
  expect(stdout).toContain('npx tenon train digits --resume --out mine --epochs 2')
  expect(stdout).toContain("const net = await load('mine/model.safetensors')")
  expect(stdout + stderr).not.toContain(String.fromCharCode(27))
  for (const line of [...stdout.split('\n'), ...stderr.split('\n')]) expect(line.length).toBeLessThanOrEqual(80)
})

test('Ctrl-C ends after the running step with a checkpoint, and the resumed run has the numbers of one that was left alone', async () => {
  const cwd = temporaryFolder()
  const args = ['train', 'spiral', '--epochs', '600', '--json']
  const straight = await tenon.run([...args, '--out', 'straight'], { cwd })
  let isSent = false
  const onOutput = (output: string, child: { kill(signal: 'SIGINT'): boolean }): void => {
    if (!isSent && output.includes('"epoch":5,')) isSent = child.kill('SIGINT')
  }
  const stopped = await tenon.run([...args, '--out', 'stopped'], { cwd, onOutput })
  expect(stopped.code).toBe(130)
  expect(stopped.stderr).toBe('tenon: stopped; go on with: npx tenon train spiral --resume --out stopped\n')
  expect(linesOf(stopped.stdout).at(-1)?.event).toBe('epoch')
  expect(existsSync(join(cwd, 'stopped', 'model.safetensors'))).toBe(false)

  const resumed = await tenon.run(['train', 'spiral', '--resume', '--out', 'stopped', '--json'], { cwd })
  expect([resumed.code, resumed.stderr]).toEqual([0, ''])
  const both = [...linesOf(stopped.stdout), ...linesOf(resumed.stdout)]
  expect(numbersOf(both)).toEqual(numbersOf(linesOf(straight.stdout)))
  const model = (folder: string) => readFileSync(join(cwd, folder, 'model.safetensors'))
  expect(model('stopped').equals(model('straight'))).toBe(true)
})

test('--resume takes the latest run of the recipe, for more epochs too, but not with other settings', async () => {
  const cwd = temporaryFolder()
  await tenon.run(['train', 'xor', '--epochs', '3', '--json'], { cwd })
  await tenon.run(['train', 'xor', '--epochs', '4', '--lr', '0.1', '--json'], { cwd })
  const { stdout } = await tenon.run(['train', 'xor', '--epochs', '6', '--resume', '--json'], { cwd })
  expect(linesOf(stdout)).toMatchObject([
    { event: 'start', run: join('runs', 'xor-mlp-2'), lr: 0.1, resumedAt: { epoch: 4, step: 4 } },
    { event: 'epoch', epoch: 5 },
    { event: 'epoch', epoch: 6 },
    { event: 'done', epochs: 6 },
  ])
  const wrong = async (...args: string[]) => (await tenon.run(['train', ...args], { cwd })).stderr
  expect(await wrong('xor', '--resume', '--lr', '0.2')).toBe(
    'tenon: --lr 0.2: the run in runs/xor-mlp-2 was begun with 0.1; leave it out, or begin a new run\n',
  )
  expect(await wrong('spiral', '--resume', '--out', 'runs/xor-mlp-1')).toBe(
    'tenon: runs/xor-mlp-1: is a run of xor: tenon train xor --resume --out runs/xor-mlp-1\n',
  )
  expect(await wrong('xor', '--out', 'runs/xor-mlp-1')).toContain('there is a run in this folder already')
})

test('another seed, the same seed, and another number of threads', async () => {
  const run = async (...args: string[]) => {
    const { stdout } = await tenon.run(['train', 'spiral', '--epochs', '3', '--json', ...args], {
      cwd: temporaryFolder(),
    })
    return numbersOf(linesOf(stdout))
  }
  const first = await run('--threads', '1')
  expect(await run('--threads', '2')).toEqual(first)
  expect(await run('--seed', '1')).not.toEqual(first)
})

/** What the epochs came to, without times. */
const numbersOf = (lines: readonly Record<string, unknown>[]) =>
  lines.filter(({ event }) => event === 'epoch').map(({ seconds, ...numbers }) => numbers)
