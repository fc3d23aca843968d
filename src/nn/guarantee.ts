// Blocks that keep a promise for any parameters: monotone, convex, norm-preserving, blind to order.

import { softplus, type Tensor, withBroadcasting } from '../tensor/index.ts'
import { defineModule } from './define.ts'
import * as functional from './functional/index.ts'
import { normal } from './init.ts'
import { linear, weightAndBias } from './linear.ts'
import type { Module, Modules } from './module.ts'
import { checkWhole, given, type ParameterOptions, parameter } from './parameter.ts'

/** x softplus(W)ᵀ + b: no output falls where an input grows. Between such layers put activations that do not fall either. */
export function monotoneLinear<const In extends number, const Out extends number>(
  inputs: In,
  outputs: Out,
  options: ParameterOptions = {},
): Module<['...', In], ['...', Out], 'monotoneLinear'> {
  checkWhole('monotoneLinear', { inputs, outputs })
  return defineModule({
    kind: 'monotoneLinear',
    label: `${inputs}→${outputs}`,
    options: { inputs, outputs, ...given({ dtype: options.dtype }, { dtype: 'float32' }) },
    shapes: { in: ['...', inputs], out: ['...', outputs] },
    parameters: weightAndBias(inputs, outputs, options),
    forward: (x, { weight, bias }) => functional.linear(x, softplus(weight), bias),
  })
}

/** A network that is convex in x [..., inputs] (Amos et al. 2017): z ← softplus(W⁺ z + V x + b) with W⁺ ≥ 0, linear at the end. */
export function inputConvex<const In extends number, const Out extends number>(
  inputs: In,
  hidden: readonly number[],
  outputs: Out,
  options: Omit<ParameterOptions, 'init' | 'biasInit'> = {},
): Module<['...', In], ['...', Out], 'inputConvex'> {
  for (const units of hidden) checkWhole('inputConvex', { hidden: units })
  checkWhole('inputConvex', { inputs, outputs })
  const { dtype = 'float32' } = options
  const sizes = [...hidden, outputs]
  const children: Modules = Object.fromEntries(
    sizes.flatMap((size, i): [string, Module][] => [
      [`direct${i}`, linear(inputs, size, { dtype })],
      ...(i > 0 ? [[`above${i}`, monotoneLinear(sizes[i - 1], size, { dtype })] as [string, Module]] : []),
    ]),
  )
  return defineModule({
    kind: 'inputConvex',
    label: [inputs, ...sizes].join('→'),
    options: { inputs, hidden, outputs, ...given({ dtype }, { dtype: 'float32' }) },
    shapes: { in: ['...', inputs], out: ['...', outputs] },
    children,
    forward: (x, _, own) => {
      let z = own.direct0(x)
      for (let i = 1; i < sizes.length; i++) z = own[`above${i}`](softplus(z)).add(own[`direct${i}`](x))
      return z
    },
  })
}

/** x W with WᵀW = I: one reflection after the other, x − 2 (x·v) v / ‖v‖², for each row v of weight [reflections, size]; as many as axes unless told. */
export function orthogonal<const Size extends number>(
  size: Size,
  options: Omit<ParameterOptions, 'biasInit'> & { readonly reflections?: number } = {},
): Module<['...', Size], ['...', Size], 'orthogonal'> {
  const { reflections = size, init = normal(), dtype = 'float32' } = options
  checkWhole('orthogonal', { size, reflections })
  return defineModule({
    kind: 'orthogonal',
    label: `${size}`,
    options: { size, ...given({ reflections, dtype }, { reflections: size, dtype: 'float32' }) },
    shapes: { in: ['...', size], out: ['...', size] },
    parameters: { weight: parameter('weight', [reflections, size], init, dtype) },
    forward: (x, { weight }) =>
      withBroadcasting('numpy', () => {
        let y: Tensor = x
        for (let i = 0; i < reflections; i++) {
          const v = weight.at(i)
          y = y.sub(
            y
              .mul(v)
              .sum(-1, true)
              .mul(v.mul(v.square().sum().reciprocal().mul(2))),
          )
        }
        return y
      }),
  })
}

/** after(Σ each(xᵢ)) over the rows of x [..., items, size]: the same for any order of items (Zaheer et al. 2017). */
export const deepSet = (each: Module, after: Module): Module =>
  defineModule({
    kind: 'deepSet',
    children: { each, after },
    forward: (x, _, own) => own.after(own.each(x).sum(-2)),
  })
