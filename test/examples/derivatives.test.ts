// The examples of derivatives at work run, and end where theory says.
import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { bundled, temporaryFolder } from '../train/support.ts'

/** What an example prints. */
const outputOf = async (name: string): Promise<string> => {
  const program = await bundled(new URL(`../../examples/${name}.ts`, import.meta.url))
  return execFileSync(process.execPath, [program], { cwd: temporaryFolder(), encoding: 'utf8' })
}
const numberIn = (pattern: RegExp, text: string): number => Number(pattern.exec(text)?.[1])

test('per-sample gradients find the wrong labels', async () => {
  expect(numberIn(/, (\d+) have a wrong label/, await outputOf('per-sample-gradients'))).toBeGreaterThanOrEqual(16)
})

test('a gradient penalty holds the slope: the critic measures the distance', async () => {
  const output = await outputOf('gradient-penalty')
  expect(numberIn(/between the clouds: ([\d.]+)/, output)).toBeCloseTo(1, 0)
  expect(Math.abs(numberIn(/by the critic: ([\d.]+)/, output) - 4)).toBeLessThan(0.5)
})

test('MAML: one step fits a new task', async () => {
  const output = await outputOf('maml')
  expect(numberIn(/, ([\d.]+) after one step/, output)).toBeLessThan(numberIn(/sines: ([\d.]+) before/, output) / 3)
})

test('Gauss–Newton finds the curve to the last digit', async () => {
  expect(await outputOf('gauss-newton')).toContain('found 1.500000, 0.400000, 3.000000, 0.500000')
})

test('a piece of your own is accepted, one with a wrong sign refused', async () => {
  const output = await outputOf('own-piece')
  expect(output).toContain('accepted: 41 parameters')
  expect(output).toMatch(/refused: checkPiece: 2 of 6 checks failed\n {2}gradient: .*its gradient is wrong/)
})
