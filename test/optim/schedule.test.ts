/** Schedules against the PyTorch fixture, clipping against its norms. */

import { describe, expect, it } from 'vitest'
import * as optim from '../../src/optim/index.ts'
import { forEachBackend } from '../support/backends.ts'
import { expectClose } from '../support/close.ts'
import { type ReferenceArray, reference, toTensor } from '../support/reference.ts'

const { runs } = reference.schedules as { readonly runs: { readonly [name: string]: readonly number[] } }

describe('schedules', () => {
  const cases: { readonly [name: string]: { readonly schedule: optim.Schedule; readonly steps?: number } } = {
    step: { schedule: optim.decay(0.1, { every: 5, factor: 0.5 }) },
    exp: { schedule: optim.decay(0.1, { factor: 0.9 }) },
    // PyTorch's rises again after its last step, ours stays.
    cosine: { schedule: optim.cosine(0.1, { steps: 20, minimum: 0.001 }), steps: 21 },
    linear: { schedule: optim.warmup(0.1, { steps: 10, start: 0.1 }) },
    multistep: { schedule: optim.piecewise(0.1, { milestones: [4, 9], factor: 0.1 }) },
    cosine_restarts: { schedule: optim.cosineRestarts(0.1, { period: 5, growth: 2, minimum: 0.001 }) },
    poly: { schedule: optim.polynomial(0.1, { steps: 20, power: 2 }) },
    cyclic: { schedule: optim.cyclic({ low: 0.001, high: 0.1, steps: 5, factor: 0.5 }) },
    onecycle: { schedule: optim.oneCycle(0.1, { steps: 31 }) },
  }
  it('all of the fixture are there', () => {
    expect(Object.keys(cases).sort()).toEqual(Object.keys(runs).sort())
  })
  it.each(Object.keys(cases))('%s', (name) => {
    const { schedule, steps = 30 } = cases[name]
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

forEachBackend(() => {
  it('clipGlobalNorm scales all gradients together', () => {
    const known = reference.clip_grad_norm as {
      readonly before: readonly ReferenceArray[]
      readonly after: readonly ReferenceArray[]
      readonly max_norm: number
      readonly total_norm: number
    }
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
