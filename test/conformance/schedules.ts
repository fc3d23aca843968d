/** The learning rate schedules and initialisation gains of the PyTorch fixture, in the library's words. */

import { init } from '../../src/nn/index.ts'
import * as optim from '../../src/optim/index.ts'

/** PyTorch's cosine rises again after its last step, ours stays: it is compared so far as `steps`. */
export const schedules: { readonly [name: string]: { readonly schedule: optim.Schedule; readonly steps?: number } } = {
  step: { schedule: optim.decay(0.1, { every: 5, factor: 0.5 }) },
  exp: { schedule: optim.decay(0.1, { factor: 0.9 }) },
  cosine: { schedule: optim.cosine(0.1, { steps: 20, minimum: 0.001 }), steps: 21 },
  linear: { schedule: optim.warmup(0.1, { steps: 10, start: 0.1 }) },
  multistep: { schedule: optim.piecewise(0.1, { milestones: [4, 9], factor: 0.1 }) },
  cosine_restarts: { schedule: optim.cosineRestarts(0.1, { period: 5, growth: 2, minimum: 0.001 }) },
  poly: { schedule: optim.polynomial(0.1, { steps: 20, power: 2 }) },
  cyclic: { schedule: optim.cyclic({ low: 0.001, high: 0.1, steps: 5, factor: 0.5 }) },
  onecycle: { schedule: optim.oneCycle(0.1, { steps: 31 }) },
}

export const gains: { readonly [name: string]: number } = {
  linear: init.gain('linear'),
  sigmoid: init.gain('sigmoid'),
  tanh: init.gain('tanh'),
  relu: init.gain('relu'),
  selu: init.gain('selu'),
  'leaky_relu(0.2)': init.gain('leakyRelu', 0.2),
}
