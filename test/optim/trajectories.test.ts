/** Optimizers step by step along the trajectories of PyTorch, eagerly and compiled. */

import { describe, expect, it } from 'vitest'
import * as optim from '../../src/optim/index.ts'
import { compile, grad, type Tensor, tensor, variable } from '../../src/tensor/index.ts'
import { forEachBackend } from '../support/backends.ts'
import { expectClose } from '../support/close.ts'
import { reference } from '../support/reference.ts'

interface Run {
  readonly args: { readonly [name: string]: number | boolean }
  readonly trajectory: readonly (readonly number[])[]
}
const { runs } = reference.optimizers as { readonly runs: { readonly [name: string]: Run } }

const options = ({ args }: Run) => ({
  learningRate: Number(args.lr),
  momentum: Number(args.momentum ?? 0),
  dampening: Number(args.dampening ?? 0),
  nesterov: args.nesterov === true,
  amsgrad: args.amsgrad === true,
  ...(args.weight_decay === undefined ? {} : { weightDecay: Number(args.weight_decay) }),
})

const makers: { readonly [name: string]: (run: Run) => optim.Optimizer } = {
  sgd: (run) => optim.sgd(options(run)),
  sgd_momentum: (run) => optim.sgd(options(run)),
  sgd_nesterov: (run) => optim.sgd(options(run)),
  sgd_damp_wd: (run) => optim.sgd(options(run)),
  adam: (run) => optim.adam(options(run)),
  adam_3e4: (run) => optim.adam(options(run)),
  adam_amsgrad_wd: (run) => optim.adam(options(run)),
  adamw: (run) => optim.adamW(options(run)),
  adagrad: ({ args }) => optim.adagrad({ learningRate: Number(args.lr) }),
  adagrad_decay: ({ args }) =>
    optim.adagrad({
      learningRate: Number(args.lr),
      rateDecay: Number(args.lr_decay),
      initialSum: Number(args.initial_accumulator_value),
    }),
  rmsprop: (run) => optim.rmsProp(options(run)),
  rmsprop_centered_mom: (run) => optim.rmsProp({ ...options(run), centered: true }),
  adadelta: (run) => optim.adadelta(options(run)),
  adamax: (run) => optim.adamax(options(run)),
  nadam: (run) => optim.nadam(options(run)),
  radam: (run) => optim.radam(options(run)),
  rprop: (run) => optim.rprop(options(run)),
  asgd: (run) => optim.averagedSgd(options(run)),
}

const objectives: { readonly [name: string]: (v: Tensor) => Tensor } = {
  rosen: (v) =>
    v
      .at(0)
      .neg()
      .add(1)
      .square()
      .add(v.at(1).sub(v.at(0).square()).square().mul(100)),
  quad: (v) =>
    v
      .square()
      .mul(tensor(new Float64Array([1, 10, 0.1])))
      .sum()
      .mul(0.5),
}

forEachBackend(() => {
  describe.each(Object.keys(makers))('%s', (name) => {
    it.each(Object.keys(objectives))('%s', (objective) => {
      const run = runs[`${name}:${objective}`]
      for (const compiled of [false, true]) {
        const optimizer = makers[name](run)
        const v = variable(tensor(new Float64Array(run.trajectory[0])))
        const plain = (): Tensor => {
          const l = objectives[objective](v)
          optimizer.step([v], [grad(l, v)])
          return l
        }
        const step = compiled ? compile(plain) : plain
        for (const expected of run.trajectory.slice(1)) {
          step()
          expectClose(v, expected, 1e-9)
        }
        expect(optimizer.stepCount).toBe(25)
      }
    })
  })

  it.each(Object.keys(objectives))('L-BFGS with its line search: %s', async (objective) => {
    const { trajectory } = runs[`lbfgs_wolfe:${objective}`]
    const optimizer = optim.lbfgs({ iterations: 1 })
    const v = variable(tensor(new Float64Array(trajectory[0])))
    const lossOf = (): Tensor => objectives[objective](v)
    for (const expected of trajectory.slice(1)) {
      await optimizer.step([v], lossOf)
      expectClose(v, expected, 1e-9)
    }
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
