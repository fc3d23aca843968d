// Images cut into patches and put together again, enlarged, shuffled and warped.

import { build } from '../../graph/build.ts'
import { misfit } from '../../graph/refuse.ts'
import { show, sizeOf } from '../../graph/shape.ts'
import { Tensor, tensor, vjp, zeros } from '../../tensor/index.ts'
import { type PerAxis, perAxis } from './per-axis.ts'

export interface PatchOptions {
  readonly kernel: PerAxis
  readonly stride?: PerAxis
  readonly padding?: PerAxis
  readonly dilation?: PerAxis
}

/** Patches of x [n, c, ...spatial] as columns: [n, c · kernel elements, positions], as PyTorch's `unfold`. */
export function unfold(x: Tensor, options: PatchOptions): Tensor {
  const axes = x.rank - 2
  if (axes < 1) throw misfit(`unfold: input ${show(x.shape)}: expected [n, c, ...spatial]`)
  const size = perAxis(options.kernel, axes, 'unfold kernel')
  const stride = perAxis(options.stride ?? 1, axes, 'unfold stride')
  const dilation = perAxis(options.dilation ?? 1, axes, 'unfold dilation')
  const padding = perAxis(options.padding ?? 0, axes, 'unfold padding', 0)
  const padded = x.pad([[0, 0], [0, 0], ...padding.map((p) => [p, p] as const)])
  const windows = new Tensor(build.node('windows', [padded.node], { size, stride, dilation }))
  const positions = windows.shape.slice(2, 2 + axes)
  const axis = (from: number): number[] => Array.from({ length: axes }, (_, i) => from + i)
  return windows
    .permute([0, 1, ...axis(2 + axes), ...axis(2)])
    .reshape([x.shape[0], x.shape[1] * sizeOf(size), sizeOf(positions)])
}

/** The adjoint of `unfold`: patches [n, c · kernel elements, positions] added up in an image of the given extents. */
export function fold(patches: Tensor, extents: readonly number[], options: PatchOptions): Tensor {
  const size = sizeOf(perAxis(options.kernel, extents.length, 'fold kernel'))
  if (patches.rank !== 3 || patches.shape[1] % size !== 0)
    throw misfit(`fold: ${show(patches.shape)}: expected [n, c · ${size}, positions] for kernels of ${size} elements`)
  const image = zeros([patches.shape[0], patches.shape[1] / size, ...extents], patches.dtype)
  const columns = unfold(image, options)
  if (columns.shape[2] !== patches.shape[2])
    throw misfit(
      `fold: ${show(patches.shape)} for an image of ${show(extents)}: expected ${columns.shape[2]} positions`,
    )
  return vjp([columns], [patches], [image])[0]
}

export type Interpolation = 'nearest' | 'linear'

export interface InterpolationOptions {
  readonly mode?: Interpolation
  /** Whether the centres of the outermost elements keep their places; false unless told, for linear interpolation only. */
  readonly alignCorners?: boolean
}

/** x [n, c, ...spatial] with other spatial extents: the nearest element, or linear between neighbours along each axis. */
export function interpolate(x: Tensor, extents: PerAxis, options: InterpolationOptions = {}): Tensor {
  const { mode = 'nearest', alignCorners = false } = options
  checkMode('interpolate', mode)
  if (x.rank < 3) throw misfit(`interpolate: input ${show(x.shape)}: expected [n, c, ...spatial]`)
  const targets = perAxis(extents, x.rank - 2, 'interpolate extents')
  return targets.reduce((y, to, i) => {
    const [axis, from] = [i + 2, x.shape[i + 2]]
    if (mode === 'nearest') {
      const nearest = Int32Array.from({ length: to }, (_, k) => Math.min(from - 1, Math.floor((k * from) / to)))
      return y.take(tensor(nearest), axis)
    }
    const place = (k: number): number =>
      alignCorners ? (to > 1 ? (k * (from - 1)) / (to - 1) : 0) : Math.max(0, ((k + 0.5) * from) / to - 0.5)
    const places = Array.from({ length: to }, (_, k) => Math.min(from - 1, place(k)))
    const low = y.take(tensor(Int32Array.from(places, Math.floor)), axis)
    const high = y.take(tensor(Int32Array.from(places, (p) => Math.min(from - 1, Math.floor(p) + 1))), axis)
    const fraction = tensor(Float64Array.from(places, (p) => p - Math.floor(p)))
      .cast(y.dtype)
      .reshape([to, ...new Array<number>(x.rank - 1 - axis).fill(1)])
    return low.add(high.sub(low).mul(fraction))
  }, x)
}

/** x [n, c · f², h, w] with channels laid out as pixels: [n, c, h · f, w · f] (Shi et al. 2016). */
export function pixelShuffle(x: Tensor, factor: number): Tensor {
  const [n, channels, h, w] = x.shape
  if (x.rank !== 4 || !Number.isInteger(factor) || factor < 1 || channels % factor ** 2 !== 0)
    throw misfit(`pixelShuffle: input ${show(x.shape)}: expected [n, c · ${factor ** 2}, h, w]`)
  const c = channels / factor ** 2
  return x
    .reshape([n, c, factor, factor, h, w])
    .permute([0, 1, 4, 2, 5, 3])
    .reshape([n, c, h * factor, w * factor])
}

/** Undoes `pixelShuffle`: x [n, c, h · f, w · f] to [n, c · f², h, w]. */
export function pixelUnshuffle(x: Tensor, factor: number): Tensor {
  const [n, c, height, width] = x.shape
  if (x.rank !== 4 || !Number.isInteger(factor) || factor < 1 || height % factor !== 0 || width % factor !== 0)
    throw misfit(`pixelUnshuffle: input ${show(x.shape)}: expected [n, c, h · ${factor}, w · ${factor}]`)
  const [h, w] = [height / factor, width / factor]
  return x
    .reshape([n, c, h, factor, w, factor])
    .permute([0, 1, 3, 5, 2, 4])
    .reshape([n, c * factor ** 2, h, w])
}

export interface GridOptions {
  /** Between pixels: linear (the default), or the nearest one, which gives the places no gradient. */
  readonly mode?: Interpolation
  /** Outside of the image: zeros (the default), or the pixel of the border that is nearest. */
  readonly padding?: 'zeros' | 'border'
  /** Whether −1 and 1 are the centres of the outermost pixels, not their outer edges; false unless told. */
  readonly alignCorners?: boolean
}

/**
 * x [n, c, h, w] at places grid [n, h', w', 2], (x, y) from −1 to 1 over the image: [n, c, h', w'], as PyTorch's `grid_sample`
 * (Jaderberg et al. 2015). Gradients go to image and places. Throws when the shapes do not fit.
 */
export function gridSample(x: Tensor, grid: Tensor, options: GridOptions = {}): Tensor {
  const { mode = 'linear', padding = 'zeros', alignCorners = false } = options
  checkMode('gridSample', mode)
  if (padding !== 'zeros' && padding !== 'border')
    throw misfit(`gridSample: unknown padding '${String(padding)}': use 'zeros' or 'border'`)
  if (x.rank !== 4 || grid.rank !== 4 || grid.shape[3] !== 2 || grid.shape[0] !== x.shape[0])
    throw misfit(
      `gridSample: image ${show(x.shape)} and grid ${show(grid.shape)}: expected [n, c, h, w] and [n, h', w', 2]`,
    )
  const [n, c, h, w] = x.shape
  const [rows, columns] = grid.shape.slice(1, 3)
  const pixel = (coordinate: Tensor, extent: number): Tensor => {
    const place = alignCorners
      ? coordinate.add(1).mul((extent - 1) / 2)
      : coordinate
          .add(1)
          .mul(extent / 2)
          .sub(0.5)
    return padding === 'border' ? place.clamp(0, extent - 1) : place
  }
  const [px, py] = [pixel(grid.at(0, -1), w), pixel(grid.at(1, -1), h)]
  const flat = x.reshape([n, c, h * w])
  /** The pixels at whole places, times a weight; nothing outside. */
  const pixels = (cx: Tensor, cy: Tensor, weight?: Tensor): Tensor => {
    const isInside = cx.greaterEqual(0).and(cx.less(w)).and(cy.greaterEqual(0)).and(cy.less(h))
    const index = isInside
      .where(cy.mul(w).add(cx), 0)
      .cast('int32')
      .reshape([n, 1, rows * columns])
    const values = flat.takeAlong(index.broadcastTo([n, c, rows * columns]), 2).reshape([n, c, rows, columns])
    return values.mul(isInside.where(weight ?? 1, 0).unsqueeze(1))
  }
  if (mode === 'nearest') return pixels(px.round().detach(), py.round().detach())
  const [left, top] = [px.floor().detach(), py.floor().detach()]
  const [fx, fy] = [px.sub(left), py.sub(top)]
  const corner = (dx: 0 | 1, dy: 0 | 1): Tensor =>
    pixels(left.add(dx), top.add(dy), (dx === 1 ? fx : fx.neg().add(1)).mul(dy === 1 ? fy : fy.neg().add(1)))
  return corner(0, 0).add(corner(1, 0)).add(corner(0, 1)).add(corner(1, 1))
}

function checkMode(name: string, mode: string): void {
  if (mode !== 'nearest' && mode !== 'linear')
    throw misfit(`${name}: unknown mode '${String(mode)}': use 'nearest' or 'linear'`)
}
