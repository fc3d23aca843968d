// The benchmark does the same work as its peers: equal losses after five updates, and the promised fields.
import { tmpdir } from 'node:os'
import { beforeAll, describe, expect, it } from 'vitest'
import { bundledTenon, linesOf, type Tenon } from './support.ts'

let tenon: Tenon
beforeAll(async () => {
  tenon = await bundledTenon()
}, 30_000)

const bench = async (...args: string[]): Promise<Record<string, unknown>> => {
  const { code, stdout, stderr } = await tenon.run(['bench', ...args, '--json'], {
    cwd: tmpdir(),
    env: { BUDGET_MS: '1' },
  })
  expect(code, stderr).toBe(0)
  const lines = linesOf(stdout)
  expect(lines).toHaveLength(1)
  return lines[0]
}

describe('tenon bench --json', () => {
  // The peers' losses; that of xor is the one that JAX, PyTorch and TensorFlow.js print.
  it.each([
    ['xor', 0.69075],
    ['mlp', 1.57958],
    ['cnn', 1.70051],
    ['gpt', 3.99451],
  ])('%s has the loss of the peers after five updates', { timeout: 60_000 }, async (workload, loss5) => {
    const line = await bench(workload)
    expect(Object.keys(line)).toEqual([
      'event',
      'workload',
      'backend',
      'threads',
      'medianMs',
      'minMs',
      'firstStepMs',
      'firstLoss',
      'loss5',
      'lastLoss',
    ])
    expect(line).toMatchObject({ event: 'bench', workload, backend: 'wasm' })
    expect(Math.abs((line.loss5 as number) - loss5)).toBeLessThan(1e-4 * loss5)
  })

  it('holds a map against what a copy takes', { timeout: 60_000 }, async () => {
    const line = await bench('scale-add', '--threads', '2')
    expect(line).toMatchObject({ workload: 'scale-add', threads: 2 })
    for (const value of [line.gbPerS, line.copyMs, line.timesCopy]) expect(value).toBeGreaterThan(0)
  })

  it('gives bytes a second for elementwise work, and its bound', { timeout: 60_000 }, async () => {
    const line = await bench('elementwise', '--threads', '1', '--bound')
    expect(line).toMatchObject({ workload: 'elementwise', threads: 1 })
    for (const value of [line.gbPerS, line.boundMs]) expect(value).toBeGreaterThan(0)
  })
})
