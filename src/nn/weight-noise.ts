// Noise on weights: a layer that is trained to give the same when its weights are slightly others.

import { mistake } from '../graph/refuse.ts'
import { random, runtime, type Tensor } from '../tensor/index.ts'
import { defineModule } from './define.ts'
import { isModule, type Module } from './module.ts'
import { checkRange } from './parameter.ts'
import { slotsOf } from './tree.ts'

/**
 * While training, the module with normal noise of the given standard deviation on its weights, those parameters that have two axes or more,
 * drawn anew in each call; otherwise the module itself (Graves 2013). Gradients are those at the noisy weights.
 *
 *     nn.weightNoise(nn.lstm(8, 16), 0.05)
 */
export function weightNoise(layer: Module, standardDeviation: number): Module {
  if (!isModule(layer)) throw mistake(`weightNoise: the layer is ${String(layer)}, it must be a module`)
  checkRange('weightNoise', { standardDeviation })
  const noisy = (weight: Tensor): Tensor => {
    const dtype = weight.dtype === 'float64' ? 'float64' : 'float32'
    return weight.add(random.normal(weight.shape, { std: standardDeviation, dtype }))
  }
  return defineModule({
    kind: 'weightNoise',
    label: `${standardDeviation}`,
    options: { standardDeviation },
    children: { layer },
    forward: (x, _, { layer: inner }) => {
      if (!runtime.training || standardDeviation === 0) return inner(x)
      // A weight that stands in several places has one noise.
      const own = new Map(
        slotsOf(inner).flatMap((s) =>
          s.role === 'parameter' && s.tensor.rank > 1 ? [[s.tensor, s.path] as const] : [],
        ),
      )
      return inner.with(Object.fromEntries([...own].map(([tensor, path]) => [path, noisy(tensor)])))(x)
    },
  })
}
