/** sweep: every combination once and in order, divergence as part of the table, other errors not. */
import { expect, it } from 'vitest'
import { DivergenceError, sweep } from '../../src/train/index.ts'

it('every combination is tried, the last setting changing fastest', async () => {
  const seen: string[] = []
  const trials = await sweep({ rate: [1, 2], shape: ['a', 'b'], wide: [true] }, async ({ rate, shape, wide }) => {
    seen.push(`${rate}${shape}${wide}`)
    return { rate }
  })
  expect(seen).toEqual(['1atrue', '1btrue', '2atrue', '2btrue'])
  expect(trials.map(({ setting, values }) => [setting.shape, values])).toEqual([
    ['a', { rate: 1 }],
    ['b', { rate: 1 }],
    ['a', { rate: 2 }],
    ['b', { rate: 2 }],
  ])
})

it('a trial that diverges is noted, the others go on', async () => {
  const told: unknown[] = []
  const trial = async ({ rate }: { rate: number }) => {
    if (rate > 1) throw new DivergenceError('too fast')
    return { rate }
  }
  const trials = await sweep({ rate: [2, 1] }, trial, { onTrial: (t, done, all) => void told.push([t, done, all]) })
  const seconds = expect.any(Number)
  expect(trials).toEqual([
    { setting: { rate: 2 }, values: {}, diverged: 'too fast', seconds },
    { setting: { rate: 1 }, values: { rate: 1 }, seconds },
  ])
  expect(told).toEqual(trials.map((t, i) => [t, i + 1, 2]))
})

it('what else a trial throws ends the sweep', async () => {
  let count = 0
  const trial = async (): Promise<Record<string, number>> => {
    count++
    throw new TypeError('a mistake')
  }
  await expect(sweep({ rate: [1, 2] }, trial)).rejects.toThrow('a mistake')
  expect(count).toBe(1)
})

it('after an abort no trial begins, and the one that was running is not in the table', async () => {
  const controller = new AbortController()
  const trial = async ({ rate }: { rate: number }) => {
    if (rate === 2) controller.abort()
    return { rate }
  }
  const trials = await sweep({ rate: [1, 2, 3] }, trial, { signal: controller.signal })
  expect(trials.map(({ values }) => values.rate)).toEqual([1])
})

it('a grid without settings or values is refused', async () => {
  await expect(sweep({}, async () => ({}))).rejects.toThrow('sweep: the grid has no settings')
  await expect(sweep({ rate: [] }, async () => ({}))).rejects.toThrow("sweep: there are no values to try of 'rate'")
})
