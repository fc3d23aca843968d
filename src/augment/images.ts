// Augmentations of images [n, ..., height, width]: shift, crop, flip, erase, affine maps.

import { misfit } from '../graph/refuse.ts'
import { random, type Tensor, vmap } from '../tensor/index.ts'
import { type Augmentation, checkWhole, checkWithin, ofInputs } from './augmentation.ts'
import { affineMaps, erased, flipped, imageOf, moved, type Outside, warped } from './geometry.ts'

export interface OutsideOptions {
  /** What comes in from outside: a number, the nearest pixel ('edge') or the mirror image ('reflect'); 0 unless told. */
  readonly outside?: Outside
}

function checkOutside(kind: string, outside: Outside): void {
  if (outside !== 'edge' && outside !== 'reflect' && !Number.isFinite(outside))
    throw misfit(`augment.${kind}: outside is ${outside}, it must be a finite number, 'edge' or 'reflect'`)
}

/** Moves each image by up to `pixels`, a whole number, along both axes. */
export function shift(pixels: number, options: OutsideOptions = {}): Augmentation {
  const { outside = 0 } = options
  checkWhole('shift', 'pixels', pixels)
  checkOutside('shift', outside)
  return ofInputs('shift', { pixels, outside }, (x, { key }) => {
    const [n] = x.shape
    const [top, left] = [0, 1].map((axis) => random.integers([n], -pixels, pixels + 1, { key: random.fold(key, axis) }))
    return moved(x, top, left, { outside })
  })
}

export interface CropOptions extends OutsideOptions {
  /** Pixels around the image that the window may reach into; 0 unless told. */
  readonly padding?: number
}

/** A window of the given extents, one number for both, at a random place of each image. Throws where images with padding are smaller. */
export function crop(extents: number | readonly [number, number], options: CropOptions = {}): Augmentation {
  const { padding = 0, outside = 0 } = options
  const window = pair(extents)
  window.forEach((extent) => {
    checkWhole('crop', 'an extent', extent, 1)
  })
  checkWhole('crop', 'padding', padding)
  checkOutside('crop', outside)
  return ofInputs('crop', { extents: [...window], padding, outside }, (x, { key }) => {
    const { n, height, width } = imageOf('augment.crop', x)
    const [top, left] = [height, width].map((extent, axis) => {
      const room = extent + 2 * padding - window[axis]
      if (room < 0)
        throw misfit(
          `augment.crop: a window of ${window.join('×')} in images of ${height}×${width} with padding ${padding}: it must not be larger`,
        )
      return random.integers([n], -padding, room - padding + 1, { key: random.fold(key, axis) })
    })
    return moved(x, top, left, { extents: window, outside })
  })
}

export interface FlipOptions {
  /** The axis to mirror: −1, left and right, unless told; −2 is up and down. */
  readonly axis?: number
  /** How often; 1/2 unless told. */
  readonly p?: number
  /** Drawn once for each example and turned in every epoch, so that it is seen both ways in any two epochs (Jordan 2024). */
  readonly alternating?: boolean
}

/** Mirrors images at random, or in every other epoch. */
export function flip(options: FlipOptions = {}): Augmentation {
  const { axis = -1, p = 0.5, alternating = false } = options
  checkWithin('flip', 'p', p, 0, 1)
  if (!Number.isInteger(axis)) throw misfit(`augment.flip: axis is ${axis}, it must be a whole number`)
  if (alternating && options.p !== undefined) throw misfit(`augment.flip: p is ${p} and alternating: give one of them`)
  return ofInputs('flip', alternating ? { axis, alternating } : { axis, p }, (x, { key, runKey, epoch, rows }) => {
    if (!alternating) return flipped(x, random.bernoulli([x.shape[0]], p, { key }), axis)
    const first = vmap((row: Tensor) => random.integers([], 0, 2, { key: random.fold(runKey, row) }))(rows)
    return flipped(x, first.add(epoch).remainder(2).equal(1), axis)
  })
}

export interface EraseOptions {
  /** What is put there; 0 unless told. */
  readonly value?: number
  /** How often; always unless told. */
  readonly p?: number
}

/** Puts a value in a rectangle of the given extents at a random place of each image (DeVries and Taylor 2017; Zhong et al. 2020). */
export function erase(extents: number | readonly [number, number], options: EraseOptions = {}): Augmentation {
  const { value = 0, p = 1 } = options
  const area = pair(extents)
  area.forEach((extent) => {
    checkWhole('erase', 'an extent', extent)
  })
  checkWithin('erase', 'p', p, 0, 1)
  if (!Number.isFinite(value)) throw misfit(`augment.erase: value is ${value}, it must be finite`)
  return ofInputs('erase', { extents: [...area], value, p }, (x, { key }) => {
    const { n, height, width } = imageOf('augment.erase', x)
    if (area[0] > height || area[1] > width)
      throw misfit(`augment.erase: ${area.join('×')} of images of ${height}×${width}: it must not be larger`)
    const [top, left] = [height - area[0], width - area[1]].map((room, axis) =>
      random.integers([n], 0, room + 1, { key: random.fold(key, axis) }),
    )
    // A rectangle above the image erases nothing.
    const at = p < 1 ? random.bernoulli([n], p, { key: random.fold(key, 2) }).where(top, -area[0]) : top
    return erased(x, at, left, area, value)
  })
}

export interface AffineOptions {
  /** Degrees that images are turned by at most, either way; 0 unless told. */
  readonly rotate?: number
  /** The least and the largest factor; [1, 1] unless told. */
  readonly scale?: readonly [least: number, most: number]
  /** The largest slant, either way: columns that a row moves for each row of distance from the middle; 0 unless told. */
  readonly shear?: number
  /** Pixels that images are moved by at most along each axis, also fractions of one; 0 unless told. */
  readonly shift?: number
}

/** Turns, scales, slants and moves images [n, c, h, w] about their centres, linear between pixels, 0 outside. */
export function affine(options: AffineOptions = {}): Augmentation {
  const { rotate = 0, scale = [1, 1], shear = 0, shift: pixels = 0 } = options
  for (const [name, value] of Object.entries({ rotate, shear, shift: pixels })) checkWithin('affine', name, value)
  if (scale.length !== 2 || !(scale[0] > 0 && scale[0] <= scale[1] && scale[1] < Infinity))
    throw misfit(`augment.affine: scale is [${scale.join(', ')}], it must be the least and the largest factor, above 0`)
  return ofInputs('affine', { rotate, scale: [...scale], shear, shift: pixels }, (x, { key }) => {
    const [n] = x.shape
    const dtype = x.dtype === 'float64' ? 'float64' : 'float32'
    const within = (shape: readonly number[], low: number, high: number, stream: number): Tensor =>
      random.uniform(shape, { low, high, dtype, key: random.fold(key, stream) })
    const radians = (rotate / 180) * Math.PI
    const maps = affineMaps(
      within([n], -radians, radians, 0),
      within([n], scale[0], scale[1], 1),
      within([n], -shear, shear, 2),
      within([n, 2], -pixels, pixels, 3),
    )
    return warped(x, maps)
  })
}

const pair = (extents: number | readonly [number, number]): readonly [number, number] =>
  typeof extents === 'number' ? [extents, extents] : extents
