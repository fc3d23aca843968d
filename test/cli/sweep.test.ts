// tenon rate and tenon sweep: what they print for programs and people, and that an interrupted sweep goes on where it was.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { temporaryFolder } from '../train/support.ts'
import { bundledTenon, linesOf } from './support.ts'

vi.setConfig({ testTimeout: 60_000 })

const tenon = await bundledTenon()
const words = (line: string): string[] => line.split(' ')

test('rate proposes one, with the curve and the command that uses it', async () => {
  const cwd = temporaryFolder()
  const { code, stdout } = await tenon.run(words('rate xor --from 1e-4 --to 1 --steps 40'), { cwd })
  expect(code).toBe(0)
  expect(stdout).toMatch(/falls fastest at 0\.\d+: a rate to begin with/)
  expect(stdout).toMatch(/train xor --model mlp --lr 0\.\d+/)
  expect(stdout).toContain('┤')
  for (const line of stdout.split('\n').slice(2, 13)) expect(line.length).toBeLessThanOrEqual(80)
  expect(readdirSync(cwd)).toEqual([])
})

test('rate --json: a line for each rate, then what was found', async () => {
  const { stdout } = await tenon.run(words('rate xor --steps 40 --to 1e-2 --json'), { cwd: temporaryFolder() })
  const lines = linesOf(stdout)
  expect(lines).toHaveLength(41)
  expect(lines[0]).toEqual({ event: 'rate', step: 1, rate: 1e-7, loss: expect.any(Number) })
  expect(lines[40]).toMatchObject({ event: 'done', recipe: 'xor', model: 'mlp', diverged: null })
})

test('a sweep that was interrupted goes on and ends with the numbers of one that was not', async () => {
  const [whole, cut] = [temporaryFolder(), temporaryFolder()]
  const line = 'sweep xor --lr 0.5,0.05 --seeds 2 --epochs 40 --threads 1 --json --out s'
  const trialsOf = (output: string) =>
    linesOf(output).flatMap(({ event, seconds, ...rest }) => (event === 'trial' ? [rest] : []))
  const { code, stdout } = await tenon.run(words(line), { cwd: whole })
  expect(code).toBe(0)
  const trials = trialsOf(stdout)
  expect(trials.map(({ learningRate, seed }) => [learningRate, seed])).toEqual([
    [0.5, 0],
    [0.5, 1],
    [0.05, 0],
    [0.05, 1],
  ])
  expect(linesOf(stdout).at(-1)).toMatchObject({ event: 'done', learningRate: expect.any(Number), run: 's' })

  const first = await tenon.run(words(line), {
    cwd: cut,
    onOutput: (output, child) => {
      if (output.includes('"trial"')) child.kill('SIGKILL')
    },
  })
  expect(first.signal).toBe('SIGKILL')
  const second = await tenon.run(words(`${line} --resume`), { cwd: cut })
  expect(second.code).toBe(0)
  expect(trialsOf(second.stdout)).toEqual(trials)
  const losses = (folder: string) => readFileSync(join(folder, 's', 'rate-0.05-seed-1', 'metrics.jsonl'), 'utf8')
  const values = (folder: string) => linesOf(losses(folder)).flatMap(({ loss }) => (loss === undefined ? [] : [loss]))
  expect(values(cut)).toEqual(values(whole))
})
