// Layers that give images other extents: enlarged, or with channels laid out as pixels.

import { misfit } from '../graph/refuse.ts'
import { defineModule } from './define.ts'
import * as functional from './functional/index.ts'
import type { Module } from './module.ts'
import { checkPositive, checkWhole, given } from './parameter.ts'

/** x [n, c, ...spatial] with extents `factor` times as large, rounded down; as PyTorch's `Upsample`. */
export function upsample(
  factor: number,
  options: functional.InterpolationOptions = {},
): Module<['n', 'c', '...'], ['n', 'c', '...'], 'upsample'> {
  checkPositive('upsample', { factor })
  const { mode = 'nearest', alignCorners = false } = options
  if (mode !== 'nearest' && mode !== 'linear')
    throw misfit(`upsample: unknown mode '${String(mode)}': use 'nearest' or 'linear'`)
  return defineModule({
    kind: 'upsample',
    label: `×${factor}`,
    options: { factor, ...given({ mode, alignCorners }, { mode: 'nearest', alignCorners: false }) },
    forward: (x) =>
      functional.interpolate(
        x,
        x.shape.slice(2).map((d) => Math.floor(d * factor)),
        { mode, alignCorners },
      ),
  }) as Module as Module<['n', 'c', '...'], ['n', 'c', '...'], 'upsample'>
}

type Shuffle<Kind extends string> = Module<['n', 'c', 'h', 'w'], ['n', number, number, number], Kind>

/** x [n, c·f², h, w] to [n, c, h·f, w·f], as PyTorch's `PixelShuffle` (Shi et al. 2016). */
export const pixelShuffle = (factor: number): Shuffle<'pixelShuffle'> => {
  checkWhole('pixelShuffle', { factor })
  return defineModule({
    kind: 'pixelShuffle',
    label: `${factor}`,
    options: { factor },
    shapes: { in: ['n', 'c', 'h', 'w'], out: ['n', '?', '?', '?'] },
    forward: (x) => functional.pixelShuffle(x, factor),
  }) as Module as Shuffle<'pixelShuffle'>
}

/** Undoes `pixelShuffle`. */
export const pixelUnshuffle = (factor: number): Shuffle<'pixelUnshuffle'> => {
  checkWhole('pixelUnshuffle', { factor })
  return defineModule({
    kind: 'pixelUnshuffle',
    label: `${factor}`,
    options: { factor },
    shapes: { in: ['n', 'c', 'h', 'w'], out: ['n', '?', '?', '?'] },
    forward: (x) => functional.pixelUnshuffle(x, factor),
  }) as Module as Shuffle<'pixelUnshuffle'>
}
