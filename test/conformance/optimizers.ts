/** The optimizers of the PyTorch fixture, in the library's words. */

import * as optim from '../../src/optim/index.ts'
import { compile, grad, type Tensor, tensor, variable } from '../../src/tensor/index.ts'
import type { Comparison } from './difference.ts'
import type { OptimizerRun } from './fixture.ts'

const options = ({ args }: OptimizerRun) => ({
  learningRate: Number(args.lr),
  momentum: Number(args.momentum ?? 0),
  dampening: Number(args.dampening ?? 0),
  nesterov: args.nesterov === true,
  amsgrad: args.amsgrad === true,
  ...(args.weight_decay === undefined ? {} : { weightDecay: Number(args.weight_decay) }),
})

export const optimizers: { readonly [name: string]: (run: OptimizerRun) => optim.Optimizer } = {
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

export const objectives: { readonly [name: string]: (v: Tensor) => Tensor } = {
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
      .mul(tensor(new Float64Array([1, 10, 0.1]), { dtype: v.dtype }))
      .sum()
      .mul(0.5),
}

interface TrajectoryOptions {
  readonly dtype?: 'float64' | 'float32'
  readonly tolerance?: number
  readonly compiled?: boolean
}

/**
 * PyTorch's steps, which are float64, as float32 can hold them: RAdam leaves Rosenbrock's valley for 1e101, and beyond
 * the first step that single precision calls infinite there is nothing to compare.
 */
function within(dtype: 'float64' | 'float32', steps: OptimizerRun['trajectory']): OptimizerRun['trajectory'] {
  if (dtype === 'float64') return steps
  const rounded = steps.map((values) => values.map(Math.fround))
  const infinite = rounded.findIndex((values) => !values.every(Number.isFinite))
  return infinite < 0 ? rounded : rounded.slice(0, infinite + 1)
}

/** Each step of a first-order optimizer beside PyTorch's. */
export function compareTrajectory(
  optimizer: optim.Optimizer,
  objective: string,
  { trajectory: [start, ...steps] }: OptimizerRun,
  { dtype = 'float64', tolerance = 1e-9, compiled = true }: TrajectoryOptions = {},
): Comparison[] {
  const v = variable(tensor(new Float64Array(start), { dtype }))
  const plain = (): void => optimizer.step([v], [grad(objectives[objective](v), v)])
  const step = compiled ? compile(plain) : plain
  return within(dtype, steps).map((expected, i) => {
    step()
    return { what: `step ${i + 1}`, actual: v.dataSync().slice(), expected, tolerance }
  })
}

/** L-BFGS takes the function itself: its line search asks for it as often as it likes. */
export async function compareLbfgs(
  objective: string,
  { trajectory: [start, ...steps] }: OptimizerRun,
  { dtype = 'float64', tolerance = 1e-9 }: TrajectoryOptions = {},
): Promise<Comparison[]> {
  const optimizer = optim.lbfgs({ iterations: 1 })
  const v = variable(tensor(new Float64Array(start), { dtype }))
  const comparisons: Comparison[] = []
  for (const [i, expected] of within(dtype, steps).entries()) {
    await optimizer.step([v], () => objectives[objective](v))
    comparisons.push({ what: `step ${i + 1}`, actual: v.dataSync().slice(), expected, tolerance })
  }
  return comparisons
}
