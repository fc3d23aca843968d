// Loop kernels as machine code: random ones equal the interpreter, bit for bit, on each set of vectors, however the iterations are cut.

import { expect, test } from 'vitest'
import { nativeLoop } from '../../src/backend/x86/loop.ts'
import type { DataArray } from '../../src/graph/dtype.ts'
import { interpretLoop } from '../kernel/interpreter.ts'
import { Chance } from '../kernel/random.ts'
import { type LoopCase, randomLoop } from '../kernel/random-loop.ts'
import { missing, nativeRunner, targets } from './native.ts'

const rounds = Number(process.env.TENON_ROUNDS ?? 400)

test.skipIf(missing !== undefined)(`random kernels ${missing ?? ''}`, { timeout: 120_000 }, () => {
  let tried = 0
  for (let seed = 0; seed < rounds; seed++) {
    const given = randomLoop(new Chance(seed))
    // Functions of float64 are not the interpreter's, bit for bit
    const target = targets[seed % targets.length]
    if (nativeLoop(given.kernel, target)?.kernel !== given.kernel) continue
    tried++
    const want = given.buffers.map((b) => b.slice())
    interpretLoop(given.kernel, given.launch, want)
    const run = nativeRunner(target, given.kernel, given.launch, given.buffers)
    const whole = run([])
    const difference = firstDifference(whole, want)
    if (difference) expect.fail(`${target.title}, seed ${seed}: ${difference}`)
    const cut = run(randomCuts(new Chance(seed), given))
    cut.forEach((buffer, i) => {
      if (!sameBits(buffer, whole[i]))
        expect.fail(`${target.title}, seed ${seed}, buffer ${i}: bits depend on the cuts`)
    })
  }
  expect(tried).toBeGreaterThan(rounds / 4)
})

function randomCuts(chance: Chance, { kernel, launch }: LoopCase): number[] {
  const step = kernel.parallel === 1 && kernel.vector === 0 ? 16 : 1
  const cuts: number[] = []
  for (let at = step; at < launch.total; at += step) if (chance.chance(0.3)) cuts.push(at)
  return cuts
}

const sameBits = (a: DataArray, b: DataArray): boolean => Buffer.from(a.buffer).equals(Buffer.from(b.buffer))

function firstDifference(got: readonly DataArray[], want: readonly DataArray[]): string | undefined {
  for (let i = 0; i < got.length; i++) {
    for (let j = 0; j < got[i].length; j++) {
      const [g, w] = [got[i][j], want[i][j]]
      if (!Object.is(g, w)) return `buffer ${i} at ${j}: ${g}, not ${w}`
    }
  }
  return undefined
}
