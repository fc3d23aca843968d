// Dynamic convolution: kernels that a network makes of a context, for each example its own.

import { misfit, mistake } from '../graph/refuse.ts'
import { show, sizeOf } from '../graph/shape.ts'
import type { Tensor } from '../tensor/index.ts'
import { checkExtents } from './convolution.ts'
import { defineModule } from './define.ts'
import * as functional from './functional/index.ts'
import { isModule, type Module } from './module.ts'
import type { Contextual } from './multiplicative.ts'
import { checkWhole, given } from './parameter.ts'

export type DynamicConvolutionOptions = functional.ConvolutionOptions

/**
 * A convolution of x [n, inputs, ...spatial] whose weights `generator` makes for each example (Ha et al. 2016): it maps z
 * [n, context] to [n, outputs · inputs / groups · kernel elements + outputs], weights first, row-major, then biases. `run` takes x
 * and z; the call takes the channel means of x for z. `kernel` is a list with a number for each spatial axis.
 *
 *     const blur = nn.dynamicConvolution(1, 1, [3, 3], nn.linear(5, 10), { padding: 1 }).run(x, z)
 */
export function dynamicConvolution(
  inputs: number,
  outputs: number,
  kernel: readonly number[],
  generator: Module,
  options: DynamicConvolutionOptions = {},
): Contextual {
  const kind = 'dynamicConvolution'
  const { stride = 1, padding = 0, dilation = 1, groups = 1 } = options
  const axes = kernel.length
  checkWhole(kind, { inputs, outputs, groups })
  if (axes < 1 || axes > 3)
    throw misfit(`${kind}: kernel [${kernel.join(', ')}]: expected a number for each of 1 to 3 spatial axes`)
  checkExtents(kind, axes, { kernel, stride, dilation }, 1)
  if (padding !== 'same' && padding !== 'valid') checkExtents(kind, axes, { padding }, 0)
  if (inputs % groups !== 0 || outputs % groups !== 0)
    throw misfit(
      `${kind}: ${inputs} inputs and ${outputs} outputs don't divide into ${groups} groups: both must be multiples of the groups`,
    )
  if (!isModule(generator)) throw mistake(`${kind}: the generator is ${String(generator)}, it must be a module`)
  const shape = [outputs, inputs / groups, ...kernel]
  const count = sizeOf(shape)
  type Children = { readonly generator: Module }
  const run = (_: object, { generator: make }: Children, x: Tensor, z: Tensor): Tensor => {
    if (x.rank !== axes + 2 || x.shape[1] !== inputs)
      throw misfit(`${kind}: input ${show(x.shape)}: expected [n, ${inputs}, ...spatial] with ${axes} spatial axes`)
    const made = make(z)
    const [n] = x.shape
    if (made.rank !== 2 || made.shape[0] !== n || made.shape[1] !== count + outputs)
      throw misfit(`${kind}: the generator gives ${show(made.shape)}: expected [${n}, ${count + outputs}]`)
    return functional.convolutionPerExample(
      x,
      made.slice(null, [0, count]).reshape([n, ...shape]),
      made.slice(null, [count, count + outputs]),
      options,
    )
  }
  return defineModule({
    kind,
    label: `${inputs}→${outputs} ${kernel.join('×')}`,
    options: {
      inputs,
      outputs,
      kernel: [...kernel],
      ...given({ stride, padding, dilation, groups }, { stride: 1, padding: 0, dilation: 1, groups: 1 }),
    },
    children: { generator },
    forward: (x, own, children: Children) => run(own, children, x, functional.globalAveragePool(x)),
    run,
  })
}
