/** Optimizers step by step along the trajectories of PyTorch, eagerly and compiled. */

import { describe, expect, it } from 'vitest'
import * as optim from '../../src/optim/index.ts'
import { grad, tensor, variable } from '../../src/tensor/index.ts'
import { compareLbfgs, compareTrajectory, objectives, optimizers } from '../conformance/optimizers.ts'
import { forEachEngine } from '../support/backends.ts'
import { expectAllClose } from '../support/close.ts'
import { reference } from '../support/reference.ts'

const { runs } = reference.optimizers

forEachEngine(() => {
  describe.each(Object.keys(optimizers))('%s', (name) => {
    it.each(Object.keys(objectives))('%s', (objective) => {
      const run = runs[`${name}:${objective}`]
      for (const compiled of [false, true]) {
        const optimizer = optimizers[name](run)
        expectAllClose(compareTrajectory(optimizer, objective, run, { compiled }))
        expect(optimizer.stepCount).toBe(25)
      }
    })
  })

  it.each(Object.keys(objectives))('L-BFGS with its line search: %s', async (objective) => {
    expectAllClose(await compareLbfgs(objective, runs[`lbfgs_wolfe:${objective}`]))
  })

  it('Adam follows the closed form on x²/2', () => {
    const x = variable(tensor(new Float64Array([1])))
    const optimizer = optim.adam({ learningRate: 0.1 })
    const expected = [0.900000001, 0.80041223, 0.70158627, 0.60393906, 0.50796366]
    for (const value of expected) {
      optimizer.step([x], [grad(x.square().mul(0.5).sum(), x)])
      expect(x.dataSync()[0]).toBeCloseTo(value, 7)
    }
  })
})
