// Whitening: a frozen convolution that is computed from data, after which patches of images are uncorrelated and of unit size.

import { misfit, mistake } from '../graph/refuse.ts'
import { show, sizeOf } from '../graph/shape.ts'
import { concat, type Tensor, Variable } from '../tensor/index.ts'
import { checkExtents } from './convolution.ts'
import { defineModule } from './define.ts'
import * as functional from './functional/index.ts'
import { zeros } from './init.ts'
import type { Module } from './module.ts'
import { buffer, checkPositive, checkWhole, given, parameter } from './parameter.ts'

export interface WhiteningOptions {
  /** Whether each filter comes with its negative, for an activation that cuts half; true unless told. */
  readonly mirrored?: boolean
  /** A trained bias [outputs], zero at first; true unless told. */
  readonly bias?: boolean
  readonly dtype?: 'float32' | 'float64'
}

/**
 * A convolution of x [n, inputs, h, w] without padding whose weight is a buffer: `whiten` computes it from images, and training
 * leaves it alone (Jordan 2024). It has inputs · kernel elements outputs, or twice as many when mirrored.
 *
 *     const first = nn.whitening(3, 2)
 *     nn.whiten(first, images, { eigh: linalg.eigh })
 */
export function whitening<const In extends number>(
  inputs: In,
  kernel: functional.PerAxis,
  options: WhiteningOptions = {},
): Module<['n', In, 'h', 'w'], ['n', number, number, number], 'whitening'> {
  const { mirrored = true, bias = true, dtype = 'float32' } = options
  checkWhole('whitening', { inputs })
  checkExtents('whitening', 2, { kernel }, 1)
  const extents = functional.perAxis(kernel, 2)
  const own: number = inputs * sizeOf(extents)
  const outputs = mirrored ? 2 * own : own
  return defineModule({
    kind: 'whitening',
    label: `${inputs}→${outputs} ${extents.join('×')}`,
    options: { inputs, kernel, ...given({ mirrored, bias, dtype }, { mirrored: true, bias: true, dtype: 'float32' }) },
    shapes: { in: ['n', inputs, 'h', 'w'], out: ['n', outputs, '?', '?'] },
    ...(bias ? { parameters: { bias: parameter('bias', [outputs], zeros(), dtype) } } : {}),
    buffers: { weight: buffer('weight', [outputs, inputs, ...extents], 0, dtype) },
    forward: (x, { weight, bias: shift }: { readonly weight: Tensor; readonly bias?: Tensor }) =>
      functional.convolution(x, weight, shift),
  }) as unknown as Module<['n', In, 'h', 'w'], ['n', number, number, number], 'whitening'>
}

export interface WhitenOptions {
  /** Eigenvalues and eigenvectors of a symmetric matrix: `eigh` of tenon/linalg, which this floor leaves to who needs it. */
  readonly eigh: (matrix: Tensor) => { values: Tensor; vectors: Tensor }
  /** Added to each eigenvalue, so that directions in which data hardly varies are not blown up; 5e-4 unless told. */
  readonly epsilon?: number
}

/**
 * Computes the weight of a `whitening` layer from images [n, inputs, h, w]: eigenvectors of the patches' second moments, each over
 * √(eigenvalue + ε), the largest first, and their negatives when mirrored. Throws on other layers and shapes.
 */
export function whiten(layer: Module, images: Tensor, options: WhitenOptions): void {
  const { weight } = layer.namedBuffers()
  if (layer.kind !== 'whitening' || !(weight instanceof Variable))
    throw mistake(`whiten: the layer is a ${layer.kind}: it takes one of nn.whitening`)
  const { epsilon = 5e-4 } = options
  checkPositive('whiten', { epsilon })
  const [outputs, inputs, ...kernel] = weight.shape
  if (images.rank !== 4 || images.shape[1] !== inputs || images.shape[0] === 0)
    throw misfit(`whiten: images ${show(images.shape)}: expected [n, ${inputs}, h, w]`)
  const filters = whiteningFilters(images, kernel, options.eigh, epsilon)
  weight.assign(filters.shape[0] === outputs ? filters : concat([filters, filters.neg()]))
}

/** The filters [c · kernel elements, c, ...kernel] themselves. */
function whiteningFilters(
  images: Tensor,
  kernel: readonly number[],
  eigh: WhitenOptions['eigh'],
  epsilon: number,
): Tensor {
  const patches = functional.unfold(images, { kernel }).transpose(1, 2)
  const [n, positions, size] = patches.shape as [number, number, number]
  const rows = patches.reshape([n * positions, size])
  const { values, vectors } = eigh(
    rows
      .transpose()
      .matmul(rows)
      .div(n * positions),
  )
  const scaled = vectors.mul(values.maximum(0).add(epsilon).rsqrt().unsqueeze(0).broadcastTo([size, size]))
  return scaled
    .transpose()
    .flip(0)
    .reshape([size, images.shape[1], ...kernel])
}
