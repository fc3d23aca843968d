// Augmentations of any inputs: noise, and bands of time or frequency that are masked.

import { misfit } from '../graph/refuse.ts'
import { normalizeAxis, show } from '../graph/shape.ts'
import { iota, random, type Tensor, withBroadcasting } from '../tensor/index.ts'
import { type Augmentation, checkWhole, checkWithin, ofInputs } from './augmentation.ts'
import { apart, between } from './geometry.ts'

/** Adds normal noise of the given standard deviation to every number (Bishop 1995: it regularises as a penalty of its variance). */
export function noise(standardDeviation: number): Augmentation {
  checkWithin('noise', 'the standard deviation', standardDeviation)
  return ofInputs('noise', { standardDeviation }, (x, { key }) => {
    const dtype = x.dtype === 'float64' ? 'float64' : 'float32'
    return x.add(random.normal(x.shape, { std: standardDeviation, dtype, key }))
  })
}

export interface MaskOptions {
  /** Bands for each example; 1 unless told. */
  readonly count?: number
  /** What is put there; 0 unless told. */
  readonly value?: number
}

/** Masks bands of up to `width` steps of the last axis of [n, ..., time], at random places (SpecAugment: Park et al. 2019). */
export const timeMask = (width: number, options: MaskOptions = {}): Augmentation => mask('timeMask', -1, width, options)

/** The same along the second axis from the end of [n, ..., frequency, time]. */
export const frequencyMask = (width: number, options: MaskOptions = {}): Augmentation =>
  mask('frequencyMask', -2, width, options)

function mask(kind: string, axis: number, width: number, { count = 1, value = 0 }: MaskOptions): Augmentation {
  checkWhole(kind, 'width', width)
  checkWhole(kind, 'count', count, 1)
  if (!Number.isFinite(value)) throw misfit(`augment.${kind}: value is ${value}, it must be finite`)
  return ofInputs(kind, { width, count, value }, (x, { key }) => {
    if (x.rank < 1 - axis)
      throw misfit(`augment.${kind}: inputs ${show(x.shape)}: expected at least ${1 - axis} axes, with examples first`)
    const at = normalizeAxis(axis, x.rank, kind)
    const [n, extent] = [x.shape[0], x.shape[at] as number]
    const place = iota(
      x.shape.map((d, i) => (i === at ? d : 1)),
      at,
    )
    return Array.from({ length: count }, (_, band) => random.fold(key, band)).reduce((y: Tensor, own) => {
      const size = random.integers([n], 0, Math.min(width, extent) + 1, { key: random.fold(own, 0) })
      // Anywhere that it fits.
      const unit = random.uniform([n], { key: random.fold(own, 1) })
      const start = unit
        .mul(size.neg().add(extent + 1))
        .floor()
        .cast('int32')
      return withBroadcasting('numpy', () => between(place, apart(start, x.rank), apart(size, x.rank)).where(value, y))
    }, x)
  })
}
