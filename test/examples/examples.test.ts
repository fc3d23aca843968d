// The examples run, and do what they say.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test, vi } from 'vitest'
import { load } from '../../src/train/index.ts'
import { bundled, temporaryFolder } from '../train/support.ts'

vi.setConfig({ testTimeout: 60_000 })

const [firstNetwork, mnist, customGradient] = await Promise.all(
  ['first-network', 'mnist', 'custom-gradient'].map((name) =>
    bundled(new URL(`../../examples/${name}.ts`, import.meta.url)),
  ),
)
const shared = fileURLToPath(new URL('../../../shared/data/mnist', import.meta.url))

test('first-network', async () => {
  const cwd = temporaryFolder()
  const output = run(firstNetwork, cwd)
  expect(output).toMatch(/total +101,770/)
  expect(Number(/read ([\d.]+) of the test digits/.exec(output)?.[1])).toBeGreaterThan(0.9)
  const net = await load(join(cwd, 'first-network.safetensors'))
  expect(net.state()['1.weight'].shape).toEqual([128, 784])
})

test('custom-gradient', () => {
  const output = run(customGradient, temporaryFolder())
  expect(Number(/accuracy ([\d.]+)/.exec(output)?.[1])).toBeGreaterThan(0.85)
})

test.skipIf(!existsSync(shared))('mnist (left out without ../shared/data/mnist beside the repository)', () => {
  const output = run(mnist, temporaryFolder(), shared, '1280')
  expect(Number(/accuracy: ([\d.]+)/.exec(output)?.[1])).toBeGreaterThan(0.8)
  expect(output).toMatch(/is a \d, taken for a \d/)
})

test('the first network of the README is the example', () => {
  const read = (path: string) => readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8')
  const code = read('examples/first-network.ts').split('\n').slice(2).join('\n').trim()
  expect(read('README.md')).toContain(code)
})

const run = (program: string, cwd: string, ...args: string[]): string =>
  execFileSync(process.execPath, [program, ...args], { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
