// Relaxed SIMD by wish: in processes of their own, because the switch is the whole process's and can't be undone.
import { expect, test } from 'vitest'
import { bundledTenon, linesOf } from '../cli/support.ts'
import { temporaryFolder } from '../train/support.ts'

const tenon = await bundledTenon()

async function relaxed(env: Record<string, string>): Promise<unknown> {
  const { stdout } = await tenon.run(['info', '--json', '--threads', '1'], { cwd: temporaryFolder(), env })
  return linesOf(stdout)[0].relaxedSimd
}

test('the command line switches it on unless the environment forbids it', { timeout: 60_000 }, async () => {
  expect(await relaxed({})).toBe(true)
  expect(await relaxed({ TENON_RELAXED_SIMD: '0' })).toBe(false)
})

test.each(['0', '1'])(
  'the losses of the benchmark are the peers’ with it and without: TENON_RELAXED_SIMD=%s',
  { timeout: 60_000 },
  async (value) => {
    const env = { TENON_RELAXED_SIMD: value, BUDGET_MS: '20' }
    const { stdout } = await tenon.run(['bench', 'mlp', '--json', '--threads', '2'], { cwd: temporaryFolder(), env })
    expect(linesOf(stdout)[0].loss5).toBeCloseTo(1.57958, 4)
  },
)

test('a run goes on with the arithmetic it began with', { timeout: 60_000 }, async () => {
  const cwd = temporaryFolder()
  const train = (more: string[], env: Record<string, string> = {}): Promise<{ code: number | null; stdout: string }> =>
    tenon.run(['train', 'xor', '--json', '--out', 'run', '--threads', '1', ...more], { cwd, env })
  expect((await train(['--epochs', '3'], { TENON_RELAXED_SIMD: '0' })).code).toBe(0)
  const resumed = await train(['--epochs', '6', '--resume'])
  const whole = await tenon.run(['train', 'xor', '--json', '--out', 'whole', '--threads', '1', '--epochs', '6'], {
    cwd,
    env: { TENON_RELAXED_SIMD: '0' },
  })
  const last = (text: string): unknown => linesOf(text).findLast((line) => line.event === 'done')?.trainLoss
  expect(last(resumed.stdout)).toBe(last(whole.stdout))
  expect(linesOf(resumed.stdout).some((line) => 'note' in line || 'notes' in line)).toBe(false)
})
