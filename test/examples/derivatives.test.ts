// The examples of derivatives at work, and of what a neuron is, run, and end where theory says.
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

test('a spiking neuron fires as often as theory says, and an artificial one is what its rate tends to', async () => {
  const rows = [...(await outputOf('spiking-neuron')).matchAll(/^ +([\d.]+) +([\d.]+) +([\d.]+) +([\d.]+)$/gm)]
  const table = rows.map((row) => row.slice(1).map(Number))
  for (const [, simulated, theory] of table) expect(Math.abs(simulated - theory)).toBeLessThanOrEqual(0.01 * theory)
  expect(table.find(([drive]) => drive === 2)?.[2]).toBeCloseTo(72.135, 3)
  const [, , theory, artificial] = table.at(-1) ?? []
  expect(Math.abs(artificial - theory)).toBeLessThan(1)
})

test('a piece of your own is accepted, one with a wrong sign refused', async () => {
  const output = await outputOf('own-piece')
  expect(output).toContain('accepted: 41 parameters')
  expect(output).toMatch(
    /refused: checkPiece: 2 of 7 checks failed\n {2}gradient, second order: .*its gradient is wrong/,
  )
})
