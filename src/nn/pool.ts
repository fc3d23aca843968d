// Pooling layers of sequences, images and volumes: by windows, to given extents, over the whole, and back.

import { misfit, mistake } from '../graph/refuse.ts'
import { sameShape, show } from '../graph/shape.ts'
import type { Tensor } from '../tensor/index.ts'
import { checkExtents } from './convolution.ts'
import { defineModule } from './define.ts'
import * as functional from './functional/index.ts'
import type { Module, Running } from './module.ts'
import { given } from './parameter.ts'

export type PoolLayerOptions = Omit<functional.PoolOptions, 'kernel'>

export interface AveragePoolLayerOptions extends PoolLayerOptions {
  /** Whether padding counts as zeros; true unless told. */
  readonly countPadding?: boolean
}

export type Pool2dOptions = PoolLayerOptions
export type AveragePool2dOptions = AveragePoolLayerOptions

/** From x [n, c, ...spatial] with so many spatial axes to the same with other extents. */
type Pool<Axes extends keyof Spatial, Kind extends string> = Module<
  ['n', 'c', ...Spatial[Axes]],
  ['n', 'c', ...Unknown[Axes]],
  Kind
>
interface Spatial {
  readonly 1: ['l']
  readonly 2: ['h', 'w']
  readonly 3: ['d', 'h', 'w']
}
interface Unknown {
  readonly 1: [number]
  readonly 2: [number, number]
  readonly 3: [number, number, number]
}
const spatial: Spatial = { 1: ['l'], 2: ['h', 'w'], 3: ['d', 'h', 'w'] }

const label = (kernel: functional.PerAxis, axes: number): string => functional.perAxis(kernel, axes).join('×')

/** A layer that maps each channel's extents to others. */
function layer<const Axes extends keyof Spatial, const Kind extends string>(
  kind: Kind,
  axes: Axes,
  rest: Pick<Parameters<typeof defineModule>[0], 'label' | 'options' | 'forward'>,
): Pool<Axes, Kind> {
  return defineModule({
    kind,
    shapes: { in: ['n', 'c', ...spatial[axes]], out: ['n', 'c', ...spatial[axes].map(() => '?')] },
    ...rest,
  }) as Module as Pool<Axes, Kind>
}

type MaxPool<Axes extends keyof Spatial, Kind extends string> = (
  kernel: functional.PerAxis,
  options?: PoolLayerOptions,
) => Pool<Axes, Kind>
type AveragePool<Axes extends keyof Spatial, Kind extends string> = (
  kernel: functional.PerAxis,
  options?: AveragePoolLayerOptions,
) => Pool<Axes, Kind>

function windows<const Axes extends keyof Spatial, const Kind extends string>(
  kind: Kind,
  axes: Axes,
  forward: (x: Tensor, options: functional.AveragePoolOptions, axes: number) => Tensor,
): AveragePool<Axes, Kind> {
  return (kernel, options = {}) => {
    const { stride = kernel, padding = 0, dilation = 1, ceil, countPadding } = options
    checkExtents(kind, axes, { kernel, stride, dilation }, 1)
    checkExtents(kind, axes, { padding }, 0)
    return layer(kind, axes, {
      label: label(kernel, axes),
      options: {
        kernel,
        ...given(
          { stride, padding, dilation, ceil, countPadding },
          { stride: kernel, padding: 0, dilation: 1, ceil: false, countPadding: true },
        ),
      },
      forward: (x) => forward(x, { ...options, kernel }, axes),
    })
  }
}

/** The largest element of each window of x [n, c, l]; the stride is the kernel unless told. As PyTorch's `MaxPool1d`. */
export const maxPool1d: MaxPool<1, 'maxPool1d'> = windows('maxPool1d', 1, functional.maxPool)
/** The same of x [n, c, h, w]. */
export const maxPool2d: MaxPool<2, 'maxPool2d'> = windows('maxPool2d', 2, functional.maxPool)
/** The same of x [n, c, d, h, w]. */
export const maxPool3d: MaxPool<3, 'maxPool3d'> = windows('maxPool3d', 3, functional.maxPool)

/** The mean of each window of x [n, c, l]; the stride is the kernel unless told. As PyTorch's `AvgPool1d`. */
export const averagePool1d: AveragePool<1, 'averagePool1d'> = windows('averagePool1d', 1, functional.averagePool)
/** The same of x [n, c, h, w]. */
export const averagePool2d: AveragePool<2, 'averagePool2d'> = windows('averagePool2d', 2, functional.averagePool)
/** The same of x [n, c, d, h, w]. */
export const averagePool3d: AveragePool<3, 'averagePool3d'> = windows('averagePool3d', 3, functional.averagePool)

function adaptive<const Axes extends keyof Spatial, const Kind extends string>(
  kind: Kind,
  axes: Axes,
  forward: (x: Tensor, output: functional.PerAxis, axes: number) => Tensor,
): (output: functional.PerAxis) => Pool<Axes, Kind> {
  return (output) => {
    checkExtents(kind, axes, { output }, 1)
    return layer(kind, axes, {
      label: label(output, axes),
      options: { output },
      forward: (x) => forward(x, output, axes),
    })
  }
}

type Adaptive<Axes extends keyof Spatial, Kind extends string> = (output: functional.PerAxis) => Pool<Axes, Kind>

/** The mean of each of `output` parts of x [n, c, l], as PyTorch's `AdaptiveAvgPool1d`. */
export const adaptiveAveragePool1d: Adaptive<1, 'adaptiveAveragePool1d'> = adaptive(
  'adaptiveAveragePool1d',
  1,
  functional.adaptiveAveragePool,
)
/** The same along both axes of x [n, c, h, w]. */
export const adaptiveAveragePool2d: Adaptive<2, 'adaptiveAveragePool2d'> = adaptive(
  'adaptiveAveragePool2d',
  2,
  functional.adaptiveAveragePool,
)
/** The same along all axes of x [n, c, d, h, w]. */
export const adaptiveAveragePool3d: Adaptive<3, 'adaptiveAveragePool3d'> = adaptive(
  'adaptiveAveragePool3d',
  3,
  functional.adaptiveAveragePool,
)
/** The largest element of each of `output` parts of x [n, c, l], as PyTorch's `AdaptiveMaxPool1d`. */
export const adaptiveMaxPool1d: Adaptive<1, 'adaptiveMaxPool1d'> = adaptive(
  'adaptiveMaxPool1d',
  1,
  functional.adaptiveMaxPool,
)
/** The same along both axes of x [n, c, h, w]. */
export const adaptiveMaxPool2d: Adaptive<2, 'adaptiveMaxPool2d'> = adaptive(
  'adaptiveMaxPool2d',
  2,
  functional.adaptiveMaxPool,
)
/** The same along all axes of x [n, c, d, h, w]. */
export const adaptiveMaxPool3d: Adaptive<3, 'adaptiveMaxPool3d'> = adaptive(
  'adaptiveMaxPool3d',
  3,
  functional.adaptiveMaxPool,
)

type Global<Kind extends string> = Module<['n', 'c', '...'], ['n', 'c'], Kind>
const over =
  <const Kind extends string>(kind: Kind, forward: (x: Tensor) => Tensor): (() => Global<Kind>) =>
  () =>
    defineModule({ kind, shapes: { in: ['n', 'c', '...'], out: ['n', 'c'] }, forward })

/** The mean of each channel of x [n, c, ...spatial]: [n, c]. */
export const globalAveragePool: () => Global<'globalAveragePool'> = over(
  'globalAveragePool',
  functional.globalAveragePool,
)
/** The largest element of each channel of x [n, c, ...spatial]: [n, c]. */
export const globalMaxPool: () => Global<'globalMaxPool'> = over('globalMaxPool', functional.globalMaxPool)

type PowerPool<Axes extends keyof Spatial, Kind extends string> = (
  p: number,
  kernel: functional.PerAxis,
  options?: PoolLayerOptions,
) => Pool<Axes, Kind>

function power<const Axes extends keyof Spatial, const Kind extends string>(
  kind: Kind,
  axes: Axes,
): PowerPool<Axes, Kind> {
  return (p, kernel, options = {}) => {
    const { stride = kernel, padding = 0, ceil } = options
    if (!(p > 0 && p < Infinity)) throw misfit(`${kind}: the order p is ${p}, it must be positive and finite`)
    checkExtents(kind, axes, { kernel, stride }, 1)
    checkExtents(kind, axes, { padding }, 0)
    return layer(kind, axes, {
      label: `${p}, ${label(kernel, axes)}`,
      options: { p, kernel, ...given({ stride, padding, ceil }, { stride: kernel, padding: 0, ceil: false }) },
      forward: (x) => functional.powerPool(x, p, { ...options, kernel }, axes),
    })
  }
}

/** (Σ |x|ᵖ)^(1/p) over each window of x [n, c, l], as PyTorch's `LPPool1d` for x ≥ 0. */
export const powerPool1d: PowerPool<1, 'powerPool1d'> = power('powerPool1d', 1)
/** The same of x [n, c, h, w]. */
export const powerPool2d: PowerPool<2, 'powerPool2d'> = power('powerPool2d', 2)
/** The same of x [n, c, d, h, w]. */
export const powerPool3d: PowerPool<3, 'powerPool3d'> = power('powerPool3d', 3)

/**
 * Undoes max pooling: `run` puts values [n, c, ...] at their places (see `functional.maxPoolWithIndices`) among zeros of the
 * given spatial extents. Called without places it throws.
 */
export function maxUnpool(extents: readonly number[]): Module & Running<[values: Tensor, indices: Tensor], Tensor> {
  checkExtents('maxUnpool', extents.length, { extents }, 1)
  return defineModule({
    kind: 'maxUnpool',
    label: extents.join('×'),
    options: { extents },
    forward: () => {
      throw mistake('maxUnpool: it needs the places of values too: call run(values, indices)')
    },
    run: (_, __, values: Tensor, indices: Tensor) => {
      if (values.rank !== extents.length + 2 || !sameShape(values.shape, indices.shape))
        throw misfit(
          `maxUnpool: values ${show(values.shape)} at indices ${show(indices.shape)}: expected both [n, c, ...] with ${extents.length} spatial axes`,
        )
      return functional.maxUnpool(values, indices, extents)
    },
  })
}
