// Random loop kernels: emitted code equals the interpreter, and its bits do not depend on how the iterations are cut.

import { expect, test } from 'vitest'
import { platform } from '#platform'
import { hostFeatures } from '../../src/backend/wasm/features.ts'
import type { DataArray } from '../../src/graph/dtype.ts'
import { runner } from './emitted.ts'
import { interpretLoop } from './interpreter.ts'
import { Chance } from './random.ts'
import { type LoopCase, randomLoop } from './random-loop.ts'

/** Pages emit the same bytes as Node: there a sample is enough. */
const rounds = Number(platform.environment('TENON_ROUNDS') ?? (platform.name === 'browser' ? 40 : 400))

test('emitted kernels compute what the interpreter does', { timeout: 120_000 }, () => {
  for (let seed = 0; seed < rounds; seed++) {
    const given = randomLoop(new Chance(seed))
    const want = given.buffers.map((b) => b.slice())
    interpretLoop(given.kernel, given.launch, want)
    const run = runner(given.kernel, given.launch, given.buffers)
    const whole = run([])
    const difference = firstDifference(whole, want)
    if (difference) expect.fail(`seed ${seed}: ${difference}`)
    const cut = run(randomCuts(new Chance(seed), given))
    cut.forEach((buffer, i) => {
      if (!sameBits(buffer, whole[i])) expect.fail(`seed ${seed}, buffer ${i}: bits depend on the cuts`)
    })
  }
})

// Elements in partial vectors must be fused multiply-adds, too, where others are; only newer engines have them
test.runIf(hostFeatures().relaxedMadd)(
  'with fused multiply-adds, bits do not depend on the cuts',
  { timeout: 120_000 },
  () => {
    for (let seed = 0; seed < rounds; seed++) {
      const given = randomLoop(new Chance(seed))
      const run = runner(given.kernel, given.launch, given.buffers, true)
      const whole = run([])
      const cut = run(randomCuts(new Chance(seed), given))
      cut.forEach((buffer, i) => {
        if (!sameBits(buffer, whole[i])) expect.fail(`seed ${seed}, buffer ${i}: bits depend on the cuts`)
      })
    }
  },
)

function randomCuts(chance: Chance, { kernel, launch }: LoopCase): number[] {
  const step = kernel.parallel === 1 && kernel.vector === 0 ? 16 : 1
  const cuts: number[] = []
  for (let at = step; at < launch.total; at += step) if (chance.chance(0.3)) cuts.push(at)
  return cuts
}

function sameBits(a: DataArray, b: DataArray): boolean {
  const [x, y] = [a, b].map(({ buffer }) => new Uint8Array(buffer))
  return x.every((byte, i) => byte === y[i])
}

function firstDifference(got: readonly DataArray[], want: readonly DataArray[]): string | undefined {
  for (let i = 0; i < got.length; i++) {
    for (let j = 0; j < got[i].length; j++) {
      const [g, w] = [got[i][j], want[i][j]]
      if (Object.is(g, w)) continue
      return `buffer ${i} at ${j}: ${g}, not ${w}`
    }
  }
  return undefined
}
