// Folding (Telgarsky 2016): the tent map again and again, by which few layers make exponentially many pieces.

import { relu } from './activation.ts'
import { sequential } from './container.ts'
import { values } from './init.ts'
import { linear } from './linear.ts'
import type { Module } from './module.ts'
import { checkWhole, type ParameterOptions } from './parameter.ts'

/**
 * A network of `times` folds of [0, 1] onto itself, each the tent 2 relu(x) − 4 relu(x − ½): 2^times linear pieces with two
 * units a fold, for which one layer needs 2^times − 1. x [..., 1] to [..., 1]; the weights can be trained. Throws when `times` is not a whole
 * number of at least 1.
 *
 *     const sawtooth = nn.fold(3) // rises and falls four times between 0 and 1
 */
export function fold(times: number, options: Pick<ParameterOptions, 'dtype'> = {}): Module<['...', 1], ['...', 1]> {
  checkWhole('fold', { times })
  const given = { ...options, init: values([1, 1]), biasInit: values([0, -0.5]) }
  const tent = (): Module[] => [
    linear(1, 2, given),
    relu(),
    linear(2, 1, { ...options, bias: false, init: values([2, -4]) }),
  ]
  return sequential(...Array.from({ length: times }, tent).flat()) as Module<['...', 1], ['...', 1]>
}
