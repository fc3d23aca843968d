/** Schedules against the PyTorch fixture, clipping against its norms. */

import { describe, expect, it } from 'vitest'
import * as optim from '../../src/optim/index.ts'
import { toTensor } from '../conformance/fixture.ts'
import { schedules } from '../conformance/schedules.ts'
import { forEachEngine } from '../support/backends.ts'
import { expectClose } from '../support/close.ts'
import { reference } from '../support/reference.ts'

const { runs } = reference.schedules

describe('schedules', () => {
  it('all of the fixture are there', () => {
    expect(Object.keys(schedules).sort()).toEqual(Object.keys(runs).sort())
  })
  it.each(Object.keys(schedules))('%s', (name) => {
    const { schedule, steps = 30 } = schedules[name]
    const expected = runs[name].slice(0, steps)
    expectClose(
      expected.map((_, step) => schedule(step)),
      expected,
      1e-12,
    )
  })

  it('stay at their end', () => {
    expect(optim.cosine(1, { steps: 10, minimum: 0.1 })(25)).toBeCloseTo(0.1, 15)
    const cycle = optim.oneCycle(1, { steps: 10 })
    expect(cycle(9)).toBeCloseTo(1 / 25e4, 15)
    expect(cycle(50)).toBe(cycle(9))
  })

  it('warm up to the first rate of what follows, from a step that moves', () => {
    const schedule = optim.warmup(optim.cosine(1, { steps: 10 }), { steps: 4 })
    expect([0, 1, 2, 3, 4].map(schedule)).toEqual([0.2, 0.4, expect.closeTo(0.6, 12), 0.8, 1])
    expect(schedule(9)).toBeCloseTo(optim.cosine(1, { steps: 10 })(5), 15)
    expect(optim.constant(0.3)(1e6)).toBe(0.3)
  })

  it('refuse numbers of steps that are none', () => {
    for (const steps of [0, -1, 1.5, Number.NaN]) {
      expect(() => optim.cosine(1, { steps })).toThrow(/cosine: steps is/)
      expect(() => optim.warmup(1, { steps })).toThrow(/warmup: steps is/)
      expect(() => optim.oneCycle(1, { steps })).toThrow(/oneCycle: steps is/)
    }
  })
})

forEachEngine(() => {
  it('clipGlobalNorm scales all gradients together', () => {
    const known = reference.clip_grad_norm
    const before = known.before.map((g) => toTensor(g))
    expect(optim.globalNorm(before).itemSync()).toBeCloseTo(known.total_norm, 12)
    optim.clipGlobalNorm(before, known.max_norm).forEach((g, i) => {
      expectClose(g, known.after[i], 1e-9)
    })
    optim.clipGlobalNorm(before, 100).forEach((g, i) => {
      expectClose(g, known.before[i], 0)
    })
  })
})
