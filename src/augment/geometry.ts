// What augmentations do to images [n, ..., height, width], each example by numbers of its own: moved, flipped, cut out, warped.

import { misfit } from '../graph/refuse.ts'
import { type Dims, show, sizeOf } from '../graph/shape.ts'
import { functional } from '../nn/index.ts'
import { concat, iota, stack, type Tensor, withBroadcasting } from '../tensor/index.ts'

/** What lies outside of an image: a number, its nearest pixel, or its mirror image (without the edge twice). */
export type Outside = number | 'edge' | 'reflect'

export interface MoveOptions {
  /** Height and width of the result; those of x unless told. */
  readonly extents?: readonly [height: number, width: number] | undefined
  /** 0 unless told. */
  readonly outside?: Outside | undefined
}

/**
 * Each image as seen through a window whose corner is at (top, left), int32 [n], of the image: a shift, or with smaller
 * `extents` a crop. x: [n, ..., h, w].
 */
export function moved(x: Tensor, top: Tensor, left: Tensor, options: MoveOptions = {}): Tensor {
  const { n, channels, height, width } = imageOf('moved', x, { top, left })
  const { extents = [height, width], outside = 0 } = options
  const [rows, columns] = extents
  return withBroadcasting('numpy', () => {
    const row = placed(top, rows, height, outside).reshape([n, 1, rows, 1])
    const column = placed(left, columns, width, outside).reshape([n, 1, 1, columns])
    const isInside = inside(row, height).and(inside(column, width))
    const index = isInside.where(row.mul(width).add(column), 0)
    const pixels = x
      .reshape([n, channels, height * width])
      .takeAlong(index.broadcastTo([n, channels, rows, columns]).reshape([n, channels, rows * columns]), 2)
      .reshape([n, channels, rows, columns])
    const seen = typeof outside === 'number' ? isInside.where(pixels, outside) : pixels
    return seen.reshape([...x.shape.slice(0, -2), rows, columns])
  })
}

/** The places start, start + 1, … of each example, [n, count], moved into an axis where what lies outside comes from within. */
function placed(start: Tensor, count: number, extent: number, outside: Outside): Tensor {
  const [n] = start.shape
  const place = start.reshape([n, 1]).add(iota([n, count], 1))
  if (typeof outside === 'number') return place
  if (outside === 'edge' || extent === 1) return place.clamp(0, extent - 1)
  // To and fro with a period of 2(extent − 1).
  const period = 2 * (extent - 1)
  const within = place.remainder(period)
  return within.minimum(within.neg().add(period))
}

const inside = (place: Tensor, extent: number): Tensor => place.greaterEqual(0).and(place.less(extent))

/** The images for which `isFlipped`, bool [n], is true, mirrored along an axis, the last (left and right) unless told. */
export function flipped(x: Tensor, isFlipped: Tensor, axis = -1): Tensor {
  const [n] = x.shape
  if (x.rank < 2 || isFlipped.rank !== 1 || isFlipped.shape[0] !== n)
    throw misfit(`flipped: ${show(x.shape)} and flags ${show(isFlipped.shape)}: expected [n, ..., size] and [n]`)
  return withBroadcasting('numpy', () => apart(isFlipped, x.rank).where(x.flip(axis), x))
}

/** The images with `value` in the rectangle of the given extents whose corner is at (top, left), int32 [n]. */
export function erased(
  x: Tensor,
  top: Tensor,
  left: Tensor,
  [rows, columns]: readonly [height: number, width: number],
  value = 0,
): Tensor {
  const { height, width, n } = imageOf('erased', x, { top, left })
  return withBroadcasting('numpy', () => {
    const row = between(iota([1, height, 1], 1), top.reshape([n, 1, 1]), rows)
    const column = between(iota([1, 1, width], 2), left.reshape([n, 1, 1]), columns)
    const isCut = row.and(column).reshape([n, ...new Array<number>(x.rank - 3).fill(1), height, width])
    return isCut.where(value, x)
  })
}

/** Whether places lie in [start, start + count). */
export const between = (place: Tensor, start: Tensor, count: Tensor | number): Tensor =>
  place.greaterEqual(start).and(place.less(start.add(count)))

/**
 * Each image seen through an affine map: the pixel at (column, row), counted from the centre, comes from `maps`
 * [n, 2, 3] times (column, row, 1), linear between pixels, 0 outside. Gradients go to images and maps. x: [n, c, h, w].
 */
export function warped(x: Tensor, maps: Tensor): Tensor {
  const [n] = x.shape
  if (x.rank !== 4 || show(maps.shape) !== show([n, 2, 3]))
    throw misfit(`warped: images ${show(x.shape)} and maps ${show(maps.shape)}: expected [n, c, h, w] and [n, 2, 3]`)
  const [height, width] = x.shape.slice(2)
  const size = height * width
  const place = iota([size], 0).cast(maps.dtype)
  const row = place.div(width).floor()
  const column = place.sub(row.mul(width)).sub((width - 1) / 2)
  const from = stack([column, row.sub((height - 1) / 2), place.mul(0).add(1)])
  // From pixels around the centre to [−1, 1] over the image, as gridSample counts.
  const [u, v] = [0, 1].map((axis) =>
    maps
      .at(axis, 1)
      .matmul(from)
      .mul(2 / (axis === 0 ? width : height)),
  )
  return functional.gridSample(x, stack([u, v], -1).reshape([n, height, width, 2]))
}

/** Maps [n, 2, 3] for `warped` that turn by angles (radians), scale by factors and slant by a shear, each [n], and shift [n, 2] by pixels. */
export function affineMaps(angle: Tensor, scale: Tensor, shear: Tensor, shift: Tensor): Tensor {
  const [cosine, sine] = [angle.cos(), angle.sin()]
  // The image is what the inverse of the map shows: slant, turn, scale, shift, undone from the last to the first.
  const a = cosine.add(shear.mul(sine)).div(scale)
  const b = sine.sub(shear.mul(cosine)).div(scale)
  const [c, d] = [sine.neg().div(scale), cosine.div(scale)]
  const [right, down] = [shift.at(0, 1), shift.at(1, 1)]
  const offset = (p: Tensor, q: Tensor): Tensor => p.mul(right).add(q.mul(down)).neg()
  const [n] = angle.shape
  return concat([stack([a, b, offset(a, b)], -1), stack([c, d, offset(c, d)], -1)], 1).reshape([n, 2, 3])
}

/** A value for each example with axes of extent 1 behind. */
export const apart = (perExample: Tensor, rank: number): Tensor =>
  perExample.reshape([perExample.shape[0], ...new Array<number>(rank - 1).fill(1)])

interface Image {
  readonly n: number
  readonly channels: number
  readonly height: number
  readonly width: number
}

/** Throws unless x is [n, ..., h, w] and each of the others int32 [n]. */
export function imageOf(name: string, { shape }: Tensor, perExample: { readonly [name: string]: Tensor } = {}): Image {
  if (shape.length < 3) throw misfit(`${name}: inputs ${show(shape)}: expected images, [n, ..., height, width]`)
  const middle: Dims = shape.slice(1, -2)
  const [n, height, width] = [shape[0], ...shape.slice(-2)] as [number, number, number]
  for (const [what, { shape: own, dtype }] of Object.entries(perExample))
    if (own.length !== 1 || own[0] !== n || dtype !== 'int32')
      throw misfit(`${name}: ${what} is ${dtype} ${show(own)} for images ${show(shape)}: expected int32 [${n}]`)
  return { n, channels: sizeOf(middle), height, width }
}
