/** Types of the transformations: functions of one example take many, derivatives have the shapes of their parts. */

import { expectTypeOf, it } from 'vitest'
import { type DType, grad, hessian, jacobian, jvp, type Tensor, valueAndGrad, vmap } from '../../src/tensor/index.ts'

declare const loss: (w: Tensor<[3, 2]>, x: Tensor<[3]>, t: Tensor<[], 'int32'>) => Tensor<[]>
declare const field: (p: Tensor<[3]>) => Tensor<[2]>

it('vmap: tensors of any shape in and out, of the same dtypes', () => {
  const mapped = vmap(loss, { in: [null, 0, 0] })
  expectTypeOf<Parameters<typeof mapped>[2]>().toEqualTypeOf<Tensor<readonly (number | string)[], 'int32'>>()
  const two = (x: Tensor<[3]>, n: number): { sum: Tensor<[]>; label: string } => ({ sum: x.sum(), label: `${n}` })
  expectTypeOf(vmap(two)).returns.toEqualTypeOf<{ sum: Tensor; label: string }>()
})

it('gradients have the shape of what they are taken by', () => {
  expectTypeOf(grad(loss)).returns.toEqualTypeOf<Tensor<[3, 2]>>()
  expectTypeOf(grad(loss, 1)).returns.toEqualTypeOf<Tensor<[3]>>()
  expectTypeOf(valueAndGrad(loss)).returns.toEqualTypeOf<[value: Tensor<[]>, gradient: Tensor<[3, 2]>]>()
  // @ts-expect-error: a gradient is one of a scalar and more, not of text
  valueAndGrad((_: Tensor) => 'text')
})

it('Jacobians have the shapes of result and argument', () => {
  expectTypeOf(jacobian(field)).returns.toEqualTypeOf<Tensor<[2, 3], DType>>()
  expectTypeOf(hessian(loss)).returns.toEqualTypeOf<Tensor<[3, 2, 3, 2], DType>>()
  expectTypeOf(jvp(field, [{} as Tensor<[3]>], [{} as Tensor<[3]>])).toEqualTypeOf<
    [value: Tensor<[2]>, tangent: Tensor<[2]>]
  >()
})
