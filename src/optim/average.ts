// Averages of parameters along training, which often do better than the last ones (Polyak and Juditsky 1992).

import { checkRange } from '../graph/check.ts'
import { assignAll, noGrad, type Variable, variable } from '../tensor/index.ts'

export interface ParameterAverage {
  /** The averages, in the order of the parameters. */
  readonly values: readonly Variable[]
  /** Takes the parameters of now into the averages; call it after each step, in the compiled function or outside. */
  update(): void
  /** Exchanges parameters and averages: once to evaluate by the averages, once more to go on. */
  swap(): void
}

/**
 * The exponential moving average of parameters: a ← decay · a + (1 − decay) · p, which begins as a copy of them.
 *
 *     const average = optim.movingAverage(net.parameters(), 0.999)
 */
export function movingAverage(parameters: readonly Variable[], decay: number): ParameterAverage {
  checkRange('movingAverage', { decay }, 1)
  const values = parameters.map((p) => variable(p.add(0), { name: `${p.name}.average`, trainable: false }))
  return {
    values,
    update: () =>
      assignAll(
        values,
        values.map((average, i) => noGrad(() => average.mul(decay).add(parameters[i].mul(1 - decay)))),
      ),
    swap: () =>
      assignAll([...parameters, ...values], [...values.map((v) => v.add(0)), ...parameters.map((p) => p.add(0))]),
  }
}
