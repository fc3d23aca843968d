// Pooling to given extents, over the whole extent, by other norms, and back.

import { build } from '../../graph/build.ts'
import { misfit } from '../../graph/refuse.ts'
import { sameShape, show, sizeOf } from '../../graph/shape.ts'
import { Tensor, tensor, zeros } from '../../tensor/index.ts'
import { type PerAxis, perAxis } from './per-axis.ts'
import { type PoolOptions, poolWindows } from './pool.ts'

/** The elements of each of `count` parts of an axis: from ⌊i·extent/count⌋ to ⌈(i + 1)·extent/count⌉, as PyTorch. */
function parts(extent: number, count: number): (readonly [from: number, to: number])[] {
  return Array.from({ length: count }, (_, i) => [
    Math.floor((i * extent) / count),
    Math.ceil(((i + 1) * extent) / count),
  ])
}

function spatialAxes(name: string, x: Tensor, axes: number): number[] {
  if (x.rank !== axes + 2)
    throw misfit(`${name}: input ${show(x.shape)}: expected ${axes + 2} axes, [n, c, ...spatial]`)
  return Array.from({ length: axes }, (_, i) => i + 2)
}

/** The mean of each part of x [n, c, ...spatial], which is cut into `output` parts along each of `axes` axes. */
export function adaptiveAveragePool(x: Tensor, output: PerAxis, axes = 2): Tensor {
  const counts = perAxis(output, axes, 'adaptiveAveragePool output')
  return spatialAxes('adaptiveAveragePool', x, axes).reduce((y, axis, i) => {
    const extent = x.shape[axis]
    const cut = parts(extent, counts[i])
    const weights = cut.flatMap(([from, to]) =>
      Array.from({ length: extent }, (_, k) => (k >= from && k < to ? 1 / (to - from) : 0)),
    )
    const matrix = tensor(Float64Array.from(weights), { shape: [counts[i], extent] }).cast(y.dtype)
    return y.transpose(axis, -1).matmul(matrix.transpose()).transpose(axis, -1)
  }, x)
}

/** The largest element of each part, as `adaptiveAveragePool`; the gradient goes to the first of equal ones. */
export function adaptiveMaxPool(x: Tensor, output: PerAxis, axes = 2): Tensor {
  const counts = perAxis(output, axes, 'adaptiveMaxPool output')
  // From the last axis on, so that among equals the first in row-major order is found.
  return spatialAxes('adaptiveMaxPool', x, axes).reduceRight((y, axis, i) => {
    const cut = parts(x.shape[axis], counts[i])
    const longest = Math.max(0, ...cut.map(([from, to]) => to - from))
    const indices = cut.flatMap(([from, to]) => Array.from({ length: longest }, (_, k) => Math.min(from + k, to - 1)))
    const rows = y.take(tensor(Int32Array.from(indices), { shape: [counts[i], longest] }), axis)
    return new Tensor(build.node('max', [rows.node], { axes: [axis + 1], ties: 'first' }))
  }, x)
}

/** The mean over all spatial axes of x [n, c, ...spatial]: [n, c]. */
export const globalAveragePool = (x: Tensor): Tensor => overSpace('globalAveragePool', x, (y) => y.mean(-1))
/** The largest element over all spatial axes of x [n, c, ...spatial]: [n, c]. */
export const globalMaxPool = (x: Tensor): Tensor =>
  overSpace('globalMaxPool', x, (y) => new Tensor(build.node('max', [y.node], { axes: [2], ties: 'first' })))

function overSpace(name: string, x: Tensor, f: (x: Tensor) => Tensor): Tensor {
  if (x.rank < 3) throw misfit(`${name}: input ${show(x.shape)}: expected [n, c, ...spatial]`)
  return f(x.reshape([x.shape[0], x.shape[1], sizeOf(x.shape.slice(2))]))
}

/** (Σ |x|ᵖ)^(1/p) over each window of x [n, c, ...spatial]; the gradient of a window of zeros is 0. */
export function powerPool(x: Tensor, p: number, options: PoolOptions, axes = 2): Tensor {
  if (!(p > 0 && p < Infinity)) throw misfit(`powerPool: the order p is ${p}, it must be positive and finite`)
  const windows = poolWindows(x.abs().pow(p), options, 0, axes)
  const total = windows.sum(Array.from({ length: axes }, (_, i) => windows.rank - axes + i))
  const isZero = total.equal(0)
  return isZero.where(0, isZero.where(1, total).pow(1 / p))
}

/** The largest element of each window, and its place in the flattened spatial axes, int32, for `maxUnpool`. */
export function maxPoolWithIndices(x: Tensor, options: PoolOptions, axes = 2): { values: Tensor; indices: Tensor } {
  const windows = poolWindows(x, options, -Infinity, axes)
  const last = Array.from({ length: axes }, (_, i) => windows.rank - axes + i)
  const values = new Tensor(build.node('max', [windows.node], { axes: last, ties: 'first' }))
  const chosen = new Tensor(build.node('argmax', [windows.node], { axes: last }))
  const size = perAxis(options.kernel, axes)
  const stride = perAxis(options.stride ?? size, axes)
  const padding = perAxis(options.padding ?? 0, axes)
  const dilation = perAxis(options.dilation ?? 1, axes)
  let place = chosen.mul(0)
  let rest = chosen
  for (let i = axes - 1; i >= 0; i--) {
    const within = rest.remainder(size[i])
    rest = rest.sub(within).floorDivide(size[i])
    const start = new Tensor(build.iota(chosen.shape, i + 2)).mul(stride[i]).sub(padding[i])
    place = place.add(start.add(within.mul(dilation[i])).mul(sizeOf(x.shape.slice(i + 3))))
  }
  return { values, indices: place }
}

/** Zeros of the given spatial extents with each value at its place: undoes `maxPoolWithIndices` but for what was not the largest. */
export function maxUnpool(values: Tensor, indices: Tensor, extents: readonly number[]): Tensor {
  if (values.rank !== extents.length + 2 || !sameShape(values.shape, indices.shape))
    throw misfit(
      `maxUnpool: values ${show(values.shape)} at indices ${show(indices.shape)}: expected both [n, c, ...] with ${extents.length} spatial axes`,
    )
  const [n, c] = values.shape
  const flat = (t: Tensor): Tensor => t.reshape([n, c, -1])
  const target = zeros([n, c, sizeOf(extents)], values.dtype)
  // Windows that overlap may name one place several times: it keeps the value, not the sum.
  const at = flat(indices)
  const counts = target.scatterAdd(at, flat(values).mul(0).add(1), 2)
  return target
    .scatterAdd(at, flat(values), 2)
    .div(counts.maximum(1))
    .reshape([n, c, ...extents])
}
