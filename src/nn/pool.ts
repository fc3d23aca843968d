// Pooling layers of images.

import { defineModule } from './define.ts'
import * as functional from './functional.ts'
import type { Module } from './module.ts'
import { given } from './parameter.ts'

export type Pool2dOptions = Omit<functional.PoolOptions, 'kernel'>

export interface AveragePool2dOptions extends Pool2dOptions {
  /** Whether padding counts as zeros; true unless told. */
  readonly countPadding?: boolean
}

type Pool<Kind extends string> = Module<['n', 'c', 'h', 'w'], ['n', 'c', number, number], Kind>

const label = (kernel: functional.PerAxis): string =>
  typeof kernel === 'number' ? `${kernel}×${kernel}` : kernel.join('×')

/** The largest element of each window of x [n, c, h, w]; the stride is the kernel unless told. As PyTorch's `MaxPool2d`. */
export const maxPool2d = (kernel: functional.PerAxis, options: Pool2dOptions = {}): Pool<'maxPool2d'> =>
  defineModule({
    kind: 'maxPool2d',
    shapes: { in: ['n', 'c', 'h', 'w'], out: ['n', 'c', '?', '?'] },
    label: label(kernel),
    options: { kernel, ...given({ stride: options.stride, padding: options.padding }, { stride: kernel, padding: 0 }) },
    forward: (x) => functional.maxPool(x, { ...options, kernel }),
  })

/** The mean of each window of x [n, c, h, w]; the stride is the kernel unless told. As PyTorch's `AvgPool2d`. */
export const averagePool2d = (kernel: functional.PerAxis, options: AveragePool2dOptions = {}): Pool<'averagePool2d'> =>
  defineModule({
    kind: 'averagePool2d',
    shapes: { in: ['n', 'c', 'h', 'w'], out: ['n', 'c', '?', '?'] },
    label: label(kernel),
    options: {
      kernel,
      ...given(
        { stride: options.stride, padding: options.padding, countPadding: options.countPadding },
        { stride: kernel, padding: 0, countPadding: true },
      ),
    },
    forward: (x) => functional.averagePool(x, { ...options, kernel }),
  })
