// The largest element and the mean of each window.

import { build } from '../../graph/build.ts'
import { misfit } from '../../graph/refuse.ts'
import { show, sizeOf } from '../../graph/shape.ts'
import { ones, Tensor } from '../../tensor/index.ts'
import { type PerAxis, perAxis } from './per-axis.ts'

export interface PoolOptions {
  readonly kernel: PerAxis
  /** The kernel's extents unless told. */
  readonly stride?: PerAxis
  /** On both sides of each axis; at most half the kernel. */
  readonly padding?: PerAxis
  /** How far elements of a window are apart; 1 unless told: neighbours. */
  readonly dilation?: PerAxis
  /** Whether a last window may reach past the end; false unless told. */
  readonly ceil?: boolean
}

/** The largest element of each window; the gradient goes to the first of equal ones. x: [n, c, ...spatial], `axes` of them. */
export function maxPool(x: Tensor, options: PoolOptions, axes = 2): Tensor {
  const windows = poolWindows(x, options, -Infinity, axes)
  return new Tensor(build.node('max', [windows.node], { axes: lastAxes(windows, axes), ties: 'first' }))
}

export interface AveragePoolOptions extends PoolOptions {
  /** Whether padding counts as zeros; true unless told. */
  readonly countPadding?: boolean
}

/** The mean of each window. x: [n, c, ...spatial], `axes` of them. */
export function averagePool(x: Tensor, options: AveragePoolOptions, axes = 2): Tensor {
  const windows = poolWindows(x, options, 0, axes)
  const total = windows.sum(lastAxes(windows, axes))
  const { countPadding = true, ceil = false } = options
  if (countPadding && !ceil) return total.div(sizeOf(perAxis(options.kernel, axes)))
  // What a window that reaches past the end lacks is never counted.
  const counted = countPadding ? perAxis(options.padding ?? 0, axes) : perAxis(0, axes)
  const elements = ones([1, 1, ...x.shape.slice(2).map((d, i) => d + 2 * counted[i])], x.dtype)
  const inside = poolWindows(elements, countPadding ? { ...options, padding: 0 } : options, 0, axes)
  const cut = inside.slice(null, null, ...total.shape.slice(2).map((d) => [0, d] as const))
  return total.div(cut.sum(lastAxes(cut, axes)))
}

/** The windows of the spatial axes as last axes: x [n, c, ...spatial] to [n, c, ...positions, ...kernel]. */
export function poolWindows(x: Tensor, options: PoolOptions, value: number, axes: number): Tensor {
  if (x.rank !== axes + 2) throw misfit(`pool: input ${show(x.shape)}: expected ${axes + 2} axes, [n, c, ...spatial]`)
  const size = perAxis(options.kernel, axes, 'pool kernel')
  const stride = perAxis(options.stride ?? size, axes, 'pool stride')
  const padding = perAxis(options.padding ?? 0, axes, 'pool padding', 0)
  if (padding.some((p, i) => p > size[i] / 2)) {
    throw misfit(
      `pool: padding ${show(padding)} is more than half the kernel ${show(size)}: whole windows would lie in it`,
    )
  }
  const dilation = perAxis(options.dilation ?? 1, axes, 'pool dilation')
  const around = options.ceil
    ? padding.map((p, i) => [p, p + lacking(x.shape[i + 2], dilation[i] * (size[i] - 1) + 1, stride[i], p)])
    : undefined
  const amounts = around ?? padding.map((p) => [p, p])
  const padded = x.pad([[0, 0], [0, 0], ...amounts.map(([low, high]) => [low, high] as const)], value)
  return new Tensor(build.node('windows', [padded.node], { size, stride, dilation }))
}

/** What the last window lacks at the end of an axis; a window that would begin past the input is left out, as PyTorch does. */
function lacking(extent: number, size: number, stride: number, padding: number): number {
  const positions = Math.ceil((extent + 2 * padding - size) / stride) + 1
  const last = (positions - 1) * stride < extent + padding ? positions - 1 : positions - 2
  return Math.max(0, last * stride + size - extent - 2 * padding)
}

const lastAxes = (x: Tensor, count: number): number[] => Array.from({ length: count }, (_, i) => x.rank - count + i)
