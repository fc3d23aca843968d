// `tenon info`, `tenon pieces` and `tenon bench`: what they print for programs and for people.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { temporaryFolder } from '../train/support.ts'
import { bundledTenon, linesOf } from './support.ts'

vi.setConfig({ testTimeout: 60_000 })

const tenon = await bundledTenon()

test('info as JSON and as a table', async () => {
  const cwd = temporaryFolder()
  const { code, stdout } = await tenon.run(['info', '--json', '--threads', '1'], { cwd })
  expect(code).toBe(0)
  expect(linesOf(stdout)).toEqual([
    {
      event: 'info',
      version: expect.any(String),
      node: process.versions.node,
      platform: expect.any(String),
      cpu: expect.any(String),
      cores: expect.any(Number),
      features: expect.any(Array),
      backend: expect.stringMatching(/^(wasm|x86)$/),
      x86: expect.any(Boolean),
      threads: 1,
      simd: true,
      relaxedSimd: expect.any(Boolean),
      sharedMemory: true,
      memoryLimit: 2 ** 32,
      machineMemory: expect.any(Number),
      missing: expect.any(Array),
    },
  ])
  const table = await tenon.run(['info'], { cwd })
  for (const row of ['Tenon', 'Node', 'CPU', 'Engine', 'SIMD', 'Threads', 'Memory', 'Missing'])
    expect(table.stdout).toMatch(new RegExp(`^${row} +\\S`, 'm'))
})

test('pieces as a page of 80 columns, as JSON and as a list', async () => {
  const cwd = temporaryFolder()
  const [page, record, list] = await Promise.all(
    [
      ['pieces', 'gelu'],
      ['pieces', 'gelu', '--json'],
      ['pieces', 'losses'],
    ].map((args) => tenon.run(args, { cwd })),
  )
  expect([page.code, record.code, list.code]).toEqual([0, 0, 0])
  for (const line of page.stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
  for (const heading of ['outputs', 'adjusts', 'shapes', 'saturates', 'watch', 'source'])
    expect(page.stdout).toMatch(new RegExp(`^${heading} +\\S`, 'm'))
  expect(page.stdout).toContain('its slope')
  const [{ family, name, curve }] = linesOf(record.stdout)
  expect([family, name]).toEqual(['activations', 'gelu'])
  expect(curve).toMatchObject({ from: -5, to: 5, values: expect.any(Array), slopes: expect.any(Array) })
  expect(list.stdout).toMatch(/^ {2}softmaxCrossEntropy {2,}\S/m)
  expect(list.stdout).not.toContain('gelu')
})

test('bench of one workload has the losses that the peers have', async () => {
  const env = { BUDGET_MS: '50', TENON_BACKEND: 'wasm' }
  const { code, stdout, stderr } = await tenon.run(['bench', 'mlp', '--json', '--threads', '1'], {
    cwd: temporaryFolder(),
    env,
  })
  expect([code, stderr]).toEqual([0, ''])
  const [line, ...others] = linesOf(stdout)
  expect(others).toEqual([])
  expect(line).toEqual({
    event: 'bench',
    workload: 'mlp',
    backend: 'wasm',
    threads: 1,
    medianMs: expect.any(Number),
    minMs: expect.any(Number),
    firstStepMs: expect.any(Number),
    firstLoss: expect.closeTo(2.30866, 4),
    loss5: expect.closeTo(1.57958, 4),
    lastLoss: expect.any(Number),
  })
})

test('bench of several runs each in a process of its own', async () => {
  const options = { cwd: temporaryFolder(), env: { BUDGET_MS: '20' } }
  const { code, stdout } = await tenon.run(['bench', 'xor', 'xor-scan', '--json'], options)
  expect(code).toBe(0)
  expect(linesOf(stdout)).toMatchObject([
    { event: 'bench', workload: 'xor', firstLoss: expect.closeTo(0.693765, 5), loss5: expect.closeTo(0.690753, 5) },
    {
      event: 'bench',
      workload: 'xor-scan',
      firstLoss: expect.closeTo(0.693765, 5),
      loss5: expect.closeTo(0.690753, 5),
    },
  ])
  const table = await tenon.run(['bench', 'xor', 'mlp-forward'], options)
  expect(table.stdout).toMatch(
    /^workload +median ms .*\nxor +[\d.e-]+ +.* 0\.69377 +0\.69075\nmlp-forward +[\d.]+ +[\d.]+ +[\d.]+\n$/,
  )
})

test('graph writes the picture of a training step', async () => {
  const cwd = temporaryFolder()
  const { code, stdout } = await tenon.run(['graph', 'xor', '--out', join('pictures', 'xor.svg')], { cwd })
  expect(code).toBe(0)
  expect(stdout).toBe(`${join('pictures', 'xor.svg')}\n`)
  const svg = readFileSync(join(cwd, 'pictures', 'xor.svg'), 'utf8')
  for (const text of ['A training step of xor with mlp', 'softmaxCrossEntropy', 'inputs', 'labels', '← backward'])
    expect(svg).toContain(text)
  for (const [args, message] of [
    [['graph', 'cats'], "tenon: unknown recipe 'cats': choose from digits, mnist, xor, spiral\n"],
    [['graph', 'xor', '--model', 'lenet'], "tenon: xor has no model 'lenet': choose from mlp, linear\n"],
  ] as const) {
    const wrong = await tenon.run(args, { cwd })
    expect(wrong).toMatchObject({ code: 2, stderr: message, stdout: '' })
  }
})
